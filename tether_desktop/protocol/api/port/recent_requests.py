"""The last requests of the local port, for a person who looks: who asked for what, never what was said."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

KEPT: Final = 200
OWN: Final = "own"
"""Stands for the owner's token, which has no name."""


@dataclass(frozen=True, slots=True)
class RecentRequest:
    """A request that is over.

    Attributes:
        number: counted from 1 since the program began.
        at: when it came, with a time zone.
        client: the program as it calls itself, empty where it does not.
        token: the name of its token; "own" for the owner's, empty without one that opens the port.
        method: such as POST.
        path: without the query, in which words of a person may stand.
        status: of the answer.
        seconds: from its first byte to the last of the answer.
    """

    number: int
    at: datetime
    client: str
    token: str
    method: str
    path: str
    status: int
    seconds: float


class RecentRequests:
    """Keeps the last ones in memory alone; all of it belongs to one asyncio loop."""

    def __init__(self) -> None:
        self._kept: deque[RecentRequest] = deque(maxlen=KEPT)
        self._count = 0
        self._listeners: list[Callable[[RecentRequest], None]] = []

    @property
    def next_number(self) -> int:
        """What the next one is counted as."""
        return self._count + 1

    def add(self, request: RecentRequest) -> None:
        """Keep one more, in the place of the oldest."""
        self._count += 1
        self._kept.append(request)
        for listener in tuple(self._listeners):
            listener(request)

    def all(self) -> tuple[RecentRequest, ...]:
        """Those that are kept, oldest first."""
        return tuple(self._kept)

    def subscribe(self, listener: Callable[[RecentRequest], None]) -> Callable[[], None]:
        """Call ``listener``, in the loop, with each one that is over; returns how to stop that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)
