"""Work on files outlives the task that asked for it by nothing."""

from __future__ import annotations

import asyncio
import threading

import pytest

from tether_desktop.model.fetch.settled import settled


async def test_a_cancelled_task_ends_after_its_work() -> None:
    started, free, done = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        started.set()
        free.wait(10)
        done.set()

    task = asyncio.ensure_future(settled(work))
    await asyncio.to_thread(started.wait)
    task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    free.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert done.is_set()


async def test_an_error_of_cancelled_work_is_dropped() -> None:
    started, free = threading.Event(), threading.Event()

    def work() -> None:
        started.set()
        free.wait(10)
        raise ValueError

    task = asyncio.ensure_future(settled(work))
    await asyncio.to_thread(started.wait)
    task.cancel()
    free.set()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_work_gives_its_result_or_its_error() -> None:
    assert await settled(max, 1, 2) == 2
    with pytest.raises(ValueError, match="invalid literal"):
        await settled(int, "x")
