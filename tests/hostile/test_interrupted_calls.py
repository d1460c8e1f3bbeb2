"""Turns with calls that are stopped, killed, or cannot be stored, at every stage: nothing is lost or left behind."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.helpers.gated_engines import settle
from tests.helpers.own_files import act
from tests.helpers.processes import running, said
from tests.helpers.rooms import Rooms, all_events, open_rooms, until
from tests.helpers.scripted_models import write_scripted_model
from tests.helpers.tool_turns import (
    ATTENDED,
    NO_TOOLS,
    UNASKED,
    Listening,
    assert_whole,
    call,
    ending,
    ends,
    says,
    stored_parts,
    streamed_parts,
)
from tests.helpers.tools import tool_named
from tether_desktop.app import Tether
from tether_desktop.context.records import MessageRecord
from tether_desktop.context.store import INTERRUPTED, Store
from tether_desktop.errors import StoreError, StoreFull
from tether_desktop.events import Cancelled, Done, ErrorEvent, Event, Status, Token, ToolApproval, ToolEnd, ToolStart
from tether_desktop.messages import Message, Text, ToolCall
from tether_desktop.protocol.history import UNANSWERED_CALL
from tether_desktop.protocol.reply_writer import ReplyWriter
from tether_desktop.protocol.tool_use import DENIED, STOPPED, ApprovalAnswer
from tether_desktop.settings import Settings

WAIT = {"wait": True}
Stage = tuple[dict[str, Any], Callable[[Event], bool]]


async def endless() -> str:
    await asyncio.get_running_loop().create_future()
    return "never"


def is_a(kind: type[Event]) -> Callable[[Event], bool]:
    return lambda event: isinstance(event, kind)


STAGES: dict[str, Stage] = {
    "queued": ({}, lambda event: event == Status("queued")),
    "loading": ({"load": [{"progress": 0.5}, WAIT]}, lambda event: event == Status("loading_model", 0.5)),
    "reading": ({"prefill": [{"progress": 0.5}, WAIT]}, lambda event: event == Status("reading_prompt", 0.5)),
    "generating": ({"first": ["I ", "look", WAIT]}, lambda event: event == Token("look")),
    "in a call": ({"first": ["I look. ", call("clock")[:30], WAIT]}, is_a(Token)),
    "in a thought": ({"first": ["I look. ", "<think>", "hm", " h", WAIT]}, is_a(Token)),
    "asking": ({"tool": "asks"}, is_a(ToolApproval)),
    "running": ({"tool": "runs"}, is_a(ToolStart)),
    "between rounds": ({}, is_a(ToolEnd)),
    "reading the result": ({"then": [WAIT]}, is_a(ToolEnd)),
    "answering": ({"then": ["It ", "is", WAIT]}, lambda event: event == Token("is")),
}
STOPPED_CALLS = {"in a call", "asking", "running"}
TOOLS = [
    tool_named("clock", lambda: "noon"),
    tool_named("asks", lambda: "asked", permission="ask"),
    tool_named("runs", endless),
]


@pytest.mark.parametrize("name", STAGES)
async def test_a_turn_can_be_stopped_at_every_stage(tmp_path: Path, name: str) -> None:
    script, reached = STAGES[name]
    heard = Listening()
    first = script.get("first", ["I look. ", call(script.get("tool", "clock"))])
    replies = [
        {"match": "block", "steps": ["Hm", WAIT]},
        {"match": ".", "steps": first},
        {"after_tool": True, "steps": script.get("then", ["Noon."])},
    ]
    async with open_rooms(tmp_path, make_engine=heard, tools=TOOLS) as rooms:
        rooms.add_model(replies=replies, load=script.get("load", ()), prefill=script.get("prefill", ()))
        if name == "queued":
            other = await rooms.sessions.send((await rooms.sessions.create()).id, "block")
            await until(other, is_a(Token))
        session = await rooms.sessions.create()
        turn = await rooms.sessions.send(session.id, "Time?", tool_use=ATTENDED)
        await until(turn, reached)
        if name != "between rounds":
            await settle()
        assert await rooms.sessions.cancel(session.id)
        events = await all_events(turn)
        await assert_whole(rooms, turn, events)
        assert isinstance(ending(events), Cancelled)
        assert turn.reply.finish_reason == "cancelled"
        assert [end.result for end in ends(events) if end.is_error] == ([STOPPED] if name in STOPPED_CALLS else [])
        assert heard.speaking == (name == "queued")
        assert rooms.sessions.running(session.id) is None
        await assert_goes_on(rooms, session.id)


async def assert_goes_on(rooms: Rooms, session_id: str) -> None:
    """The next question is answered, with a tool."""
    rooms.add_model("Next", replies=says(call("clock"), "Fine."))
    turn, events = await rooms.ask("And now?", session_id, model="Next", tool_use=UNASKED)
    await assert_whole(rooms, turn, events)
    assert isinstance(ending(events), Done)
    assert turn.reply.message.text.strip() == "Fine."


# Approvals


async def asking(rooms: Rooms, session_id: str) -> tuple[Any, ToolApproval]:
    """A turn whose call waits for an answer."""
    turn = await rooms.sessions.send(session_id, "Time?", tool_use=ATTENDED)
    event = await until(turn, is_a(ToolApproval))
    assert isinstance(event, ToolApproval)
    return turn, event


@pytest.fixture
async def asked(tmp_path: Path) -> AsyncIterator[Rooms]:
    """Rooms with a model whose call asks."""
    async with open_rooms(tmp_path, replies=says(call("asks"), "Well."), tools=TOOLS) as rooms:
        yield rooms


async def test_only_the_chat_that_asks_can_be_answered_and_only_while_it_asks(asked: Rooms) -> None:
    session, other = await asked.sessions.create(), await asked.sessions.create()
    turn, event = await asking(asked, session.id)
    for session_id, call_id in ((other.id, event.id), (session.id, "another"), ("none", event.id), ("", "")):
        assert not await asked.sessions.answer(session_id, call_id, "always")
    assert await asked.sessions.answer(session.id, event.id, "once")
    events = await all_events(turn)
    await assert_whole(asked, turn, events)
    assert [end.result for end in ends(events)] == ["asked"]
    for answer in ("once", "always", "deny", "never"):
        assert not await asked.sessions.answer(session.id, event.id, answer)
    # What was refused here has changed nothing: the next call asks again.
    turn, _ = await asking(asked, session.id)
    await turn.cancel()


@pytest.mark.parametrize("answers", [("once", "deny"), ("deny", "once"), ("always", "deny"), ("never", "always")])
async def test_of_two_answers_at_once_the_first_counts(
    asked: Rooms, answers: tuple[ApprovalAnswer, ApprovalAnswer]
) -> None:
    session = await asked.sessions.create()
    turn, event = await asking(asked, session.id)
    taken = await asyncio.gather(*(asked.sessions.answer(session.id, event.id, answer) for answer in answers))
    assert taken == [True, False]
    events = await all_events(turn)
    await assert_whole(asked, turn, events)
    assert [end.result for end in ends(events)] == ["asked" if answers[0] in {"once", "always"} else DENIED]


async def test_an_answer_for_a_chat_that_is_being_erased_is_no_failure(asked: Rooms) -> None:
    session = await asked.sessions.create()
    turn, event = await asking(asked, session.id)
    _, answer = await asyncio.gather(
        asked.sessions.erase(session.id),
        asked.sessions.answer(session.id, event.id, "always"),
        return_exceptions=True,
    )
    assert isinstance(answer, bool | StoreError)
    assert isinstance(ending(await all_events(turn)), Cancelled)
    assert session.id not in {each.id for each in await asked.sessions.list()}


# The store


class FullStore(Store):
    """A real store on a disk that can be full.

    Attributes:
        refused: how often it was.
    """

    full = False
    refused = 0

    def update_reply(self, message_id: str, message: Message, **fields: Any) -> MessageRecord:
        if self.full:
            self.refused += 1
            raise StoreFull("The disk is full", "The reply could not be stored.", "Make room.")
        return super().update_reply(message_id, message, **fields)


@pytest.mark.parametrize("recovers", [True, False])
async def test_a_disk_that_is_full_while_a_tool_runs_loses_nothing_that_was_streamed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, recovers: bool
) -> None:
    defaults = ReplyWriter.__init__.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "interval_s", 0.001)
    store = FullStore(f"sqlite:///{tmp_path / 'tether.db'}")

    def fill() -> str:
        store.full = True
        return "full"

    async def wait() -> str:
        # What came after the disk was full is not stored, so that the writer goes on trying.
        while not store.refused:  # noqa: ASYNC110  the reply is stored in a thread
            await asyncio.sleep(0.001)
        store.full = not recovers
        return "refused"

    tools = [tool_named("fill", fill), tool_named("wait", wait), *TOOLS]
    replies = says(f"I try. {call('fill')}", call("wait"), "Well.")
    async with open_rooms(tmp_path, store=store, replies=replies, tools=tools) as rooms:
        turn, events = await rooms.ask("Go on", tool_use=UNASKED)
        end = ending(events)
        assert [each.result for each in ends(events)] == ["full", "refused"]
        assert streamed_parts(events) == stored_parts(turn)
        assert turn.reply.message.text == "I try. Well."
        if recovers:
            await assert_whole(rooms, turn, events)
            assert isinstance(end, Done)
        else:
            assert isinstance(end, ErrorEvent)
            assert (end.code, end.hint) == ("store_full", "Make room.")
        store.full = False
        await assert_goes_on(rooms, turn.session_id)


@pytest.mark.parametrize("frees", [True, False])
async def test_a_database_that_another_program_locks_while_tools_run_is_told_or_waited_for(
    tmp_path: Path, *, frees: bool
) -> None:
    database = tmp_path / "tether.db"
    store = Store(f"sqlite:///{database}?timeout=0.01")
    other = sqlite3.connect(database, isolation_level=None)
    tools = [
        tool_named("lock", lambda: str(other.execute("BEGIN IMMEDIATE").rowcount)),
        tool_named("free", lambda: str(other.execute("ROLLBACK").rowcount) if frees else "not yet"),
        *TOOLS,
    ]
    replies = says(call("lock"), call("free"), "Well.")
    async with open_rooms(tmp_path, store=store, tools=tools, replies=replies) as rooms:
        turn, events = await rooms.ask("Go on", tool_use=UNASKED)
        assert [each.is_error for each in ends(events)] == [False, False]
        assert streamed_parts(events) == stored_parts(turn)
        end = ending(events)
        if frees:
            await assert_whole(rooms, turn, events)
            assert isinstance(end, Done)
        else:
            assert isinstance(end, ErrorEvent)
            assert end.code == "store_busy"
            assert "Close the other program" in end.hint
            other.execute("ROLLBACK")
        await assert_goes_on(rooms, turn.session_id)
    other.close()


async def test_a_rule_that_cannot_be_stored_leaves_the_call_waiting(tmp_path: Path) -> None:
    database = tmp_path / "tether.db"
    store = Store(f"sqlite:///{database}?timeout=0.01")
    async with open_rooms(tmp_path, store=store, replies=says(call("asks"), "Well."), tools=TOOLS) as rooms:
        session = await rooms.sessions.create()
        turn, event = await asking(rooms, session.id)
        other = sqlite3.connect(database, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError):
            await rooms.sessions.answer(session.id, event.id, "always")
        other.execute("ROLLBACK")
        other.close()
        assert await rooms.sessions.answer(session.id, event.id, "always")
        events = await all_events(turn)
        await assert_whole(rooms, turn, events)
        assert [end.result for end in ends(events)] == ["asked"]


# The program itself

PROGRAM = """
import asyncio, sys
from tether_desktop.app import Tether
from tether_desktop.events import ToolApproval, to_ndjson
from tether_desktop.messages import ToolCall, ToolChoice
from tether_desktop.protocol.tool_use import ToolUse
from tether_desktop.settings import Settings

async def main():
    async with Tether(Settings(dist_path=sys.argv[1], tool_timeout=600)) as tether:
        await tether.tools.settled()
        session = await tether.sessions.create()
        turn = await tether.sessions.send(session.id, "Go on", tool_use=ToolUse(ToolChoice("auto"), attended=True))
        print(session.id, flush=True)
        async for event in turn.events():
            if isinstance(event, ToolApproval):
                while not await is_stored(tether, session):
                    await asyncio.sleep(0.01)
                if sys.argv[2] == "allow":
                    await tether.sessions.answer(session.id, event.id, "once")
            print(to_ndjson(event), end="", flush=True)

async def is_stored(tether, session):
    reply = (await tether.sessions.history(session.id))[-1]
    return any(isinstance(part, ToolCall) for part in reply.message.parts)

asyncio.run(main())
"""


@pytest.mark.parametrize("answer", ["allow", "wait"])
async def test_a_program_killed_in_the_middle_of_a_call_opens_again_with_all_of_it_and_leaves_no_process(
    tmp_path: Path, answer: str
) -> None:
    dist = tmp_path / "dist"
    write_scripted_model(dist, replies=[{"match": "Next", "steps": ["Fine."]}, *says(f"I act. {call('act')}", "Done.")])
    body = "import os, time\nprogress(str(os.getpid()), None)\nwhile True: time.sleep(1)"
    settings = Settings(dist_path=str(dist))
    async with Tether(settings) as tether:
        folder = tether.own_tools.folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "mine.py").write_text(act(body, "progress: OnToolProgress"), encoding="utf-8")
        await tether.own_tools.refresh()
        await tether.own_tools.allow("mine.py", tether.own_tools.files()[0].sha256)
    last = "tool_progress" if answer == "allow" else "tool_approval"
    with running(PROGRAM, str(dist), answer) as process:
        session_id = await asyncio.to_thread(said, process)
        event: dict[str, Any] = {}
        while event.get("type") != last:
            event = json.loads(await asyncio.to_thread(said, process))
        left = psutil.Process(process.pid).children(recursive=True)
        assert left
        process.kill()
        process.wait()
    _, alive = await asyncio.to_thread(psutil.wait_procs, left, timeout=60)
    assert alive == []
    async with Tether(settings) as tether:
        question, reply = await tether.sessions.history(session_id)
        text, made = reply.message.parts
        assert (question.message.text, text) == ("Go on", Text("I act. "))
        assert isinstance(made, ToolCall)
        assert (made.name, made.arguments) == ("act", {})
        assert (reply.finish_reason, reply.error) == ("error", INTERRUPTED)
        turn = await tether.sessions.send(session_id, "Next", tool_use=NO_TOOLS)
        assert isinstance(ending(await all_events(turn)), Done)
        assert turn.reply.message.text == "Fine."
    heard = Listening()
    store = Store(settings.database_url)
    async with open_rooms(tmp_path / "rooms", store=store, make_engine=heard, replies=["Fine."]) as rooms:
        await rooms.ask("Next", session_id, model="Scripted")
    assert UNANSWERED_CALL in heard.prompts()[0]
