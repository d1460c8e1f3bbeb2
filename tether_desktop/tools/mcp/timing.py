"""How long things may take with servers, and the clock that measures it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timing:
    """Waiting times in seconds.

    Attributes:
        start: a server's first words, its lists included; long, because package runners may fetch it first.
        end: for a program to end by itself, and again after it was told to.
        write: for a program to read what it is sent.
        restarts: before each try after a death; after the last one nothing is tried again.
        steady: a server that ran that long before it died is tried from the beginning.
        relist: at least, between two looks at lists that a server says have changed.
        messages: that a server may send in a second; the rest waits at its end.
        flood: seconds after which one that always sends more is cut off.
        now: a clock.
        sleep: waits by that clock.
    """

    start: float = 120.0
    end: float = 2.0
    write: float = 30.0
    restarts: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 60.0)
    steady: float = 60.0
    relist: float = 1.0
    messages: int = 500
    flood: int = 60
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
