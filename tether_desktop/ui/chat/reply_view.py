"""Records and events turned into what the chat view shows: pure functions and one fold per reply."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import assert_never

from tether_desktop.context.records import MessageRecord
from tether_desktop.events import (
    Cancelled,
    ContextTrimmed,
    Done,
    ErrorEvent,
    Event,
    HiddenThought,
    Stage,
    Status,
    Title,
    Token,
    ToolApproval,
    ToolEnd,
    ToolProgress,
    ToolStart,
)
from tether_desktop.messages import FinishReason, Timings, Usage, decode_rate
from tether_desktop.ui.chat.asides import asides_of, begin_call, interrupt_calls, with_call, with_result, with_thought
from tether_desktop.ui.chat.message_view import CallState, CallView, Figures, MessageView, ViewState
from tether_desktop.ui.models.model_status import split_name
from tether_desktop.ui.number_text import rate_text, whole
from tether_desktop.ui.translation import counted, mark, translate

INTERRUPTED_TITLE = mark("Replies", "The answer was interrupted")

_STAGES: dict[Stage, ViewState] = {
    "queued": "waiting",
    "loading_model": "loading",
    "reading_prompt": "reading",
    "generating": "streaming",
    "calling": "preparing",
    "summing_up": "reading",
}


def meta_line(model: str, usage: Usage | None = None, timings: Timings | None = None) -> str:
    """What follows the model's name above a reply: "q4_1 · 87 tok/s"."""
    parts = [split_name(model)[1]] if model else []
    rate = decode_rate(usage, timings) if usage and timings else None
    if rate is not None:
        parts.append(rate_text(rate))
    return " · ".join(part for part in parts if part)


def trimmed_notice(event: ContextTrimmed) -> str:
    """What a person is told when old messages no longer fit."""
    told = counted(
        "Replies",
        "%n earlier message(s) left out: the chat no longer fits the {window} tokens this model keeps in mind. "
        "It reads the newest {kept}.",
        event.dropped_messages,
    )
    return told.format(window=whole(event.window), kept=whole(event.kept_tokens))


def message_view(record: MessageRecord, *, running: bool = False) -> MessageView | None:
    """A stored message as it is shown; None for what is not shown (system and tool messages)."""
    if record.message.role == "user":
        return MessageView(
            record.id,
            "user",
            record.message.text,
            version=record.version,
            versions=record.versions,
            attachments=record.message.attachments,
        )
    if record.message.role != "assistant":
        return None
    view = MessageView(
        record.id,
        "assistant",
        record.message.text,
        asides_of(record.message.parts),
        model=split_name(record.model)[0] if record.model else "",
        meta=meta_line(record.model, record.usage, record.timings),
        version=record.version,
        versions=record.versions,
    )
    if running:
        return replace(view, state="waiting")
    return replace(_ended(view, record), figures=Figures(record.model, record.usage, record.timings))


def _complete_state(finish_reason: FinishReason | None) -> ViewState:
    return "cut_off" if finish_reason == "length" else "done"


def _ended(view: MessageView, record: MessageRecord) -> MessageView:
    if record.finish_reason == "cancelled":
        return replace(view, state="cancelled")
    if record.finish_reason == "error" or record.error:
        return replace(
            view,
            state="error",
            error_title=translate("Replies", INTERRUPTED_TITLE),
            error_message=record.error or translate("Replies", "What was said until then is kept."),
            error_hint=translate("Replies", "Ask for the answer again."),
        )
    return replace(view, state=_complete_state(record.finish_reason))


class ReplyFold:
    """Applies a turn's events to the view of its reply.

    Attributes:
        view: the reply as it stands.
        tokens: prompt and reply together once the turn told, else None.
        rate: tokens per second so far; counted while it streams, the engine's own figure at the end.
        title: the session's name, when the turn gave it one.
        ended: whether the one terminal event has come.
    """

    def __init__(self, view: MessageView, model: str = "", clock: Callable[[], float] = time.monotonic) -> None:
        self.view = view
        self.tokens: int | None = None
        self.rate: float | None = None
        self.title: str | None = None
        self.ended = False
        self._model = model
        self._clock = clock
        self._thinking_since: float | None = None
        self._started_at: dict[str, float] = {}
        self._first_token_at: float | None = None
        self._later_tokens = 0

    def apply(self, events: Iterable[Event]) -> str | None:
        """Apply the events of one frame.

        Returns:
            The new visible text when nothing else changed, so that it can be appended; else None.
        """
        before = self.view
        for event in events:
            self._apply(event)
            if isinstance(event, Token | HiddenThought):
                self._count_token()
        added = self.view.text[len(before.text) :]
        return added if added and replace(before, text=self.view.text) == self.view else None

    def mark_call(self, call_id: str, state: CallState) -> None:
        """Show that the person answered for a call, or that their answer was not taken."""
        if any(call.id == call_id and call.state in {"waiting", "answered"} for call in self.view.calls):
            self._change_call(call_id, lambda call: replace(call, state=state))

    def _apply(self, event: Event) -> None:
        match event:
            case Token():
                self._end_thought()
                self.view = replace(self.view, text=self.view.text + event.content, state="streaming", progress=None)
            case HiddenThought():
                self._think(event)
            case Status():
                self._show_stage(event)
            case ContextTrimmed():
                self.view = replace(self.view, notice=trimmed_notice(event))
            case Title():
                self.title = event.title
            case Done() | Cancelled() | ErrorEvent():
                self._end(event)
            case ToolStart() | ToolProgress() | ToolEnd() | ToolApproval():
                self._follow_call(event)
            case _:
                assert_never(event)

    def _count_token(self) -> None:
        now = self._clock()
        if self._first_token_at is None:
            self._first_token_at = now
        else:
            self._later_tokens += 1
            elapsed = now - self._first_token_at
            self.rate = self._later_tokens / elapsed if elapsed > 0.2 else self.rate

    def _think(self, event: HiddenThought) -> None:
        seconds = self._thought_on()
        asides = with_thought(self.view.asides, len(self.view.text), event.content, seconds)
        self.view = replace(self.view, asides=asides, state="thinking", progress=None)

    def _thought_on(self) -> float:
        """Seconds of thinking since this was last asked."""
        now = self._clock()
        since, self._thinking_since = self._thinking_since, now
        return now - (now if since is None else since)

    def _end_thought(self) -> None:
        if self._thinking_since is not None:
            asides = with_thought(self.view.asides, len(self.view.text), "", self._thought_on())
            self.view = replace(self.view, asides=asides)
            self._thinking_since = None

    def _follow_call(self, event: ToolStart | ToolProgress | ToolEnd | ToolApproval) -> None:
        self._end_thought()
        match event:
            case ToolApproval():
                self._begin_call(CallView(0, event.id, event.name, event.arguments, "", "waiting", event.origin))
            case ToolStart():
                self._started_at[event.id] = self._clock()
                self._begin_call(CallView(0, event.id, event.name, event.arguments, event.text))
            case ToolProgress():
                self._change_call(event.id, lambda call: replace(call, message=event.message, progress=event.progress))
            case ToolEnd():
                began = self._started_at.pop(event.id, None)
                seconds = event.seconds
                if seconds is None and began is not None:
                    seconds = self._clock() - began
                asides = with_result(self.view.asides, event.id, event.result, is_error=event.is_error, seconds=seconds)
                self.view = replace(self.view, asides=asides)

    def _begin_call(self, call: CallView) -> None:
        asides = begin_call(self.view.asides, replace(call, at=len(self.view.text)))
        self.view = replace(self.view, asides=asides, state="calling", progress=None)

    def _change_call(self, call_id: str, change: Callable[[CallView], CallView]) -> None:
        self.view = replace(self.view, asides=with_call(self.view.asides, call_id, change))

    def _show_stage(self, event: Status) -> None:
        if not self.view.ends_with_text and self._thinking_since is None:
            self.view = replace(self.view, state=_STAGES[event.stage], progress=event.progress)

    def _end(self, event: Done | Cancelled | ErrorEvent) -> None:
        self._end_thought()
        self.view = replace(self.view, asides=interrupt_calls(self.view.asides))
        self.ended = True
        view = replace(self.view, progress=None)
        match event:
            case Done():
                self.tokens = event.usage.prompt_tokens + event.usage.completion_tokens
                self.rate = decode_rate(event.usage, event.timings) or self.rate
                meta = meta_line(self._model, event.usage, event.timings)
                figures = Figures(self._model, event.usage, event.timings)
                self.view = replace(view, state=_complete_state(event.finish_reason), meta=meta, figures=figures)
            case Cancelled():
                self.view = replace(view, state="cancelled")
            case ErrorEvent():
                title = event.title or translate("Replies", INTERRUPTED_TITLE)
                self.view = replace(
                    view,
                    state="error",
                    error_title=title,
                    error_message=event.message,
                    error_hint=event.hint,
                    error_code=event.code,
                    figures=Figures(self._model),
                )
