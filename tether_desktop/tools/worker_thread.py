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


class _Reports:
    """Carries reports to the loop, only the newest where they come faster than it takes them."""

    def __init__(self, loop: asyncio.AbstractEventLoop, on_progress: OnToolProgress) -> None:
        self._loop = loop
        self._on_progress = on_progress
        self._newest: tuple[str, float | None] | None = None
        self._changing = threading.Lock()
        self.ended = False

    def report(self, message: str, fraction: float | None = None) -> None:
        """For the function; raises CallEnded once nobody waits for it."""
        if self.ended:
            raise CallEnded
        with self._changing:
            is_on_its_way = self._newest is not None
            self._newest = (message, fraction)
        if not is_on_its_way:
            try:
                self._loop.call_soon_threadsafe(self._hand_on)
            except RuntimeError as closed:
                raise CallEnded from closed

    def _hand_on(self) -> None:
        with self._changing:
            newest, self._newest = self._newest, None
        if newest is not None and not self.ended:
            self._on_progress(*newest)


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
    reports = _Reports(loop, on_progress) if on_progress else None

    def settle(result: Result | None, error: BaseException | None) -> None:
        if not done.cancelled():
            done.set_result((result, error))

    def work() -> None:
        result, fault = None, None
        try:
            result = context.run(function, reports.report if reports else None)
        # Whatever a tool raises is its answer; SystemExit and its like would end the thread in silence.
        except BaseException as error:  # noqa: BLE001
            fault = error
        # The loop may be closed by now, when the call was cancelled.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, result, fault)

    threading.Thread(target=work, name="tool call", daemon=True).start()
    try:
        result, fault = await done
    finally:
        if reports:
            reports.ended = True
    if fault is not None:
        raise fault
    return cast("Result", result)
