"""How many threads to compute on, found by measuring while the work goes on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

FIRST_PROBE = 4
SHORTEST_WAIT, LONGEST_WAIT = 16, 256
"""Calls between two looks at the number of threads that is not in use."""

_PROBE_SHARE = 0.03
"""Of the time may be lost by looking."""

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
    the number in use, and now and then makes one call on the other; the slower that was, the longer it
    waits until the next such look.
    """

    def __init__(self, runtime: HasThreads) -> None:
        self._runtime = runtime
        self._seconds: dict[int, float] = {}
        self._count = runtime.threads
        self._pinned = runtime.threads == 1
        self._probing = False
        self._wait = FIRST_PROBE

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
        if self._probing:
            self._end_probe(seconds)
        else:
            known = self._seconds.get(self._count, seconds)
            self._seconds[self._count] = known + _WEIGHT * (seconds - known)
            self._wait -= 1
        self._count = min(self._seconds, key=self._seconds.__getitem__)
        if self._wait <= 0:
            self._probing = True
            self._count = 1 if self._count > 1 else self._runtime.threads

    def _end_probe(self, seconds: float) -> None:
        others = [known for count, known in self._seconds.items() if count != self._count]
        lost = seconds / min(others) - 1
        self._wait = round(min(max(lost / _PROBE_SHARE, SHORTEST_WAIT), LONGEST_WAIT))
        self._seconds[self._count] = seconds
        self._probing = False
