"""Collects a reply while it streams, and stores it as it grows."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tether_desktop.context.records import MessageRecord
from tether_desktop.context.store import Store
from tether_desktop.events import HiddenThought, Token
from tether_desktop.messages import FinishReason, Message, Part, Phase, Reasoning, Text, Timings, Usage

_LOG = logging.getLogger(__name__)

STORE_INTERVAL_S = 0.5


@dataclass(slots=True)
class _GrowingPart:
    """A part that still grows; ``phase`` is None for visible text."""

    phase: Phase | None
    since: float
    until: float
    texts: list[str] = field(default_factory=list)

    def value(self) -> Part:
        text = "".join(self.texts)
        return Text(text) if self.phase is None else Reasoning(text, self.phase, round(self.until - self.since, 3))


class ReplyWriter:
    """The parts of one reply, exactly as streamed, and their way into the store.

    A failing store does not stop the stream: every later store writes the whole reply again, and
    only the last one has to succeed.
    """

    def __init__(
        self,
        store: Store,
        reply_id: str,
        *,
        interval_s: float = STORE_INTERVAL_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._reply_id = reply_id
        self._interval_s = interval_s
        self._clock = clock
        self._parts: list[_GrowingPart] = []
        self._changed = False
        self._finishing = asyncio.Event()
        self._storing = asyncio.create_task(self._keep_storing(), name=f"store reply {reply_id}")

    def add(self, event: Token | HiddenThought) -> None:
        """Take in what was just streamed."""
        now = self._clock()
        phase = event.phase if isinstance(event, HiddenThought) else None
        if self._parts:
            self._parts[-1].until = now
        if not self._parts or self._parts[-1].phase != phase:
            self._parts.append(_GrowingPart(phase, since=now, until=now))
        self._parts[-1].texts.append(event.content)
        self._changed = True

    def message(self) -> Message:
        """The reply so far."""
        return Message("assistant", tuple(part.value() for part in self._parts))

    async def finish(
        self,
        finish_reason: FinishReason,
        *,
        usage: Usage | None = None,
        timings: Timings | None = None,
        error: str = "",
    ) -> MessageRecord:
        """Store the complete reply.

        Raises:
            StoreError: it could not be stored.
        """
        self._finishing.set()
        await self._storing
        return await asyncio.to_thread(
            self._store.update_reply,
            self._reply_id,
            self.message(),
            finish_reason=finish_reason,
            usage=usage,
            timings=timings,
            error=error,
        )

    async def _keep_storing(self) -> None:
        while not await self._finishing_within(self._interval_s):
            if self._changed:
                await self._store_so_far()

    async def _store_so_far(self) -> None:
        self._changed = False
        try:
            await asyncio.to_thread(self._store.update_reply, self._reply_id, self.message())
        except Exception:  # noqa: BLE001 — whatever it is, the stream goes on, and the last store will tell
            self._changed = True
            _LOG.warning("Reply %s is not stored yet", self._reply_id, exc_info=True)

    async def _finishing_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._finishing.wait(), seconds)
        except TimeoutError:
            return False
        return True
