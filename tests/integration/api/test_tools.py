"""Tools over HTTP: listed, called by programs, and allowed when a model's call asks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.api import OpenApi, open_port
from tests.helpers.rooms import open_rooms
from tests.helpers.tool_turns import call, says
from tests.helpers.tools import tool_named
from tests.helpers.turn_lines import asking, read_turn, text_of


class Endless:
    """A tool that never answers, and tells when it was begun and ended."""

    def __init__(self) -> None:
        self.begun, self.ended = asyncio.Event(), asyncio.Event()

    async def __call__(self) -> str:
        self.begun.set()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self.ended.set()
        return "never"


def fail() -> str:
    raise RuntimeError("It broke.")


@pytest.fixture
def endless() -> Endless:
    return Endless()


@pytest.fixture
async def api(tmp_path: Path, endless: Endless) -> AsyncIterator[OpenApi]:
    tools = [
        tool_named("double", lambda number: str(2 * number), number=int),
        tool_named("asks", lambda: "asked", permission="ask"),
        tool_named("fails", fail),
        tool_named("endless", endless),
        tool_named("forbidden", lambda: "no", permission="never"),
    ]
    async with open_rooms(tmp_path, tools=tools) as rooms, open_port(rooms, tool_timeout=3600.0) as opened:
        opened.rooms.add_model("Asks", replies=says(f"I look. {call('asks')}", "Seen."))
        opened.rooms.add_model("Doubles", replies=says(call("double", number=21), "It is 42."))
        yield opened


async def execute(api: OpenApi, name: str, **arguments: Any) -> Any:
    return await api.client.post("/tools/execute", json={"name": name, "arguments": arguments})


async def test_tools_are_listed_with_their_schemas_and_what_holds_for_them(api: OpenApi) -> None:
    tools = {tool["name"]: tool for tool in (await api.client.get("/tools")).json()["tools"]}
    assert tools["double"]["parameters"]["required"] == ["number"]
    assert tools["asks"]["permission"] == "ask"


async def test_a_tool_can_be_called(api: OpenApi) -> None:
    assert (await execute(api, "double", number=21)).json() == {"tool": "double", "result": "42", "is_error": False}


async def test_a_tool_that_fails_answers_so(api: OpenApi) -> None:
    answer = (await execute(api, "fails")).json()
    assert answer["is_error"]
    assert "It broke." in answer["result"]


async def test_calls_that_cannot_be_made_are_refused(api: OpenApi) -> None:
    assert (await execute(api, "double", number="many")).status_code == 400
    assert (await execute(api, "nothing")).json()["code"] == "tool_not_found"
    assert (await execute(api, "forbidden")).status_code == 404


async def test_hanging_up_ends_the_call(api: OpenApi, endless: Endless) -> None:
    calling = asyncio.create_task(execute(api, "endless"))
    await endless.begun.wait()
    assert (await api.client.get("/tools")).is_success
    calling.cancel()
    await asyncio.wait([calling])
    await endless.ended.wait()


async def test_a_call_that_asks_waits_for_an_answer_over_http(api: OpenApi) -> None:
    async with asking(api.client, model_name="Asks", tool_choice="auto", attended=True) as lines:
        asked = await lines.until(type="tool_approval")
        session_id = lines.response.headers["tether-session-id"]
        waiting = [
            {"session_id": session_id, "call_id": asked["id"], "name": "asks", "arguments": {}, "origin": "Built in"}
        ]
        assert (await api.client.get("/approvals")).json() == waiting
        assert (await api.client.get(f"/sessions/{session_id}/approvals")).json() == waiting
        answer = {"call_id": asked["id"], "answer": "once"}
        async with api.with_scope("chat") as chatting:
            assert (await chatting.post(f"/sessions/{session_id}/approvals", json=answer)).status_code == 403
        assert (await api.client.post(f"/sessions/{session_id}/approvals", json=answer)).json() == {"success": True}
        ended = await lines.until(type="tool_end")
        assert (ended["result"], ended["is_error"]) == ("asked", False)
        assert (await lines.rest())[-1]["type"] == "done"
    late = await api.client.post(f"/sessions/{session_id}/approvals", json=answer)
    assert (late.status_code, late.json()["code"]) == (404, "turn_not_found")
    assert (await api.client.get("/approvals")).json() == []


async def test_a_call_that_asks_is_refused_where_nobody_is_there(api: OpenApi) -> None:
    lines = await read_turn(api.client, model_name="Asks", tool_choice="auto")
    (ended,) = [line for line in lines if line["type"] == "tool_end"]
    assert ended["is_error"]
    assert "nobody is there" in ended["result"]


async def test_a_call_may_be_allowed_beforehand_by_who_may_manage(api: OpenApi) -> None:
    asked = {"model_name": "Asks", "tool_choice": "auto", "allowed_tools": ["asks"]}
    lines = await read_turn(api.client, **asked)
    (ended,) = [line for line in lines if line["type"] == "tool_end"]
    assert not ended["is_error"]
    async with api.with_scope("chat") as chatting, asking(chatting, **asked) as refused:
        assert refused.response.status_code == 403


@pytest.mark.parametrize(
    ("tools", "called"), [(["double"], True), (["asks"], False), ([], False), (["double", "asks"], True)]
)
async def test_only_the_tools_that_are_named_can_be_called(api: OpenApi, tools: list[str], called: bool) -> None:
    lines = await read_turn(api.client, model_name="Doubles", tools=tools)
    results = [line for line in lines if line["type"] == "tool_end"]
    assert any(not result["is_error"] for result in results) == called
    if called:
        assert text_of(lines) == "It is 42."
