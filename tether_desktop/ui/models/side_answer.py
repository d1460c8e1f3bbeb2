"""One of two answers that are compared: what has come of it, and its figures, as a value."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

from tether_desktop.errors import TetherError
from tether_desktop.events import Cancelled, Done, ErrorEvent, Event, HiddenThought, Status, Token
from tether_desktop.messages import Timings, Usage, decode_rate
from tether_desktop.ui.models.speed_words import rate_text
from tether_desktop.ui.number_text import duration_text
from tether_desktop.ui.translation import counted, mark, translate

AnswerState = Literal[
    "", "asked", "queued", "loading_model", "reading_prompt", "answering", "done", "stopped", "failed"
]

_STATES: dict[AnswerState, str] = {
    "asked": mark("SideAnswer", "Starting…"),
    "queued": mark("SideAnswer", "Waits until the model is free…"),
    "loading_model": mark("SideAnswer", "Loading the model…"),
    "reading_prompt": mark("SideAnswer", "Reading the question…"),
    "answering": mark("SideAnswer", "Answering…"),
    "stopped": mark("SideAnswer", "Stopped"),
}


@dataclass(frozen=True, slots=True)
class SideAnswer:
    """What has come so far.

    Attributes:
        state: what it is doing; empty before anything was asked.
        session_id: the temporary session it is in; empty until that is there.
        text, thoughts: what the model said, and thought.
        progress: 0..1 of loading or reading, or None.
        usage, timings: of an answer that is complete.
        error: why it failed.
    """

    state: AnswerState = ""
    session_id: str = ""
    text: str = ""
    thoughts: str = ""
    progress: float | None = None
    usage: Usage | None = None
    timings: Timings | None = None
    error: TetherError | None = None

    @property
    def running(self) -> bool:
        """Whether more may come."""
        return self.state in {"asked", "queued", "loading_model", "reading_prompt", "answering"}

    @property
    def state_text(self) -> str:
        """What it is doing; empty where its text says enough."""
        words = translate("SideAnswer", _STATES[self.state]) if self.state in _STATES else ""
        return f"{words} {int(self.progress * 100)} %" if words and self.running and self.progress else words

    @property
    def figures(self) -> str:
        """Time to the first token, speed, and how much it wrote; empty until it is complete."""
        if self.usage is None or self.timings is None:
            return ""
        rate, timings = decode_rate(self.usage, self.timings), self.timings
        first = translate("SideAnswer", "First word after {time}").format(time=duration_text(timings.first_token_s))
        total = counted("SideAnswer", "%n token(s) in {time}", self.usage.completion_tokens)
        written = total.format(time=duration_text(timings.first_token_s + timings.decode_s))
        return " · ".join(filter(None, (first, rate_text(rate) if rate else "", written)))

    def after(self, events: Iterable[Event]) -> SideAnswer:
        """The same after these events."""
        answer = self
        for event in events:
            answer = replace(answer, **_change(answer, event))
        return answer


def _change(answer: SideAnswer, event: Event) -> dict[str, Any]:
    """What an event changes of an answer."""
    match event:
        case Token(content):
            change: dict[str, Any] = {"state": "answering", "text": answer.text + content}
        case HiddenThought(content):
            change = {"state": "answering", "thoughts": answer.thoughts + content}
        case Status("queued" | "loading_model" | "reading_prompt" as stage, progress):
            return {"state": stage, "progress": progress}
        case Done(_, usage, timings):
            change = {"state": "done", "usage": usage, "timings": timings}
        case Cancelled():
            change = {"state": "stopped"}
        case ErrorEvent(message, _, title, hint):
            change = {"state": "failed", "error": TetherError(title, message, hint)}
        case _:
            return {}
    return {**change, "progress": None}
