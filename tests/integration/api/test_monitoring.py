"""Watching over a port that is open: whether it lives and is ready, what it measures, and what it logs."""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from tests.helpers.api import OpenApi, open_port
from tests.helpers.rooms import Rooms, all_events, open_rooms, until
from tests.helpers.tool_turns import ATTENDED, UNASKED, call, says
from tests.helpers.tools import tool_named
from tether_desktop import paths
from tether_desktop.events import Status, Token, ToolApproval
from tether_desktop.logs import start_logging, stop_logging
from tether_desktop.protocol.api.monitoring.metric_table import METRICS
from tether_desktop.protocol.news import TurnStarted

OPENMETRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}
SPEAKS = {"match": "go on", "steps": ["It ", "goes ", "on", {"wait": True}]}
BREAKS = {"match": "fail", "steps": ["Oh", {"raise": {"code": "engine_died", "title": "T", "message": "M"}}]}


@pytest.fixture
def logging_started() -> Iterator[None]:
    start_logging()
    yield
    stop_logging()


@pytest.fixture
async def no_models(tmp_path: Path) -> AsyncIterator[OpenApi]:
    async with open_rooms(tmp_path) as rooms, open_port(rooms) as api:
        yield api


class Figures:
    """What /metrics tells, after all that has happened was counted."""

    def __init__(self, text: str) -> None:
        self.families = {family.name: family for family in text_string_to_metric_families(text)}

    def __call__(self, name: str, **labels: str) -> float | None:
        found = [
            sample.value
            for family in self.families.values()
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        ]
        return found[0] if found else None


async def figures(api: OpenApi) -> Figures:
    monitor = api.port._serving._app.state.monitor  # type: ignore[union-attr]
    await monitor.replies.settled()
    return Figures((await api.client.get("/metrics", headers=OPENMETRICS)).text)


async def test_that_it_lives_is_told_without_a_token(api: OpenApi) -> None:
    async with api.stranger() as stranger:
        answer = await stranger.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_that_it_is_ready_is_told_to_everybody_and_details_to_those_with_a_token(api: OpenApi) -> None:
    async with api.stranger() as stranger, api.stranger(Authorization="Bearer wrong") as wrong:
        assert (await stranger.get("/readyz")).json() == {"status": "ready"}
        assert (await wrong.get("/readyz")).json() == {"status": "ready"}
    await api.rooms.ask("Hello?")
    told = (await api.client.get("/readyz")).json()
    assert told["usable_models"] == ["Scripted"]
    assert told["conversations"] == 1
    assert [(used["model"], used["state"]) for used in told["models"]] == [("Scripted", "ready")]


async def test_without_a_model_it_is_not_ready_and_says_what_to_do(no_models: OpenApi) -> None:
    answer = await no_models.client.get("/readyz")
    body = answer.json()
    assert answer.status_code == 503
    assert (body["code"], body["parts"]) == ("not_ready", {"store": "ok", "models": "model_not_found"})
    assert "models add starter" in body["remedy"]
    assert body["request_id"] == answer.headers["x-request-id"]


async def test_a_database_that_fails_makes_it_unready_and_tells_strangers_no_path(rooms: Rooms, api: OpenApi) -> None:
    damage(rooms)
    told = (await api.client.get("/readyz")).json()
    assert told["parts"] == {"store": "store_damaged", "models": "ok"}
    async with api.stranger() as stranger:
        answer = await stranger.get("/readyz")
        assert answer.status_code == 503
        assert str(rooms.models.parent) not in answer.text
        assert (await stranger.get("/healthz")).status_code == 200
    figure = await figures(api)
    assert (figure("tether_ready"), figure("tether_store_up")) == (0, 0)
    assert (figure("tether_store_errors_total", code="store_damaged") or 0) >= 2
    assert figure("tether_store_errors_total", code="store_full") == 0
    assert figure("tether_sessions") is None


def damage(rooms: Rooms) -> None:
    file = rooms.models.parent / "tether.db"
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_master SET sql = 'damaged' WHERE name = 'sessions'")
        connection.execute("PRAGMA schema_version = 999")


async def test_figures_are_for_those_with_a_token_of_any_scope(api: OpenApi) -> None:
    async with api.stranger() as stranger, api.with_scope("chat") as chatting:
        assert (await stranger.get("/metrics")).status_code == 401
        assert (await chatting.get("/metrics")).status_code == 200


async def test_exactly_the_figures_of_the_table_are_told(api: OpenApi) -> None:
    await api.rooms.ask("Hello?")
    told = (await figures(api)).families.values()
    assert {(family.name, family.type, family.documentation) for family in told} == {
        (metric.name, metric.kind, metric.help) for metric in METRICS
    }
    labels = {metric.name: {*metric.labels} for metric in METRICS}
    for family in told:
        for sample in family.samples:
            assert {*sample.labels} - {"le"} == labels[family.name]


async def test_turns_of_every_client_are_counted_by_how_they_end(tmp_path: Path) -> None:
    async with open_rooms(tmp_path, replies=["Hello there.", SPEAKS, BREAKS]) as rooms, open_port(rooms) as api:
        await rooms.ask("Hello?")
        await rooms.ask("Hello again?")
        await rooms.ask("And now fail")
        session = await rooms.sessions.create()
        turn = await rooms.sessions.send(session.id, "Please go on")
        await until(turn, lambda event: isinstance(event, Token))
        assert (await figures_while_it_runs(api))("tether_replies_open") == 1
        await turn.cancel()
        figure = await figures(api)

    def ended(ending: str) -> float | None:
        return figure("tether_replies_total", source="conversation", model="Scripted", ending=ending)

    assert [ended(ending) for ending in ("stop", "engine_died", "cancelled", "length")] == [2, 1, 1, None]
    assert figure("tether_first_token_seconds_count", source="conversation", model="Scripted") == 4
    assert figure("tether_queue_seconds_count", model="Scripted") == 2
    assert figure("tether_generated_tokens_total", model="Scripted") == 2 * len(["Hello", " there", "."])
    assert figure("tether_replies_open") == 0


async def figures_while_it_runs(api: OpenApi) -> Figures:
    return Figures((await api.client.get("/metrics", headers=OPENMETRICS)).text)


async def test_a_turn_that_ran_when_the_port_was_opened_is_counted_too(tmp_path: Path) -> None:
    async with open_rooms(tmp_path, replies=[SPEAKS]) as rooms:
        session = await rooms.sessions.create()
        turn = await rooms.sessions.send(session.id, "Please go on")
        await until(turn, lambda event: isinstance(event, Token))
        async with open_port(rooms) as api:
            await turn.cancel()
            figure = await figures(api)
    assert figure("tether_replies_total", ending="cancelled") == 1


async def test_turns_go_on_when_the_port_is_closed_and_nothing_is_left_listening(tmp_path: Path) -> None:
    async with open_rooms(tmp_path, replies=[SPEAKS]) as rooms:
        async with open_port(rooms):
            session = await rooms.sessions.create()
            turn = await rooms.sessions.send(session.id, "Please go on")
            await until(turn, lambda event: isinstance(event, Token))
        assert not turn.ended
        assert rooms.completions.observers == []
        assert rooms.sessions._news._listeners == []
        assert rooms.pool._callbacks == []
        await turn.cancel()


async def test_what_waits_is_told_by_model(tmp_path: Path) -> None:
    async with open_rooms(tmp_path, replies=[SPEAKS]) as rooms, open_port(rooms) as api:
        first, second = [await rooms.sessions.create() for _ in range(2)]
        speaking = await rooms.sessions.send(first.id, "Please go on")
        await until(speaking, lambda event: isinstance(event, Token))
        waiting = await rooms.sessions.send(second.id, "Please go on")
        await until(waiting, lambda event: event == Status("queued"))
        figure = await figures_while_it_runs(api)
        assert figure("tether_queue_length", model="Scripted") == 1
        assert figure("tether_model_state", model="Scripted", state="busy") == 1
        await waiting.cancel()
        await speaking.cancel()
        assert (await figures(api))("tether_queue_length", model="Scripted") == 0


async def test_calls_of_tools_are_counted_by_outcome_and_made_up_names_are_no_labels(tmp_path: Path) -> None:
    def fail() -> str:
        raise ValueError("no luck")

    tools = [
        tool_named("works", lambda: "noon"),
        tool_named("breaks", fail),
        tool_named("asks", lambda: "noon", permission="ask"),
    ]
    rounds = (f"{call('works')}{call('breaks')}{call('asks')}{call('my_private_words')}", "Done.")
    async with open_rooms(tmp_path, replies=says(*rounds), tools=tools) as rooms, open_port(rooms) as api:
        await rooms.ask("Go", tool_use=UNASKED)
        figure = await figures(api)
        text = (await api.client.get("/metrics")).text
    outcomes = {
        (tool, outcome): figure("tether_tool_calls_total", tool=tool, outcome=outcome)
        for tool, outcome in (("works", "answered"), ("breaks", "failed"), ("asks", "refused"), ("unknown", "failed"))
    }
    assert set(outcomes.values()) == {1}
    assert "my_private_words" not in text


async def test_a_call_that_a_person_refuses_is_counted_as_such(tmp_path: Path) -> None:
    tools = [tool_named("asks", lambda: "noon", permission="ask")]
    async with open_rooms(tmp_path, replies=says(call("asks"), "Done."), tools=tools) as rooms, open_port(rooms) as api:
        session = await rooms.sessions.create()
        turn = await rooms.sessions.send(session.id, "Go", tool_use=ATTENDED)
        asked: Any = await until(turn, lambda event: isinstance(event, ToolApproval))
        await rooms.sessions.answer(session.id, asked.id, "deny")
        await all_events(turn)
        figure = await figures(api)
    assert figure("tether_tool_calls_total", tool="asks", outcome="refused") == 1


async def test_completions_are_measured_as_conversations_are(api: OpenApi) -> None:
    body = {"model": "Scripted", "messages": [{"role": "user", "content": "Hello?"}]}
    assert (await api.client.post("/v1/chat/completions", json=body)).status_code == 200
    figure = await figures(api)
    assert figure("tether_replies_total", source="completion", model="Scripted", ending="stop") == 1
    assert figure("tether_first_token_seconds_count", source="completion", model="Scripted") == 1
    assert figure("tether_queue_seconds_count", model="Scripted") == 1


async def test_requests_are_counted_by_the_templates_of_the_description(api: OpenApi) -> None:
    session = await api.rooms.sessions.create()
    for _ in range(2):
        await api.client.get(f"/sessions/{session.id}/messages")
    await api.client.get("/sessions/made-up/messages")
    await api.client.get("/nowhere/in/particular")
    figure = await figures(api)
    described = (await api.client.get("/openapi.json")).json()["paths"]
    samples = figure.families["tether_http_requests"].samples
    routes = {sample.labels["route"] for sample in samples}
    assert {"/sessions/{session_id}/messages", "none"} == routes
    assert "/sessions/{session_id}/messages" in described
    assert figure("tether_http_requests_total", method="GET", route="none", status="404") == 1
    found = {"method": "GET", "route": "/sessions/{session_id}/messages"}
    assert figure("tether_http_requests_total", **found, status="200") == 2
    assert figure("tether_http_requests_total", **found, status="404") == 1
    assert figure("tether_http_request_duration_seconds_count", **found) == 3


async def test_readers_of_streams_are_counted_while_they_read(tmp_path: Path) -> None:
    async with open_rooms(tmp_path, replies=[SPEAKS]) as rooms, open_port(rooms) as api:
        asked = {"prompt": "Please go on", "stream": True}
        async with api.client.stream("POST", "/generations", json=asked) as reading:
            lines = reading.aiter_lines()
            while "goes" not in await anext(lines):
                pass
            assert (await figures_while_it_runs(api))("tether_http_streams_open", format="ndjson") == 1
            await rooms.sessions.turns()[0].cancel()
            async for _ in lines:
                pass
        assert (await figures(api))("tether_http_streams_open", format="ndjson") == 0


async def test_a_reader_that_goes_away_is_no_reader_any_more(tmp_path: Path) -> None:
    async with open_rooms(tmp_path, replies=[SPEAKS]) as rooms, open_port(rooms) as api:
        asked = {"prompt": "Please go on", "stream": True}
        async with api.client.stream("POST", "/generations", json=asked) as reading:
            lines = reading.aiter_lines()
            await anext(lines)
            assert (await figures_while_it_runs(api))("tether_http_streams_open", format="ndjson") == 1
        while (await figures_while_it_runs(api))("tether_http_streams_open", format="ndjson") != 0:
            pass
        figure = await figures_while_it_runs(api)
        assert figure("tether_http_requests_total", method="POST", route="/generations", status="200") == 1
        await rooms.sessions.turns()[0].cancel()


async def test_a_client_that_did_not_wait_for_its_answer_is_told_by_a_status(tmp_path: Path) -> None:
    async with open_rooms(tmp_path, replies=[SPEAKS]) as rooms, open_port(rooms) as api:
        asked = {"prompt": "Please go on"}
        asking = asyncio.create_task(api.client.post("/generations", json=asked))
        begun = asyncio.Event()
        rooms.sessions.subscribe(lambda news: begun.set() if isinstance(news, TurnStarted) else None)
        await begun.wait()
        asking.cancel()
        gone = {"method": "POST", "route": "/generations", "status": "499"}
        while (await figures_while_it_runs(api))("tether_http_requests_total", **gone) != 1:
            pass
        await rooms.sessions.turns()[0].cancel()


async def test_an_id_is_echoed_in_the_answer_and_in_the_body_of_an_error(api: OpenApi) -> None:
    answer = await api.client.get("/sessions/made-up", headers={"X-Request-Id": "my-request.1"})
    assert answer.headers["x-request-id"] == "my-request.1"
    assert answer.json()["request_id"] == "my-request.1"


async def test_refused_requests_have_an_id_and_a_line_too(api: OpenApi, logging_started: None) -> None:
    async with api.stranger() as stranger:
        answer = await stranger.get("/sessions")
    assert answer.headers["x-request-id"] == answer.json()["request_id"]
    assert f"[{answer.headers['x-request-id']}] GET none 401" in all_logs()


async def test_the_lines_of_a_turn_that_a_request_began_have_its_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logging_started: None
) -> None:
    monkeypatch.setenv("TETHER_LOG_FORMAT", "json")
    start_logging()
    async with open_rooms(tmp_path, replies=[{"steps": [{"bug": "out of tune"}]}]) as rooms, open_port(rooms) as api:
        await api.client.post("/generations", json={"prompt": "Hello?"}, headers={"X-Request-Id": "the-one"})
    lines = [json.loads(line) for line in all_logs().splitlines()]
    (fault,) = [line for line in lines if "exception" in line]
    (request,) = [line for line in lines if line.get("route") == "/generations"]
    assert fault["request_id"] == request["request_id"] == "the-one"
    assert (request["method"], request["client"]) == ("POST", "manage")


SAID = ("delicate", "confidential", "discreet")


@pytest.mark.parametrize("level", [logging.INFO, logging.DEBUG])
async def test_neither_words_nor_tokens_are_ever_logged(tmp_path: Path, level: int) -> None:
    start_logging(level)
    replies = ["my confidential answer", "a confidential one", {"steps": ["confidential", {"bug": "out of tune"}]}]
    async with open_rooms(tmp_path, replies=replies) as rooms, open_port(rooms) as api:
        asked = await api.client.post("/generations", json={"prompt": "a delicate question"})
        session_id = asked.json()["session_id"]
        body = {"model": "Scripted", "messages": [{"role": "user", "content": "a delicate one"}]}
        await api.client.post("/v1/chat/completions", json=body)
        await api.client.post("/generations", json={"session_id": session_id, "prompt": "delicate", "stream": True})
        await api.client.get("/sessions/search", params={"query": "delicate"})
        await api.client.get("/sessions", params={"token": api.token})
        await api.client.get(f"/discreet/{api.token}")
        await api.client.post("/generations", json={"prompt": 7, "discreet": "delicate"})
        headers = {"Content-Type": "application/json", "X-Discreet": "discreet"}
        await api.client.post("/generations", content=b"delicate {", headers=headers)
        async with api.stranger(Authorization="Bearer discreet-token", Cookie="discreet=1") as stranger:
            await stranger.get("/sessions")
        token = api.token
    logged = all_logs()
    stop_logging()
    assert "out of tune" in logged
    assert logged.count("/generations") >= 4
    assert not [word for word in (*SAID, token) if word in logged]


def all_logs() -> str:
    return "".join(file.read_text(encoding="utf-8") for file in sorted(paths.log_dir().iterdir()))
