"""The conversations that are open: what happens when another client and the person do something at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from PySide6.QtCore import QObject, Signal

from tests.helpers.gui import in_gui_loop, until
from tether_desktop.context.records import MessageRecord
from tether_desktop.errors import SessionBusy
from tether_desktop.events import Done, Event, Title, Token, ToolApproval, ToolStart
from tether_desktop.messages import Message, Text, Timings, Usage
from tether_desktop.ui.chat.chats import Chats
from tether_desktop.ui.chat.conversation import Conversation
from tether_desktop.ui.tasks import Tasks
from tether_desktop.ui.worker.session_news import ReadChat, SessionsNews
from tether_desktop.ui.worker.started_turn import StartedTurn

NOW = datetime(2026, 11, 22, tzinfo=UTC)
DONE = Done("stop", Usage(), Timings())


def record(message_id: str, role: Any, text: str, parent_id: str | None, **fields: Any) -> MessageRecord:
    return MessageRecord(message_id, "s", parent_id, Message(role, (Text(text),) if text else ()), NOW, **fields)


FIRST = [record("q1", "user", "One?", None), record("a1", "assistant", "1.", "q1", finish_reason="stop")]
SECOND = [record("q2", "user", "Two?", "a1"), record("a2", "assistant", "", "q2")]
TWO = StartedTurn("s", SECOND[0], SECOND[1])


class FakeWorker(QObject):
    """As much of the worker as chats use; a test answers for the core."""

    sessions_changed = Signal(object)
    chat_read = Signal(object)
    turn_started = Signal(object)
    events_ready = Signal(str, str, object)

    def __init__(self) -> None:
        super().__init__()
        self.reads = 0
        self.stored: ReadChat = ReadChat("s", tuple(FIRST))
        self.starting: asyncio.Future[StartedTurn] | None = None

    def read_chat(self, _session_id: str, *, temporary: bool = False) -> asyncio.Future[None]:
        self.reads += 1
        self.chat_read.emit(self.stored)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    def run_turn(self, _start: Any) -> asyncio.Future[StartedTurn]:
        self.starting = asyncio.get_running_loop().create_future()
        return self.starting


@dataclass
class Room:
    """Chats over a worker that the test plays, and what they told."""

    worker: FakeWorker = field(default_factory=FakeWorker)
    tasks: Tasks = field(default_factory=Tasks)
    told: list[tuple[Any, ...]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chats = Chats(self.worker, self.tasks)  # type: ignore[arg-type]
        for name in ("busy_changed", "waiting_changed", "titled"):
            getattr(self.chats, name).connect(self._note(name))

    def events(self, *events: Event, reply: str = "a2") -> None:
        self.worker.events_ready.emit("s", reply, list(events))

    async def open(self) -> Conversation:
        conversation = await self.chats.open("s")
        assert conversation is not None
        self.told.clear()
        return conversation

    def _note(self, name: str) -> Callable[..., None]:
        return lambda *values: self.told.append((name, *values))


def texts(conversation: Conversation) -> list[str]:
    return [view.text for view in conversation.views]


@in_gui_loop
async def test_a_turn_of_another_client_is_shown_in_the_open_chat_without_reading_it_again() -> None:
    room = Room()
    conversation = await room.open()
    room.worker.turn_started.emit(TWO)
    assert texts(conversation) == ["One?", "1.", "Two?", ""]
    room.events(Token("2"), Token("."))
    room.events(DONE)
    assert texts(conversation)[-1] == "2."
    assert room.told == [("busy_changed", "s", True), ("busy_changed", "s", False)]
    assert room.worker.reads == 1


@in_gui_loop
async def test_a_chat_that_was_opened_in_the_middle_shows_what_is_stored_until_the_first_event_comes() -> None:
    room = Room()
    half = record("a2", "assistant", "Half", "q2")
    room.worker.stored = ReadChat("s", (*FIRST, SECOND[0], half), TWO)
    conversation = await room.open()
    assert texts(conversation)[-1] == "Half"
    assert conversation.views[-1].running
    changes: list[str] = []
    conversation.text_added.connect(lambda _id, text: changes.append(text))
    room.events(Token("Half"), Token(" an"))
    assert texts(conversation)[-1] == "Half an"
    assert changes == [], "what is replayed replaces what was stored"
    room.events(Token(" answer"))
    assert changes == [" answer"]


@in_gui_loop
async def test_a_question_that_came_too_late_is_given_up_and_the_other_turn_is_shown() -> None:
    room = Room()
    conversation = await room.open()
    asking = room.tasks.start(room.chats.send(conversation, "Mine?", ""))
    await until(lambda: room.worker.starting)
    room.worker.turn_started.emit(TWO)
    room.events(Token("2"))
    assert texts(conversation)[-2:] == ["Mine?", ""], "what is on its way stays until it is known what becomes of it"
    room.worker.stored = ReadChat("s", (*FIRST, *SECOND), TWO)
    assert room.worker.starting is not None
    room.worker.starting.set_exception(SessionBusy("Still answering", "Wait.", "Wait."))
    with pytest.raises(SessionBusy):
        await asking
    await until(lambda: room.worker.reads == 2)
    room.events(Token("2"), Token("."), DONE)
    assert texts(conversation) == ["One?", "1.", "Two?", "2."]
    assert not conversation.busy


@in_gui_loop
async def test_a_question_after_a_turn_that_was_not_seen_is_shown_after_it() -> None:
    room = Room()
    conversation = await room.open()
    asking = room.tasks.start(room.chats.send(conversation, "Mine?", ""))
    await until(lambda: room.worker.starting)
    room.worker.turn_started.emit(TWO)
    room.events(Token("2."), DONE)
    mine = [record("q3", "user", "Mine?", "a2"), record("a3", "assistant", "", "q3")]
    own = StartedTurn("s", mine[0], mine[1], asked_here=True)
    room.worker.turn_started.emit(own)
    answered = record("a2", "assistant", "2.", "q2", finish_reason="stop")
    room.worker.stored = ReadChat("s", (*FIRST, SECOND[0], answered, *mine), own)
    assert room.worker.starting is not None
    room.worker.starting.set_result(own)
    await asking
    await until(lambda: room.worker.reads == 2)
    room.events(Token("3."), DONE, reply="a3")
    assert texts(conversation) == ["One?", "1.", "Two?", "2.", "Mine?", "3."]


@in_gui_loop
async def test_what_is_read_while_a_question_is_on_its_way_does_not_take_its_place() -> None:
    room = Room()
    conversation = await room.open()
    asking = room.tasks.start(room.chats.send(conversation, "Mine?", ""))
    await until(lambda: room.worker.starting)
    room.worker.sessions_changed.emit(SessionsNews(branched=("s",)))
    await until(lambda: room.worker.reads == 2)
    assert texts(conversation)[-2:] == ["Mine?", ""]
    assert room.worker.starting is not None
    room.worker.starting.set_exception(SessionBusy("Still answering", "Wait.", "Wait."))
    with pytest.raises(SessionBusy):
        await asking
    await until(lambda: room.worker.reads == 3)
    assert texts(conversation) == ["One?", "1."]


@in_gui_loop
async def test_a_turn_in_a_place_that_is_not_shown_makes_the_chat_be_read_again() -> None:
    room = Room()
    conversation = await room.open()
    unknown = record("q9", "user", "Nine?", "a8"), record("a9", "assistant", "", "q9")
    turn = StartedTurn("s", unknown[0], unknown[1])
    room.worker.stored = ReadChat("s", unknown, turn)
    room.worker.turn_started.emit(turn)
    await until(lambda: room.worker.reads == 2)
    assert texts(conversation) == ["Nine?", ""]
    assert conversation.busy


@in_gui_loop
async def test_of_a_chat_that_is_not_open_the_list_hears_what_it_shows() -> None:
    room = Room()
    room.worker.turn_started.emit(TWO)
    room.events(Title("Two"), Token("2"))
    room.events(ToolApproval("c1", "find", {}, "Built in"))
    room.events(ToolStart("c1", "find", {}), Token("."))
    room.events(DONE)
    assert room.told == [
        ("busy_changed", "s", True),
        ("titled", "s", "Two"),
        ("waiting_changed", "s", True),
        ("waiting_changed", "s", False),
        ("busy_changed", "s", False),
    ]
    assert room.worker.reads == 0


@in_gui_loop
async def test_a_chat_that_is_opened_takes_over_the_marks_of_the_list() -> None:
    room = Room()
    room.worker.turn_started.emit(TWO)
    room.events(ToolApproval("c1", "find", {}, "Built in"))
    room.worker.stored = ReadChat("s", (*FIRST, *SECOND), TWO)
    room.told.clear()
    conversation = await room.chats.open("s")
    assert ("waiting_changed", "s", False) in room.told, "until the events are there again, none waits"
    room.events(ToolApproval("c1", "find", {}, "Built in"))
    assert room.told[-1] == ("waiting_changed", "s", True)
    room.events(DONE)
    assert conversation is not None
    assert not conversation.busy
    assert room.told[-2:] == [("waiting_changed", "s", False), ("busy_changed", "s", False)]


@in_gui_loop
async def test_a_chat_that_is_deleted_while_it_is_opened_is_none() -> None:
    room = Room()
    room.worker.chat_read.connect(lambda _: room.chats.forget("s"))
    assert await room.chats.open("s") is None
