"""Models over HTTP: listed with reasons and remedies, loaded line by line, and unloaded by their whole name."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.helpers.api import OpenApi, open_port
from tests.helpers.gated_engines import Gate
from tests.helpers.rooms import open_rooms
from tests.helpers.turn_lines import Lines, asking

WAIT = {"wait": True}


@pytest.fixture
async def gated(tmp_path: Path) -> AsyncIterator[OpenApi]:
    """A port whose models wait for the test before they are loaded."""
    Gate.made = []
    async with open_rooms(tmp_path, make_engine=Gate, replies=["Hello there."]) as rooms, open_port(rooms) as opened:
        yield opened


async def test_models_have_the_fields_of_old_and_their_state(api: OpenApi) -> None:
    (model,) = (await api.client.get("/models")).json()["models"]
    folder = api.rooms.models / "Scripted"
    assert (model["model_name"], model["model_dir"]) == ("Scripted", str(folder))
    assert model["config_path"] == str(folder / "mlc-chat-config.json")
    assert (model["usable"], model["state"]) == (True, "unloaded")
    assert (await api.client.get("/models/Scripted")).json() == model


async def test_a_model_that_cannot_be_used_says_why_and_what_to_do(api: OpenApi) -> None:
    folder = api.rooms.models / "Broken"
    folder.mkdir()
    (folder / "mlc-chat-config.json").write_text("{", encoding="utf-8")
    model = (await api.client.get("/models/Broken")).json()
    assert not model["usable"]
    assert model["reason"]
    assert model["remedy"]
    refused = await api.client.post("/models/load", json={"model_name": "Broken"})
    assert (refused.status_code, refused.json()["code"]) == (409, model["code"])


async def test_a_load_is_told_line_by_line_and_ends_with_the_model(api: OpenApi) -> None:
    api.rooms.add_model("Slow", load=[{"progress": 0.25}, {"progress": 0.75}])
    async with api.client.stream("POST", "/models/load", json={"model_name": "Slow"}) as response:
        lines = await Lines(response).rest()
    assert [line["progress"] for line in lines[:-1]] == [0.25, 0.75, 1.0]
    assert {line["type"] for line in lines[:-1]} == {"status"}
    assert (lines[-1]["type"], lines[-1]["model"]["state"]) == ("model", "ready")


async def test_a_load_that_fails_at_once_has_a_status(api: OpenApi) -> None:
    fault = {"raise": {"code": "engine_error", "title": "No", "message": "It does not load.", "hint": "Try."}}
    api.rooms.add_model("Failing", load=[fault])
    response = await api.client.post("/models/load", json={"model_name": "Failing"})
    assert (response.status_code, response.json()["message"]) == (500, "It does not load.")


async def test_a_load_that_fails_later_ends_with_an_error_line(api: OpenApi) -> None:
    fault = {"raise": {"code": "engine_error", "title": "No", "message": "It does not load.", "hint": "Try."}}
    api.rooms.add_model("Failing", load=[{"progress": 0.5}, fault])
    async with api.client.stream("POST", "/models/load", json={"model_name": "Failing"}) as response:
        lines = await Lines(response).rest()
    assert [line["type"] for line in lines] == ["status", "error"]
    assert lines[-1]["hint"] == "Try."


async def test_hanging_up_ends_the_load_that_nobody_else_waits_for(gated: OpenApi) -> None:
    ended = asyncio.Event()
    gated.rooms.pool.subscribe(
        lambda: ended.set() if gated.rooms.pool.states()["Scripted"].state == "unloaded" else None
    )
    async with gated.client.stream("POST", "/models/load", json={"model_name": "Scripted"}) as response:
        await Lines(response).next()
        ended.clear()
    await ended.wait()
    assert Gate.made[0].closed


async def test_hanging_up_leaves_the_load_of_others_alone(gated: OpenApi) -> None:
    async with asking(gated.client) as lines:
        await lines.until(stage="loading_model")
        async with gated.client.stream("POST", "/models/load", json={"model_name": "Scripted"}) as response:
            assert response.is_success
        async with gated.client.stream("POST", "/models/load", json={"model_name": "Scripted"}) as response:
            Gate.made[0].may_load.set()
            assert (await Lines(response).rest())[-1]["type"] == "model"
        assert (await lines.rest())[-1]["type"] == "done"


async def test_unloading_drops_the_model_of_that_name_and_no_other(api: OpenApi) -> None:
    for name in ("Tiny", "Tiny-2"):
        api.rooms.add_model(name)
        async with api.client.stream("POST", "/models/load", json={"model_name": name}) as response:
            await Lines(response).rest()
    assert (await api.client.post("/models/unload", json={"model_name": "Tin"})).status_code == 404
    assert (await api.client.post("/models/unload", json={"model_name": "Tiny", "device": "auto"})).is_success
    states = {model["model_name"]: model["state"] for model in (await api.client.get("/models")).json()["models"]}
    assert (states["Tiny"], states["Tiny-2"]) == ("unloaded", "ready")


async def test_a_model_that_answers_is_not_unloaded(api: OpenApi) -> None:
    api.rooms.add_model("Slow", replies=[{"steps": ["One", WAIT]}])
    async with asking(api.client, model_name="Slow") as lines:
        await lines.until(type="token")
        refused = await api.client.post("/models/unload", json={"model_name": "Slow"})
    assert refused.status_code == 409


async def test_a_token_that_may_chat_loads_and_unloads_nothing(api: OpenApi) -> None:
    async with api.with_scope("chat") as client:
        for what in ("load", "unload"):
            assert (await client.post(f"/models/{what}", json={"model_name": "Scripted"})).status_code == 403
        assert (await client.get("/models")).is_success
