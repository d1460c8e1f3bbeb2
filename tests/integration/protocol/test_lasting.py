"""What a program that runs for long must not gather: turns end and leave next to nothing behind."""

from __future__ import annotations

import asyncio
import gc

from tests.helpers.rooms import Rooms
from tether_desktop.protocol.event_log import EventLog
from tether_desktop.protocol.reply_writer import ReplyWriter
from tether_desktop.protocol.turn import Turn
from tether_desktop.protocol.turn_desk import KEPT_TURNS


async def turns(rooms: Rooms, count: int, session_id: str | None = None) -> None:
    for number in range(count):
        chosen = session_id or (await rooms.sessions.create()).id
        turn = await rooms.sessions.send(chosen, f"Question {number}. {'word ' * 50}")
        await turn.wait()


def alive(kind: type) -> int:
    gc.collect()
    return sum(type(each) is kind for each in gc.get_objects())


async def left(kind: type, before: int) -> int:
    """How many more there are, once what the last turn's own task held is gone."""
    async with asyncio.timeout(30):
        while alive(kind) != before:  # noqa: ASYNC110  (objects tell nobody when they go)
            await asyncio.sleep(0.01)
    return alive(kind) - before


async def test_of_many_sessions_a_few_ended_turns_are_kept_and_nothing_that_made_them(rooms: Rooms) -> None:
    rooms.add_model(replies=["word " * 50])
    before = {kind: alive(kind) for kind in (Turn, EventLog, ReplyWriter)}
    await turns(rooms, KEPT_TURNS + 10)
    assert alive(Turn) - before[Turn] == alive(EventLog) - before[EventLog] == KEPT_TURNS
    assert await left(ReplyWriter, before[ReplyWriter]) == 0


async def test_an_ended_turn_does_not_keep_its_conversation(rooms: Rooms) -> None:
    rooms.add_model(replies=["Hi."])
    session = await rooms.sessions.create()
    await turns(rooms, 3, session.id)
    assert rooms.sessions.newest_turn(session.id).plan.branch == ()


async def test_a_turn_that_failed_does_not_keep_its_conversation_either(rooms: Rooms) -> None:
    rooms.add_model(replies=["Hi."], context_window=40)
    before = alive(ReplyWriter)
    session = await rooms.sessions.create()
    await turns(rooms, 3, session.id)
    assert rooms.sessions.newest_turn(session.id).reply.finish_reason == "error"
    assert await left(ReplyWriter, before) == 0
