"""How fast a download is, as people like to read it: "12 of 93 MB, 4 MB/s"."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from time import monotonic

_SECONDS_SEEN = 5.0
_LEAST_SECONDS = 1.0
_MEGABYTE = 1_000_000


class TransferRate:
    """Describes a download; the rate is that of the last few seconds.

    Attributes:
        seconds_left: until all is there, as far as that could be told last.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        """Begin now; ``clock`` gives seconds."""
        self._clock = clock
        self._seen: deque[tuple[float, int]] = deque()
        self.seconds_left: float | None = None

    def describe(self, done: int, total: int | None) -> str:
        """What to say when so many bytes are there."""
        of_all = "" if total is None else f" of {total / _MEGABYTE:,.0f}"
        text = f"{done / _MEGABYTE:,.0f}{of_all} MB"
        rate = self._rate(done)
        self.seconds_left = max(total - done, 0) / rate if rate and total is not None else None
        return f"{text}, {rate / _MEGABYTE:,.1f} MB/s" if rate else text

    def _rate(self, done: int) -> float:
        """Bytes a second; 0 as long as too little was seen to say."""
        now = self._clock()
        self._seen.append((now, done))
        while now - self._seen[0][0] > _SECONDS_SEEN and len(self._seen) > 2:
            self._seen.popleft()
        then, before = self._seen[0]
        return max(done - before, 0) / (now - then) if now - then >= _LEAST_SECONDS else 0.0
