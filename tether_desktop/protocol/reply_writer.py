"""Collects a reply while it streams, and stores it as it grows."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from tether_desktop.context.records import MessageRecord
from tether_desktop.context.store import Store
from tether_desktop.events import HiddenThought, Token, ToolApproval, ToolEnd, ToolStart
from tether_desktop.messages import (
    FinishReason,
    Message,
    Part,
    Phase,
    Reasoning,
    Text,
    Timings,
    ToolCall,
    ToolResult,
    Usage,
)

_LOG = logging.getLogger(__name__)

STORE_INTERVAL_S = 0.5

NOTHING_COUNTED: Mapping[str, int] = MappingProxyType({})


@dataclass(slots=True)
class _GrowingPart:
    """A part that still grows; ``phase`` is None for visible text.

    ``before`` is how many seconds it took before ``since``; None where nobody knows.
    """

    phase: Phase | None
    since: float
    until: float
    texts: list[str] = field(default_factory=list)
    before: float | None = 0.0

    def value(self) -> Part:
        text = "".join(self.texts)
        if self.phase is None:
            return Text(text)
        seconds = None if self.before is None else round(self.before + self.until - self.since, 3)
        return Reasoning(text, self.phase, seconds)


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
        begun: Sequence[Part] = (),
        interval_s: float = STORE_INTERVAL_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._reply_id = reply_id
        self._interval_s = interval_s
        self._clock = clock
        self._parts: list[_GrowingPart | Part] = list(begun)
        self._calls = {part.id for part in begun if isinstance(part, ToolCall)}
        self._changed = False
        self._finishing = asyncio.Event()
        self._storing = asyncio.create_task(self._keep_storing(), name=f"store reply {reply_id}")

    def add(self, event: Token | HiddenThought | ToolApproval | ToolStart | ToolEnd) -> None:
        """Take in what was just streamed."""
        match event:
            case Token(content):
                self._add_text(content, None)
            case HiddenThought(content, phase):
                self._add_text(content, phase)
            case ToolApproval(call, name, arguments):
                self._add_call(ToolCall(call, name, arguments))
            case ToolStart(call, name, arguments, text):
                self._add_call(ToolCall(call, name, arguments, text))
            case ToolEnd(call, name, result, is_error, seconds):
                self._parts.append(ToolResult(call, name, result, is_error, seconds))
        self._changed = True

    def _add_text(self, text: str, phase: Phase | None) -> None:
        now = self._clock()
        last = self._parts[-1] if self._parts else None
        if isinstance(last, _GrowingPart):
            last.until = now
        elif last is not None and (grown := _regrown(last, phase, now)):
            self._parts[-1] = last = grown
        if not isinstance(last, _GrowingPart) or last.phase != phase:
            last = _GrowingPart(phase, since=now, until=now)
            self._parts.append(last)
        last.texts.append(text)

    def _add_call(self, call: ToolCall) -> None:
        """A call that had to wait is announced twice: when it asks, and when it starts."""
        if call.id not in self._calls:
            self._calls.add(call.id)
            self._parts.append(call)

    def message(self) -> Message:
        """The reply so far."""
        return Message(
            "assistant", tuple(part.value() if isinstance(part, _GrowingPart) else part for part in self._parts)
        )

    async def finish(
        self,
        finish_reason: FinishReason,
        *,
        usage: Usage | None = None,
        timings: Timings | None = None,
        error: str = "",
        counted: Mapping[str, int] = NOTHING_COUNTED,
    ) -> MessageRecord:
        """Store the complete reply, and with it how many tokens messages have, by their ids.

        Raises:
            StoreError: it could not be stored.
        """
        self._finishing.set()
        await self._storing
        ending = {"finish_reason": finish_reason, "usage": usage, "timings": timings, "error": error}
        return await asyncio.to_thread(self._store_finished, ending, dict(counted))

    def _store_finished(self, ending: dict[str, Any], counted: dict[str, int]) -> MessageRecord:
        with self._store.together():
            stored = self._store.update_reply(self._reply_id, self.message(), **ending)
            for message_id, tokens in counted.items():
                self._store.set_tokens(message_id, tokens)
            return replace(stored, tokens=counted.get(self._reply_id))

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


def _regrown(part: Part, phase: Phase | None, now: float) -> _GrowingPart | None:
    """A part of before that goes on; None where what comes is of another kind."""
    if isinstance(part, Text) and phase is None:
        return _GrowingPart(None, now, now, [part.text])
    if isinstance(part, Reasoning) and part.phase == phase:
        return _GrowingPart(phase, now, now, [part.text], part.seconds)
    return None
