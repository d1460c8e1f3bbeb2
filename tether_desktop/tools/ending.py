"""Waits for a task to come to its end, also while the one who waits is cancelled."""

from __future__ import annotations

import asyncio
from typing import Any


async def wait_out(task: asyncio.Task[Any], seconds: float | None = None) -> bool:
    """Whether the task ended in time; its result or exception is for the caller to take.

    Raises:
        asyncio.CancelledError: we were cancelled meanwhile; told only once the waiting is over.
    """
    clock = asyncio.get_running_loop().time
    deadline = None if seconds is None else clock() + seconds
    interrupted = False
    while not task.done() and (deadline is None or clock() < deadline):
        try:
            await asyncio.wait([task], timeout=None if deadline is None else deadline - clock())
        except asyncio.CancelledError:
            interrupted = True
    if interrupted:
        raise asyncio.CancelledError
    return task.done()
