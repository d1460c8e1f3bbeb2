"""Watches replies being made, in conversations and for clients that keep theirs, whichever client has asked."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from tether_desktop.events import (
    Cancelled,
    Done,
    ErrorEvent,
    Event,
    HiddenThought,
    Status,
    Token,
    ToolApproval,
    ToolEnd,
    ToolStart,
)
from tether_desktop.protocol.api.monitoring.measurements import Measurements
from tether_desktop.protocol.completions import CompletionReport
from tether_desktop.protocol.news import News, TurnStarted
from tether_desktop.protocol.tool_use import DENIED, STOPPED, UNATTENDED
from tether_desktop.protocol.turn import Turn

_REFUSALS = frozenset({DENIED, STOPPED, UNATTENDED})
_CONVERSATION, _COMPLETION = "conversation", "completion"
UNKNOWN_TOOL = "unknown"
"""Stands for tools that a model has made up: what it wrote is no label."""


class ReplyWatch:
    """Follows every turn to its end; for the core's loop."""

    def __init__(
        self,
        measurements: Measurements,
        *,
        is_tool: Callable[[str], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare.

        Args:
            measurements: where it is counted.
            is_tool: whether there is a tool of that name.
            clock: seconds.
        """
        self._measurements = measurements
        self._is_tool = is_tool
        self._clock = clock
        self._following: set[asyncio.Task[None]] = set()

    def hear(self, news: News) -> None:
        """Take note of what has become of a session."""
        if isinstance(news, TurnStarted):
            self.follow(news.turn)

    def follow(self, turn: Turn) -> None:
        """Watch a turn from now on."""
        task = asyncio.create_task(self._follow(turn, self._clock()), name="measure a turn")
        self._following.add(task)
        task.add_done_callback(self._following.discard)

    def completed(self, report: CompletionReport) -> None:
        """Count a reply that belongs to no conversation of ours."""
        self._measurements.reply_ended(_COMPLETION, report.model, report.ending)
        if report.first_token_s is not None:
            self._measurements.first_token(_COMPLETION, report.model, report.first_token_s)
        if report.finished is not None:
            self._measurements.reply_cost(report.model, report.finished.usage, report.finished.timings)

    async def settled(self) -> None:
        """Wait until every turn that was followed is counted."""
        await asyncio.gather(*self._following)

    async def close(self) -> None:
        """Leave the turns that still run; idempotent."""
        following = list(self._following)
        for task in following:
            task.cancel()
        await asyncio.gather(*following, return_exceptions=True)

    async def _follow(self, turn: Turn, began: float) -> None:
        """Wait for the first word, then for the end, and count the rest at once: a task that wakes
        for every token would slow down what it measures.
        """
        events, model = turn.events(), turn.reply.model
        async for event in events:
            if _begins(event):
                self._measurements.first_token(_CONVERSATION, model, self._clock() - began)
                break
            self._count(event, model)
        await turn.wait()
        async for event in events:
            self._count(event, model)

    def _count(self, event: Event, model: str) -> None:
        match event:
            case ToolEnd(name=name, result=result, is_error=is_error):
                tool = name if self._is_tool(name) else UNKNOWN_TOOL
                self._measurements.tool_called(tool, _outcome(result, is_error=is_error))
            case Done(finish_reason, usage, timings):
                self._measurements.reply_ended(_CONVERSATION, model, finish_reason)
                self._measurements.reply_cost(model, usage, timings)
            case Cancelled():
                self._measurements.reply_ended(_CONVERSATION, model, "cancelled")
            case ErrorEvent(code=code):
                self._measurements.reply_ended(_CONVERSATION, model, code)


def _begins(event: Event) -> bool:
    """Whether it tells of the first token: visible, thought, or of a call that is being written."""
    match event:
        case Token() | HiddenThought() | ToolStart() | ToolApproval():
            return True
        case Status("generating" | "calling"):
            return True
    return False


def _outcome(result: str, *, is_error: bool) -> str:
    if not is_error:
        return "answered"
    return "refused" if result in _REFUSALS else "failed"
