"""Keeps a tool's reports to a rate and a length that a person can read."""

from __future__ import annotations

import asyncio
import math

from tether_desktop.errors import showable
from tether_desktop.tools.tool import OnToolProgress

INTERVAL_S = 0.1
_LONGEST = 300


class ProgressLimit:
    """Hands reports on at most ten times a second: the first at once, then the newest of each interval."""

    def __init__(self, on_progress: OnToolProgress) -> None:
        self._on_progress = on_progress
        self._waiting: tuple[str, float | None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    def report(self, message: str, fraction: float | None = None) -> None:
        """Take a report; what comes after the end is dropped."""
        if self._closed:
            return
        self._waiting = _readable(message), _share(fraction)
        if self._timer is None:
            self._send()

    def close(self) -> None:
        """Hand on what waits, and nothing after it."""
        if self._timer is not None:
            self._timer.cancel()
        if self._waiting is not None:
            self._on_progress(*self._waiting)
        self._waiting, self._closed = None, True

    def _send(self) -> None:
        self._timer = None
        if self._waiting is not None:
            self._on_progress(*self._waiting)
            self._waiting = None
            self._timer = asyncio.get_running_loop().call_later(INTERVAL_S, self._send)


def _readable(message: object) -> str:
    text = str(message)
    return showable(" ".join(text[:_LONGEST].split())) + ("…" if len(text) > _LONGEST else "")


def _share(fraction: object) -> float | None:
    if isinstance(fraction, bool) or not isinstance(fraction, int | float) or math.isnan(fraction):
        return None
    return min(1.0, max(0.0, float(fraction)))
