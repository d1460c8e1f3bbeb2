"""How long a download puts up with a bad connection."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a download puts up with a bad connection.

    Attributes:
        retries: attempts after the first one; they start over whenever an attempt brings worthwhile_bytes.
        worthwhile_bytes: what an attempt has to bring so as not to count.
        idle_seconds: without a byte, after which a connection counts as dropped.
        pace_seconds, pace_bytes: a connection that brings less than that many bytes in that time counts as
            dropped as well.
        first_wait, longest_wait: seconds before the first retry and before any; the wait doubles each time.
        now: a clock in seconds.
        sleep: how to wait.
    """

    retries: int = 5
    worthwhile_bytes: int = 1 << 20
    idle_seconds: float = 30.0
    pace_seconds: float = 60.0
    pace_bytes: int = 32 << 10
    first_wait: float = 1.0
    longest_wait: float = 60.0
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    def wait_before(self, retry: int) -> float:
        """Seconds to wait before a retry; the first has number 0."""
        return min(self.first_wait * 2.0**retry, self.longest_wait)
