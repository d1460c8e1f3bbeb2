"""Clocks that tests move: one of the system's that stands still, and one by which sleeping takes no time."""

from __future__ import annotations

import asyncio
from datetime import datetime

import pytest

from tether_desktop.context import moments


def set_clock(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    """Let it be this moment, for whatever is written down from now on."""

    class StoppedClock(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return moment

    monkeypatch.setattr(moments, "datetime", StoppedClock)


class VirtualClock:
    """Time that passes only by sleeping.

    Attributes:
        time: seconds since the clock was made.
    """

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        """Seconds since the clock was made."""
        return self.time

    async def sleep(self, seconds: float) -> None:
        """Let that much time pass at once, and other tasks run."""
        self.time += seconds
        await asyncio.sleep(0)
