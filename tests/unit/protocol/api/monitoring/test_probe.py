"""Asking what may hang: nobody waits for ever, and one thread at most does."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest

from tether_desktop.protocol.api.monitoring.probe import Probe


class Slow:
    """Answers when it may."""

    def __init__(self) -> None:
        self.may_answer = threading.Event()
        self.asked = 0
        self.error: Exception | None = None

    def __call__(self) -> int:
        self.asked += 1
        self.may_answer.wait()
        if self.error:
            raise self.error
        return self.asked


@pytest.fixture
async def slow() -> AsyncIterator[Slow]:
    slow = Slow()
    yield slow
    # Before the loop ends, which waits for its threads.
    slow.may_answer.set()


async def test_what_answers_is_asked_anew_each_time(slow: Slow) -> None:
    slow.may_answer.set()
    probe = Probe(slow, 60)
    assert [await probe.answer(), await probe.answer()] == [1, 2]


async def test_what_hangs_is_given_up_and_not_asked_again_meanwhile(slow: Slow) -> None:
    probe = Probe(slow, 0.001)
    for _ in range(3):
        with pytest.raises(TimeoutError):
            await probe.answer()
    assert slow.asked == 1


async def test_those_who_ask_at_once_share_an_answer(slow: Slow) -> None:
    probe = Probe(slow, 60)
    waiting = [asyncio.ensure_future(probe.answer()) for _ in range(3)]
    await asyncio.sleep(0)
    slow.may_answer.set()
    assert await asyncio.gather(*waiting) == [1, 1, 1]


async def test_one_who_gives_up_does_not_take_the_answer_from_the_others(slow: Slow) -> None:
    probe = Probe(slow, 60)
    first, second = (asyncio.ensure_future(probe.answer()) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    slow.may_answer.set()
    assert await second == 1


async def test_a_failure_is_told_and_the_next_one_asks_again(slow: Slow) -> None:
    slow.may_answer.set()
    slow.error = ValueError("no luck")
    probe = Probe(slow, 60)
    with pytest.raises(ValueError, match="no luck"):
        await probe.answer()
    slow.error = None
    assert await probe.answer() == 2
