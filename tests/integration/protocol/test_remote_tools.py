"""Turns in which a model on a server calls tools that run here."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.helpers.openai_server import DONE, Answer, OpenAIServer, call, calls, piece, refuse, say, serving
from tests.helpers.remote_engines import Waits, add
from tests.helpers.rooms import all_events
from tests.helpers.tools import FixedTools, tool_named
from tether_desktop.context.store import Store
from tether_desktop.events import Done, ErrorEvent, Event, ToolEnd, ToolStart
from tether_desktop.messages import Text, ToolCall, ToolChoice, ToolResult
from tether_desktop.model.discovery.catalog import Catalog
from tether_desktop.model.pool.pool import EnginePool
from tether_desktop.model.remote import RemoteEngine
from tether_desktop.model.remote.limits import Limits
from tether_desktop.model.remote.server_models import ServerModels, look_at
from tether_desktop.protocol.service import SessionService
from tether_desktop.protocol.tool_use import ToolUse
from tether_desktop.settings import Settings
from tether_desktop.tools.preferences import ToolPreferences
from tether_desktop.tools.toolbox import Toolbox

AUTO = ToolUse(ToolChoice("auto"))
CLOCK = tool_named("clock", lambda zone: f"noon in {zone}", zone=str)


def calling(*pieces: object, said: str = "") -> Answer:
    before = [piece(said)] if said else []
    return Answer([*before, *(calls(each) for each in pieces), piece(finish="tool_calls"), DONE])  # type: ignore[arg-type]


@pytest.fixture
async def server() -> AsyncIterator[OpenAIServer]:
    async with serving() as server:
        await look_at(add(server))
        yield server


@pytest.fixture
async def sessions(server: OpenAIServer, tmp_path: Path) -> AsyncIterator[SessionService]:
    store = Store(f"sqlite:///{tmp_path / 'tether.db'}")
    catalog = Catalog([tmp_path / "models"], [ServerModels().entries])
    pool = EnginePool(catalog, make_engine=lambda spec: RemoteEngine(spec, limits=Limits(sleep=Waits())))
    toolbox = Toolbox([FixedTools([CLOCK])], ToolPreferences(tmp_path / "tools.json"))
    sessions = SessionService(store, pool, catalog, toolbox, Settings(tool_rounds=2))
    yield sessions
    await sessions.close()
    await pool.close()
    store.close()


async def ask(sessions: SessionService, tool_use: ToolUse = AUTO) -> tuple[tuple[object, ...], list[Event]]:
    """The parts of the reply that are stored, and what was told of it."""
    turn = await sessions.send((await sessions.create()).id, "What time is it?", model="test/tiny", tool_use=tool_use)
    events = await all_events(turn)
    return (await turn.wait()).message.parts, events


async def test_a_call_is_run_here_and_its_answer_goes_back(server: OpenAIServer, sessions: SessionService) -> None:
    server.answers = [
        calling(call(0, "x", "clock", '{"zone": '), call(0, arguments='"UTC"}'), said="One moment. "),
        say("It is noon."),
    ]
    parts, events = await ask(sessions)
    before, made, result, after = parts
    assert (before, after) == (Text("One moment. "), Text("It is noon."))
    assert isinstance(made, ToolCall)
    assert (made.name, made.arguments) == ("clock", {"zone": "UTC"})
    assert isinstance(result, ToolResult)
    assert replace(result, seconds=None) == ToolResult(made.id, "clock", "noon in UTC")
    assert [type(event) for event in events if isinstance(event, ToolStart | ToolEnd | Done)] == [
        ToolStart,
        ToolEnd,
        Done,
    ]
    assert server.chats[0]["tools"][0]["function"]["name"] == "clock"
    *_, asked, told = server.chats[1]["messages"]
    assert (asked["content"], asked["tool_calls"][0]["id"]) == ("One moment. ", made.id)
    assert told == {"role": "tool", "tool_call_id": made.id, "content": "noon in UTC"}


async def test_calls_that_cannot_be_understood_are_answered_and_told_in_a_valid_form(
    server: OpenAIServer, sessions: SessionService
) -> None:
    server.answers = [calling(call(0, "x", "clock", '{"zone": '), call(1, "y", None, "{}")), say("Sorry.")]
    parts, _ = await ask(sessions)
    assert [part.is_error for part in parts if isinstance(part, ToolResult)] == [True, True]
    made = [each for message in server.chats[1]["messages"] for each in message.get("tool_calls", ())]
    functions = [each["function"] for each in made]
    assert all(function["name"] and isinstance(json.loads(function["arguments"]), dict) for function in functions)
    answered = [message["tool_call_id"] for message in server.chats[1]["messages"] if message["role"] == "tool"]
    assert answered == [each["id"] for each in made]
    assert len(made) == 2


async def test_a_model_that_calls_for_ever_has_to_answer_in_the_end(
    server: OpenAIServer, sessions: SessionService
) -> None:
    again = calling(call(0, "x", "clock", '{"zone": "UTC"}'))
    server.answers = [again, again, again, say("It is noon.")]
    parts, events = await ask(sessions)
    assert parts[-1] == Text("It is noon.")
    assert isinstance(events[-1], Done)
    assert [body.get("tool_choice") for body in server.chats] == [None, None, "none", None]
    assert ["tools" in body for body in server.chats] == [True, True, True, False]


async def test_a_server_that_calls_no_tools_answers_without_them(
    server: OpenAIServer, sessions: SessionService
) -> None:
    server.answers = [refuse(400, {"message": "tiny does not support tools"}), say("I do not know.")]
    parts, events = await ask(sessions)
    assert parts == (Text("I do not know."),)
    assert isinstance(events[-1], Done)


async def test_a_call_that_is_demanded_of_a_server_that_makes_none_is_an_error(
    server: OpenAIServer, sessions: SessionService
) -> None:
    server.answers = [refuse(400, {"message": "tiny does not support tools"})]
    _, events = await ask(sessions, ToolUse(ToolChoice("required")))
    assert isinstance(events[-1], ErrorEvent)
    assert events[-1].title == "The server calls no tools"
    assert events[-1].hint
