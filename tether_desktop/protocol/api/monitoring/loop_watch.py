"""Watches the loop that serves everybody: how late it comes to what is due."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tether_desktop.model.pool.slot import Timer

CallAt = Callable[[float, Callable[[], None]], Timer]

_EVERY_S = 0.25


class LoopWatch:
    """Asks to be called again and again, and tells how late that was."""

    def __init__(
        self,
        tell: Callable[[float], None],
        *,
        clock: Callable[[], float] | None = None,
        call_at: CallAt | None = None,
    ) -> None:
        """Begin, in a running event loop.

        Args:
            tell: gets the seconds.
            clock: what ``call_at`` goes by; None is the loop's own.
            call_at: calls something at a time; None is the loop's own.
        """
        loop = asyncio.get_running_loop()
        self._tell = tell
        self._clock = clock or loop.time
        self._call_at = call_at or loop.call_at
        self._due = 0.0
        self._timer = self._next()

    def close(self) -> None:
        """Look no longer; idempotent."""
        self._timer.cancel()

    def _next(self) -> Timer:
        self._due = self._clock() + _EVERY_S
        return self._call_at(self._due, self._arrive)

    def _arrive(self) -> None:
        self._tell(max(0.0, self._clock() - self._due))
        self._timer = self._next()
