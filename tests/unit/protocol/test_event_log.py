"""The event log: replayed from the start for every reader, at their own pace."""

from __future__ import annotations

import asyncio

import pytest

from tether_desktop.events import Cancelled, Done, Event, Status, Token
from tether_desktop.messages import Timings, Usage
from tether_desktop.protocol.event_log import EventLog

DONE = Done("stop", Usage(), Timings())


async def read_all(log: EventLog) -> list[Event]:
    return [event async for event in log.read()]


async def test_a_late_reader_gets_everything_from_the_start() -> None:
    log = EventLog()
    log.append(Token("a"))
    log.append(DONE)
    assert await read_all(log) == [Token("a"), DONE]
    assert await read_all(log) == [Token("a"), DONE]


async def test_a_slow_reader_of_ten_thousand_tokens_loses_nothing() -> None:
    log = EventLog()
    tokens = [Token(str(number)) for number in range(10_000)]

    async def read_slowly() -> list[Event]:
        events: list[Event] = []
        async for event in log.read():
            events.append(event)
            if len(events) % 100 == 1:
                await asyncio.sleep(0)
        return events

    readers = [asyncio.create_task(read_slowly()), asyncio.create_task(read_all(log))]
    for number, token in enumerate(tokens):
        log.append(token)
        if number % 7 == 0:
            await asyncio.sleep(0)
    log.append(DONE)
    assert await asyncio.gather(*readers) == [[*tokens, DONE]] * 2


async def test_a_reader_that_goes_away_leaves_the_others_alone() -> None:
    log = EventLog()
    leaving, staying = asyncio.create_task(read_all(log)), asyncio.create_task(read_all(log))
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.wait([leaving])
    log.append(DONE)
    assert await staying == [DONE]


async def test_nothing_follows_the_terminal_event() -> None:
    log = EventLog()
    log.append(Cancelled())
    with pytest.raises(RuntimeError):
        log.append(DONE)
    assert await read_all(log) == [Cancelled()]


async def test_an_unchanged_status_is_told_once() -> None:
    log = EventLog()
    for progress in (0.5, 0.5, 0.6):
        log.append_change(Status("reading_prompt", progress))
    log.append(DONE)
    assert await read_all(log) == [Status("reading_prompt", 0.5), Status("reading_prompt", 0.6), DONE]
