"""A clock that tests move: sleeping takes no time, but the time has passed."""

from __future__ import annotations

import asyncio


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
