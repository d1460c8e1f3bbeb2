"""Work in a thread of its own that may call itself deeply, while the loop goes on."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

STACK_BYTES = 256 << 20
"""Only what is used of it takes memory."""

_Result = TypeVar("_Result")


async def in_deep_thread(work: Callable[[], _Result]) -> _Result:
    """Run work with a large stack and wait for it; whoever is cancelled leaves it to end by itself.

    Raises:
        BaseException: whatever the work raises, the panic of a native library among it.
    """
    result: Future[_Result] = Future()
    result.set_running_or_notify_cancel()

    def run() -> None:
        try:
            result.set_result(work())
        except BaseException as error:  # noqa: BLE001 - whatever it is belongs to the one who waits
            result.set_exception(error)

    _start(run)
    return await asyncio.wrap_future(result)


def _start(run: Callable[[], None]) -> None:
    """Start a thread; the stack size is that of all new threads, so it is set back at once."""
    usual = threading.stack_size(STACK_BYTES)
    try:
        threading.Thread(target=run, name="grammar", daemon=True).start()
    finally:
        threading.stack_size(usual)
