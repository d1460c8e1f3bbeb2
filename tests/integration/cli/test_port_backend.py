"""What commands do through the port of a Tether that runs: real HTTP, a real store, a scripted engine."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest

from tests.helpers.api import OpenApi, open_port
from tests.helpers.cut_proxy import cut_proxy
from tests.helpers.rooms import open_rooms
from tests.helpers.tool_turns import call, says
from tests.helpers.tools import tool_named
from tether_desktop.cli.backends.backend import Question
from tether_desktop.cli.backends.port_backend import PortBackend
from tether_desktop.cli.backends.port_client import PortClient
from tether_desktop.errors import ModelNotFound, PortError, SessionNotFound, TetherError, ToolNotFound
from tether_desktop.events import Cancelled, Done, ErrorEvent, Event, Status, Token, ToolApproval, ToolEnd
from tether_desktop.messages import ToolChoice
from tether_desktop.protocol.tool_use import ToolUse

WAIT = {"match": "wait", "steps": ["So", " far", {"wait": True}]}


@asynccontextmanager
async def connected(url: str, token: str) -> AsyncIterator[PortBackend]:
    backend = PortBackend(PortClient(url, token))
    try:
        yield backend
    finally:
        await backend.close()


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[OpenApi]:
    async with (
        open_rooms(tmp_path / "rooms", replies=[WAIT, "Hello \u2028there."]) as rooms,
        open_port(rooms) as opened,
    ):
        yield opened


@pytest.fixture
async def backend(api: OpenApi) -> AsyncIterator[PortBackend]:
    async with connected(api.url, api.token) as backend:
        yield backend


async def events(backend: PortBackend, session_id: str, question: Question) -> list[Event]:
    turn = await backend.ask(session_id, question)
    return [event async for event in turn.events()]


def said(events: list[Event]) -> str:
    return "".join(event.content for event in events if isinstance(event, Token))


async def test_a_question_is_answered_by_the_program_that_runs(api: OpenApi, backend: PortBackend) -> None:
    session = await backend.sessions.create()
    seen = await events(backend, session.id, Question("Hi"))
    assert said(seen) == "Hello \u2028there."
    assert [event for event in seen if isinstance(event, Done)] == [seen[-1]]
    assert any(isinstance(event, Status) for event in seen)
    assert await backend.sessions.history(session.id) == await api.rooms.sessions.history(session.id)


async def test_sampling_is_as_the_running_programs_settings_say(tmp_path: Path) -> None:
    async with (
        open_rooms(tmp_path, replies=["one two three four five"], settings={"max_tokens": 2}) as rooms,
        open_port(rooms) as api,
        connected(api.url, api.token) as backend,
    ):
        session = await backend.sessions.create()
        last = (await events(backend, session.id, Question("Hi")))[-1]
    assert isinstance(last, Done)
    assert last.finish_reason == "length"


async def test_an_answer_is_made_again_beside_the_first(backend: PortBackend) -> None:
    session = await backend.sessions.create()
    await events(backend, session.id, Question("Hi"))
    _, reply = await backend.sessions.history(session.id)
    await events(backend, session.id, Question(regenerate=reply.id))
    assert (await backend.sessions.history(session.id))[-1].versions == 2


async def test_stopping_keeps_what_was_said(backend: PortBackend) -> None:
    session = await backend.sessions.create()
    turn = await backend.ask(session.id, Question("wait"))
    async with aclosing(turn.events()) as stream:
        async for event in stream:
            if event == Token(" far"):
                await turn.cancel()
            last = event
    assert last == Cancelled()
    _, reply = await backend.sessions.history(session.id)
    assert (reply.message.text, reply.finish_reason) == ("So far", "cancelled")


@pytest.mark.parametrize("after", [1, 300, 700])
async def test_a_connection_that_breaks_costs_no_event(tmp_path: Path, after: int) -> None:
    words = [f"word{number} " for number in range(40)]
    async with (
        open_rooms(tmp_path, replies=[{"steps": words}]) as rooms,
        open_port(rooms) as api,
        cut_proxy(api.url, after) as proxy,
        connected(proxy.url, api.token) as through,
    ):
        session = await rooms.sessions.create()
        seen = await events(through, session.id, Question("Go"))
        assert proxy.cuts == 1
    assert said(seen) == "".join(words)
    assert isinstance(seen[-1], Done)


async def test_a_port_that_closes_in_the_middle_says_so_and_the_answer_goes_on(
    api: OpenApi, backend: PortBackend
) -> None:
    session = await backend.sessions.create()
    turn = await backend.ask(session.id, Question("wait"))
    async for event in turn.events():
        last = event
        if event == Token(" far"):
            await api.port.close()
    assert isinstance(last, ErrorEvent)
    assert "closed" in last.message
    assert api.rooms.sessions.running(session.id) is not None


async def test_a_program_that_is_gone_is_told_of_with_what_to_do(api: OpenApi, backend: PortBackend) -> None:
    session = await backend.sessions.create()
    async with cut_proxy(api.url, 500, for_good=True) as proxy, connected(proxy.url, api.token) as through:
        with pytest.raises(PortError) as told:
            await events(through, session.id, Question("Hi"))
    assert "does not answer" in told.value.message
    assert told.value.hint


async def test_calls_ask_the_person_at_the_terminal(tmp_path: Path) -> None:
    look = tool_named("look", lambda: "seen", permission="ask")
    async with (
        open_rooms(tmp_path, replies=says(call("look"), "Done."), tools=[look]) as rooms,
        open_port(rooms) as api,
        connected(api.url, api.token) as backend,
    ):
        session = await backend.sessions.create()
        use = ToolUse(ToolChoice("auto"), attended=True)
        turn = await backend.ask(session.id, Question("Go", tool_use=use))
        seen: list[Event] = []
        async for event in turn.events():
            seen.append(event)
            if isinstance(event, ToolApproval):
                assert await backend.answer(session.id, event.id, "deny")
                assert not await backend.answer(session.id, event.id, "once")
        (end,) = [event for event in seen if isinstance(event, ToolEnd)]
    assert end.is_error
    assert "did not allow" in end.result


async def test_refusals_are_the_errors_that_they_were(backend: PortBackend) -> None:
    session = await backend.sessions.create()
    with pytest.raises(ModelNotFound) as no_model:
        await backend.ask(session.id, Question("Hi", model="Nobody"))
    assert "Nobody" in no_model.value.message
    assert no_model.value.hint
    with pytest.raises(SessionNotFound):
        await backend.sessions.history("nowhere")
    with pytest.raises(ToolNotFound):
        await backend.call_tool("nothing", {})


async def test_another_token_is_refused_with_what_to_do(api: OpenApi) -> None:
    async with connected(api.url, "wrong") as stranger:
        with pytest.raises(TetherError) as told:
            await stranger.sessions.list()
    assert told.value.code == "unauthorized"


async def test_conversations_are_kept_as_in_the_program(backend: PortBackend, tmp_path: Path) -> None:
    sessions = backend.sessions
    first, second = await sessions.create("First"), await sessions.create("Second")
    assert (await sessions.rename(first.id, "Renamed")).title == "Renamed"
    assert (await sessions.pin(first.id, pinned=True)).pinned
    assert {each.id for each in await sessions.list()} == {first.id, second.id}
    assert len(await sessions.list(limit=1, offset=1)) == 1
    assert [each.id for each in await sessions.list(pinned=True)] == [first.id]
    await events(backend, second.id, Question("Where is bread?"))
    (hit,) = await sessions.search("bread")
    assert hit.excerpt[slice(*hit.marks[0])] == "bread"
    copy = await sessions.branch(second.id)
    assert len(await sessions.history(copy.id, limit=1)) == 1
    assert "Where is bread?" in await sessions.export_markdown(copy.id)
    document = io.BytesIO()
    await sessions.export(document, [copy.id])
    (tmp_path / "copy.json").write_bytes(document.getvalue())
    await sessions.erase(copy.id)
    assert [each.title for each in (await sessions.import_from(tmp_path / "copy.json")).imported] == [copy.title]
    await sessions.delete(first.id)
    assert await sessions.find(first.id[:20]) == (await sessions.list(deleted=True))[0]
    assert (await sessions.restore(first.id)).deleted_at is None
    everything = io.BytesIO()
    await sessions.export(everything)
    assert len(json.loads(everything.getvalue())["sessions"]) == 3


async def test_models_are_loaded_and_unloaded_where_they_stay(backend: PortBackend) -> None:
    (row,) = await backend.models()
    assert (row.name, row.state, row.usable) == ("Scripted", "unloaded", True)
    told: list[float | None] = []
    await backend.load("Scripted", told.append)
    assert [each.state for each in await backend.models()] == ["ready"]
    assert await backend.unload("Scripted")
    assert not await backend.unload("Scripted")
    with pytest.raises(ModelNotFound):
        await backend.load("Nobody", told.append)
