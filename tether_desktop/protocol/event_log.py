"""What a turn has emitted so far, for any number of readers at their own pace."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

from tether_desktop.events import TERMINAL_EVENTS, Event


class EventLog:
    """An append-only list of events that ends with its one terminal event.

    All of it belongs to one asyncio loop. Nothing is ever dropped: the log is as long as the reply.
    """

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._waiting: set[asyncio.Future[None]] = set()

    @property
    def ended(self) -> bool:
        """Whether the terminal event is in."""
        return bool(self._events) and isinstance(self._events[-1], TERMINAL_EVENTS)

    def append(self, event: Event) -> None:
        """Add an event and wake the readers that wait for one."""
        if self.ended:
            raise RuntimeError(f"{event.type} after the terminal event")
        self._events.append(event)
        for reader in self._waiting:
            if not reader.done():
                reader.set_result(None)
        self._waiting.clear()

    def append_change(self, event: Event) -> None:
        """Add an event unless it says the same as the one before it."""
        if not self._events or self._events[-1] != event:
            self.append(event)

    @property
    def so_far(self) -> tuple[Event, ...]:
        """Every event that is in already."""
        return tuple(self._events)

    async def read(self, after: int = 0) -> AsyncIterator[Event]:
        """Every event but the first ``after`` ones, until the terminal one."""
        async for batch in self.batches(after):
            for event in batch:
                yield event

    async def batches(self, after: int = 0) -> AsyncIterator[Sequence[Event]]:
        """As :meth:`read`, with all that is there at a time; a reader that is slow gets more at once."""
        position = after
        while True:
            if batch := self._events[position:]:
                position += len(batch)
                yield batch
            elif self.ended:
                return
            else:
                await self._next_event()

    async def _next_event(self) -> None:
        reader = asyncio.get_running_loop().create_future()
        self._waiting.add(reader)
        try:
            await reader
        finally:
            self._waiting.discard(reader)
