"""Work in a thread of its own: its result or error comes back, and the loop goes on meanwhile."""

from __future__ import annotations

import asyncio
import threading

import pytest

from tether_desktop.model.tvm.deep_thread import STACK_BYTES, in_deep_thread


async def test_the_result_comes_from_a_thread_of_its_own_and_other_threads_keep_their_stack() -> None:
    usual = threading.stack_size()
    assert await in_deep_thread(lambda: threading.current_thread().name) == "grammar"
    assert threading.stack_size() == usual
    assert usual < STACK_BYTES


async def test_an_error_reaches_the_one_who_waits_whatever_it_is() -> None:
    class Panic(BaseException):
        pass

    def fail() -> None:
        raise Panic("no exception")

    with pytest.raises(Panic, match="no exception"):
        await in_deep_thread(fail)


async def test_the_loop_goes_on_and_may_stop_waiting() -> None:
    started, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def work() -> None:
        loop.call_soon_threadsafe(started.set)
        go_on.wait()

    waiting = asyncio.create_task(in_deep_thread(work))
    await started.wait()
    thread = next(thread for thread in threading.enumerate() if thread.name == "grammar")
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    go_on.set()
    await asyncio.to_thread(thread.join)
