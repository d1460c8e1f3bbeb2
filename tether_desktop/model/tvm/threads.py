"""How many threads to compute on, found by measuring while the work goes on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

PROBE_EVERY = 48
"""Calls between two looks at the number of threads that is not in use."""

PROBE_CALLS = 3
_WEIGHT = 0.3
"""Of the newest measurement in the running average."""


class HasThreads(Protocol):
    """What the governor governs: the runtime."""

    threads: int

    def use_threads(self, count: int) -> None:
        """Run the next calls on this many threads."""
        ...


class ThreadGovernor:
    """Chooses between all threads and one.

    Threads that meet at barriers are no faster than the slowest: when another program takes a core, all
    of them together can be several times slower than one alone. The governor keeps a running average of
    both and looks at the other one from time to time.
    """

    def __init__(self, runtime: HasThreads) -> None:
        self._runtime = runtime
        self._seconds: dict[int, float] = {}
        self._count = runtime.threads
        self._calls = 0
        self._pinned = runtime.threads == 1

    @property
    def count(self) -> int:
        """Threads that the next call will use."""
        return self._count

    @contextmanager
    def measured(self, units: int = 1) -> Iterator[None]:
        """Run a call of ``units`` equal pieces of work on the threads that are best now."""
        self._runtime.use_threads(self._count)
        started = time.perf_counter()
        yield
        self.note((time.perf_counter() - started) / units)

    def pin(self, count: int) -> None:
        """Stay at this number of threads."""
        self._count = count
        self._pinned = True

    def note(self, seconds: float) -> None:
        """Take the time of a call into account and choose for the next one."""
        if self._pinned:
            return
        known = self._seconds.get(self._count)
        self._seconds[self._count] = seconds if known is None else known + _WEIGHT * (seconds - known)
        self._calls += 1
        phase = self._calls % PROBE_EVERY
        if phase < PROBE_EVERY - PROBE_CALLS:
            self._count = self._fastest()
        elif phase == PROBE_EVERY - PROBE_CALLS:
            self._count = 1 if self._fastest() > 1 else self._runtime.threads
            self._seconds.pop(self._count, None)

    def _fastest(self) -> int:
        return min(self._seconds, key=self._seconds.__getitem__)
