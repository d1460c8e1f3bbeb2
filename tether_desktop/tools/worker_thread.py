"""Runs a function in a thread of its own, which nobody has to wait for when the call is cancelled."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import Callable
from typing import TypeVar, cast

from tether_desktop.tools.tool import OnToolProgress

Result = TypeVar("Result")


class CallEnded(BaseException):
    """Ends the thread of a call that nobody waits for any more; a tool's own ``except Exception`` lets it through."""


async def run_in_thread(
    function: Callable[[OnToolProgress | None], Result], on_progress: OnToolProgress | None
) -> Result:
    """What the function gives back; it gets a way to report progress where one is given.

    A thread of its own rather than one of the loop's few: one that never ends would take a place from everybody
    else's work, and keep the program from ending.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[tuple[Result | None, BaseException | None]] = loop.create_future()
    context = contextvars.copy_context()

    def report(message: str, fraction: float | None = None) -> None:
        if done.cancelled():
            raise CallEnded
        assert on_progress is not None  # noqa: S101  it is handed on only where there is one
        loop.call_soon_threadsafe(on_progress, message, fraction)

    def settle(result: Result | None, error: BaseException | None) -> None:
        if not done.cancelled():
            done.set_result((result, error))

    def work() -> None:
        result, fault = None, None
        try:
            result = context.run(function, report if on_progress else None)
        # Whatever a tool raises is its answer; SystemExit and its like would end the thread in silence.
        except BaseException as error:  # noqa: BLE001
            fault = error
        # The loop may be closed by now, when the call was cancelled.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, result, fault)

    threading.Thread(target=work, name="tool call", daemon=True).start()
    result, fault = await done
    if fault is not None:
        raise fault
    return cast("Result", result)
