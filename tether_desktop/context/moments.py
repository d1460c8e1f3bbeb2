"""The time that something is written down with, on computers whose clocks are set back."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

TICK = timedelta(microseconds=1)
"""The finest difference of two times."""

_SET_BACK = timedelta(days=1)
"""How far ahead of the clock times are still followed: an hour gained or lost comes to less, a wrong year to more."""


def moment_after(newest: datetime | None) -> datetime:
    """Now, as an aware UTC time; just after ``newest`` where the clock was set back behind that since.

    What is said next then comes next, as it must. Only times that are years away, of a clock that was wrong, are left
    to themselves: following them, nothing would ever get its right time again.
    """
    now = datetime.now(UTC)
    return newest + TICK if newest is not None and now <= newest < now + _SET_BACK else now


class Clock:
    """UTC times that grow strictly, even where the system's clock ticks only every 15 ms or is set back."""

    def __init__(self, newest: datetime | None) -> None:
        """Begin after ``newest``, what was written down last."""
        self._lock = threading.Lock()
        self._last = moment_after(newest)

    def now(self) -> datetime:
        """The time now; another one at each call."""
        with self._lock:
            self._last = max(datetime.now(UTC), self._last + TICK)
            return self._last
