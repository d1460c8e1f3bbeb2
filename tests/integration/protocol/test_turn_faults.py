"""What goes wrong during a turn is told once, in words for people, and nothing that was said is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.clock import VirtualClock
from tests.helpers.rooms import Rooms, all_events, open_rooms, until
from tether_desktop.context.records import MessageRecord
from tether_desktop.context.store import Store
from tether_desktop.errors import SessionBusy, StoreFull
from tether_desktop.events import TERMINAL_EVENTS, Cancelled, Done, ErrorEvent, Event, HiddenThought, Status, Token
from tether_desktop.messages import Message
from tether_desktop.model.engine import EngineSpec, GenerationChunk, GenerationRequest
from tether_desktop.model.hosting.host import HostedEngine
from tether_desktop.model.scripted.engine import ScriptedEngine
from tether_desktop.protocol.turn import Turn

FAIL = {"raise": {"code": "engine_died", "title": "The model stopped", "message": "It ended.", "hint": "Ask again."}}
WAIT = {"wait": True}


class FullStore(Store):
    """A real store on a disk that can be full."""

    full = False

    def update_reply(self, message_id: str, message: Message, **fields: Any) -> MessageRecord:
        if self.full:
            raise StoreFull("The disk is full", "The reply could not be stored.", "Make room.")
        return super().update_reply(message_id, message, **fields)


async def start(rooms: Rooms, text: str = "Hello") -> Turn:
    return await rooms.sessions.send((await rooms.sessions.create()).id, text)


def is_token(event: Event) -> bool:
    return isinstance(event, Token)


async def stored(rooms: Rooms, turn: Turn) -> MessageRecord:
    return (await rooms.sessions.history(turn.session_id))[-1]


async def assert_usable(rooms: Rooms, turn: Turn) -> None:
    """The session and the model go on after whatever happened."""
    model = rooms.add_model("Sound", replies=["Fine."])
    _, events = await rooms.ask("Go on", turn.session_id, model=model)
    assert isinstance(events[-1], Done)


async def test_cancelling_while_queued_ends_the_turn(rooms: Rooms) -> None:
    rooms.add_model(replies=[{"steps": ["Hi", WAIT]}])
    first = await start(rooms)
    await until(first, is_token)
    second = await start(rooms)
    await until(second, lambda event: event == Status("queued"))
    assert await rooms.sessions.cancel(second.session_id)
    assert (await all_events(second))[-1] == Cancelled()
    assert (await stored(rooms, second)).finish_reason == "cancelled"
    assert rooms.sessions.running(first.session_id) is first


@pytest.mark.parametrize(
    ("script", "stage"),
    [
        ({"load": [{"progress": 0.5}, WAIT]}, Status("loading_model", 0.5)),
        ({"prefill": [{"progress": 0.5}, WAIT]}, Status("reading_prompt", 0.5)),
    ],
)
async def test_cancelling_before_the_first_token_ends_the_turn(
    rooms: Rooms, script: dict[str, Any], stage: Event
) -> None:
    rooms.add_model(replies=["Hi"], **script)
    turn = await start(rooms)
    await until(turn, lambda event: event == stage)
    await turn.cancel()
    assert (await all_events(turn))[-1] == Cancelled()
    assert (await stored(rooms, turn)).finish_reason == "cancelled"
    await assert_usable(rooms, turn)


async def test_cancelling_in_mid_sentence_keeps_what_was_said(rooms: Rooms) -> None:
    rooms.add_model(replies=[{"steps": ["<think>", "hm", "</think>", "One", " two", " <thi", WAIT]}])
    turn = await start(rooms)
    await until(turn, lambda event: event == Token(" "))
    assert await rooms.sessions.cancel(turn.session_id)
    events = await all_events(turn)
    assert "".join(event.content for event in events if isinstance(event, Token)) == "One two <thi"
    assert events[-1] == Cancelled()
    reply = await stored(rooms, turn)
    assert (reply.message.reasoning, reply.message.text) == ("hm", "One two <thi")
    assert (reply.finish_reason, reply.error) == ("cancelled", "")
    await assert_usable(rooms, turn)


async def test_cancelling_frees_the_engine_for_others(rooms: Rooms) -> None:
    rooms.add_model(replies=[{"match": "wait", "steps": ["Hi", WAIT]}, "Hello"])
    turn = await start(rooms, "wait")
    await until(turn, is_token)
    await turn.cancel()
    _, events = await rooms.ask("next")
    assert isinstance(events[-1], Done)


async def test_cancelling_twice_at_once_is_cancelling_once(rooms: Rooms) -> None:
    rooms.add_model(replies=[{"steps": ["Hi", WAIT]}])
    turn = await start(rooms)
    await until(turn, is_token)
    await asyncio.gather(turn.cancel(), turn.cancel(), rooms.sessions.cancel(turn.session_id))
    await turn.cancel()
    assert [event for event in await all_events(turn) if isinstance(event, TERMINAL_EVENTS)] == [Cancelled()]
    assert (await stored(rooms, turn)).message.text == "Hi"


async def test_cancelling_while_the_question_is_being_stored_stops_its_turn(rooms: Rooms) -> None:
    rooms.add_model(replies=[{"steps": ["Hi", WAIT]}])
    session = await rooms.sessions.create()
    sending = asyncio.create_task(rooms.sessions.send(session.id, "Hello"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert await rooms.sessions.cancel(session.id)
    assert (await all_events(await sending))[-1] == Cancelled()


async def test_cancelling_where_nothing_runs_says_so(rooms: Rooms) -> None:
    assert not await rooms.sessions.cancel((await rooms.sessions.create()).id)


async def test_closing_stores_every_turn(tmp_path: Path) -> None:
    async with open_rooms(tmp_path, replies=[{"steps": ["Hi", WAIT]}]) as rooms:
        turn = await start(rooms)
        await until(turn, is_token)
    assert turn.reply.finish_reason == "cancelled"
    assert turn.reply.message.text == "Hi"


@pytest.mark.parametrize("said", [[], ["One", " two"], ["<think>", "hm"]])
async def test_an_engine_that_dies_is_told_and_what_it_said_is_kept(rooms: Rooms, said: list[str]) -> None:
    rooms.add_model(replies=[{"steps": [*said, FAIL]}])
    turn = await start(rooms)
    events = await all_events(turn)
    assert events[-1] == ErrorEvent("It ended.", "engine_died", "The model stopped", "Ask again.")
    reply = await stored(rooms, turn)
    streamed = "".join(event.content for event in events if isinstance(event, Token | HiddenThought))
    assert reply.message.text + reply.message.reasoning == streamed == "".join(said).removeprefix("<think>")
    assert (reply.finish_reason, reply.error) == ("error", "It ended.")
    assert turn.reply == reply
    await assert_usable(rooms, turn)


@pytest.mark.parametrize("script", [{"load": [FAIL]}, {"prefill": [FAIL]}])
async def test_a_failure_before_the_first_token_is_told(rooms: Rooms, script: dict[str, Any]) -> None:
    rooms.add_model(replies=["Hi"], **script)
    turn = await start(rooms)
    assert (await all_events(turn))[-1] == ErrorEvent("It ended.", "engine_died", "The model stopped", "Ask again.")
    assert (await stored(rooms, turn)).error == "It ended."


async def test_a_bug_is_told_as_ours_and_logged_with_its_traceback(
    rooms: Rooms, caplog: pytest.LogCaptureFixture
) -> None:
    rooms.add_model(replies=[{"steps": ["One", {"bug": "list index out of range"}]}])
    turn = await start(rooms)
    error = (await all_events(turn))[-1]
    assert isinstance(error, ErrorEvent)
    assert error.code == "internal_error"
    assert error.title
    assert error.hint
    assert "list index" not in error.message
    assert "RuntimeError: list index out of range" in caplog.text
    assert "Traceback" in caplog.text
    assert (await stored(rooms, turn)).message.text == "One"
    await assert_usable(rooms, turn)


async def test_a_killed_engine_process_costs_one_reply_and_the_next_turn_starts_a_new_one(tmp_path: Path) -> None:
    async with open_rooms(tmp_path, make_engine=HostedEngine) as rooms:
        rooms.add_model(replies=[{"match": "die", "steps": ["One", " two", {"delay": 0.1}, {"die": 9}]}, "Fine."])
        turn, events = await rooms.ask("die")
        assert isinstance(events[-1], ErrorEvent)
        assert events[-1].code == "engine_died"
        reply = await stored(rooms, turn)
        assert (reply.message.text, reply.finish_reason) == ("One two", "error")
        turn, events = await rooms.ask("go on", turn.session_id)
        assert isinstance(events[-1], Done)
        assert turn.reply.message.text == "Fine."


class SilentEngine(ScriptedEngine):
    """An engine that ends its stream without a finish reason."""

    async def generate(self, request: GenerationRequest) -> AsyncGenerator[GenerationChunk, None]:
        yield GenerationChunk("One")


async def test_a_stream_without_an_end_is_an_error(tmp_path: Path) -> None:
    def silent(spec: EngineSpec) -> SilentEngine:
        return SilentEngine(spec, clock=VirtualClock())

    async with open_rooms(tmp_path, make_engine=silent, replies=["x"]) as rooms:
        turn = await start(rooms)
        error = (await all_events(turn))[-1]
        assert isinstance(error, ErrorEvent)
        assert error.code == "engine_error"
        assert (await stored(rooms, turn)).message.text == "One"


@pytest.fixture
async def full_disk(tmp_path: Path) -> AsyncIterator[tuple[Rooms, FullStore]]:
    store = FullStore(f"sqlite:///{tmp_path / 'tether.db'}")
    async with open_rooms(
        tmp_path, store=store, replies=[{"match": "wait", "steps": ["One", WAIT]}, "One two."]
    ) as rooms:
        yield rooms, store


async def test_a_full_disk_is_told_and_the_reply_stays_on_the_screen(full_disk: tuple[Rooms, FullStore]) -> None:
    rooms, store = full_disk
    store.full = True
    turn = await start(rooms)
    events = await all_events(turn)
    assert events[-1] == ErrorEvent("The reply could not be stored.", "store_full", "The disk is full", "Make room.")
    assert "".join(event.content for event in events if isinstance(event, Token)) == "One two."
    assert (turn.reply.message.text, turn.reply.finish_reason) == ("One two.", "error")
    store.full = False
    await assert_usable(rooms, turn)


async def test_a_full_disk_does_not_hide_the_first_error(full_disk: tuple[Rooms, FullStore]) -> None:
    rooms, store = full_disk
    store.full = True
    rooms.add_model("Failing", replies=[{"steps": ["One", FAIL]}])
    _, events = await rooms.ask("Hello", model="Failing")
    assert [event.code for event in events if isinstance(event, ErrorEvent)] == ["engine_died"]


async def test_erasing_a_session_ends_its_turn(rooms: Rooms) -> None:
    rooms.add_model(replies=[{"steps": ["One", WAIT]}])
    turn = await start(rooms)
    await until(turn, is_token)
    await rooms.sessions.erase(turn.session_id)
    assert (await all_events(turn))[-1] == Cancelled()


async def test_one_question_at_a_time(rooms: Rooms) -> None:
    rooms.add_model(replies=[{"steps": ["One", WAIT]}])
    turn = await start(rooms)
    await until(turn, is_token)
    for again in (
        rooms.sessions.send(turn.session_id, "And?"),
        rooms.sessions.regenerate(turn.session_id, turn.reply.id),
        rooms.sessions.select_version(turn.session_id, turn.reply.id),
    ):
        with pytest.raises(SessionBusy) as raised:
            await again
        assert raised.value.code == "session_busy"
        assert raised.value.hint
    assert len(await rooms.sessions.history(turn.session_id)) == 2


async def test_of_two_questions_sent_at_once_one_is_answered(rooms: Rooms) -> None:
    rooms.add_model(replies=["One"])
    session = await rooms.sessions.create()
    results = await asyncio.gather(
        *(rooms.sessions.send(session.id, text) for text in ("a", "b")), return_exceptions=True
    )
    assert sorted(type(result).__name__ for result in results) == ["SessionBusy", "Turn"]
    assert len(await rooms.sessions.history(session.id)) == 2


async def test_the_next_question_may_follow_the_terminal_event_at_once(rooms: Rooms) -> None:
    rooms.add_model(replies=["One"])
    turn = await start(rooms)
    async for event in turn.events():
        if isinstance(event, TERMINAL_EVENTS):
            turn = await rooms.sessions.send(turn.session_id, "And?")
            break
    assert isinstance((await all_events(turn))[-1], Done)


async def test_an_answer_that_never_came_leaves_its_question_readable_to_the_model(rooms: Rooms) -> None:
    strict = (
        "{% for m in messages %}{% if m.role != 'system' and (m.role == 'user') == (loop.previtem.role == 'user') %}"
        "{{ raise_exception('roles must alternate') }}{% endif %}{{ m.content }}{% endfor %}"
    )
    rooms.add_model(replies=[{"match": "^.*first$", "steps": [FAIL]}, "Yes."], chat_template=strict)
    turn, events = await rooms.ask("first")
    assert isinstance(events[-1], ErrorEvent)
    _, events = await rooms.ask("second", turn.session_id)
    assert isinstance(events[-1], Done)
