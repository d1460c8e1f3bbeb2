"""What the chat view shows of one message: a value without Qt, the view's whole vocabulary."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from tether_desktop.messages import Attachment, Timings, Usage, decode_rate

ViewRole = Literal["user", "assistant"]
ViewState = Literal[
    "waiting",
    "loading",
    "reading",
    "thinking",
    "streaming",
    "preparing",
    "calling",
    "done",
    "cut_off",
    "cancelled",
    "error",
]
CallState = Literal["waiting", "answered", "running", "done", "failed", "declined", "interrupted"]

RUNNING_STATES: frozenset[ViewState] = frozenset(
    {"waiting", "loading", "reading", "thinking", "streaming", "preparing", "calling"}
)
"""States in which more of the reply may still come."""

OPEN_CALLS: frozenset[CallState] = frozenset({"waiting", "answered", "running"})
"""States in which a call has no result yet."""


@dataclass(frozen=True, slots=True)
class Thoughts:
    """Hidden thoughts, shown in a fold that starts closed.

    Attributes:
        at: before which character of the visible text they stand.
        seconds: how long the model thought, when known.
    """

    at: int
    text: str
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class CallView:
    """A tool call, shown as a card.

    Attributes:
        at: before which character of the visible text it stands.
        text: what the model wrote, when that is no call that can be understood.
        origin: where the tool is from, as the question whether it may run says it; empty otherwise.
        message: how a running tool says it goes.
        progress: 0..1 of a running tool, or None when unknown.
        seconds: how long the tool ran, when known.
        result: what it answered, or why it did not.
    """

    at: int
    id: str
    name: str
    arguments: dict[str, Any] = field(default_factory=dict)
    text: str = ""
    state: CallState = "running"
    origin: str = ""
    message: str = ""
    progress: float | None = None
    seconds: float | None = None
    result: str = ""


Aside = Thoughts | CallView
"""What stands between the visible text."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What a reply took.

    Attributes:
        model: the model's whole name.
        usage: how many tokens; None when that was not told.
        timings: how long; None when that was not told.
    """

    model: str = ""
    usage: Usage | None = None
    timings: Timings | None = None

    @property
    def rate(self) -> float | None:
        """Tokens per second, or None when too few were generated to tell."""
        return decode_rate(self.usage, self.timings) if self.usage and self.timings else None


@dataclass(frozen=True, slots=True)
class MessageView:
    """One message as it is shown.

    Attributes:
        id: the message's identity in the store, or any name that is unique in the view.
        role: who speaks; decides between a bubble and a full-width reply.
        text: all of the visible text, Markdown for replies.
        asides: thoughts and tool calls, in order; each knows where in the text it stands.
        model: the model's name, the bold part of a reply's header.
        meta: what follows it in the header ("Q4_1 · 87 tok/s").
        state: what the reply is doing; user messages are always ``done``.
        progress: 0..1 for ``loading`` and ``reading``, or None when unknown.
        error_title: heading of the error card; like the two below only for ``error``.
        error_message: what happened.
        error_hint: what to do about it; may be empty.
        error_code: its kind, for a report; empty when that is not known any more.
        version: which of the message's versions this is, from 1.
        versions: how many there are.
        notice: a line above the reply that must not be missed (messages left out of the prompt).
        attachments: the files that go with a question.
        figures: what the reply took; empty while it runs.
    """

    id: str
    role: ViewRole
    text: str = ""
    asides: tuple[Aside, ...] = ()
    model: str = ""
    meta: str = ""
    state: ViewState = "done"
    progress: float | None = None
    error_title: str = ""
    error_message: str = ""
    error_hint: str = ""
    error_code: str = ""
    version: int = 1
    versions: int = 1
    notice: str = ""
    attachments: tuple[Attachment, ...] = ()
    figures: Figures = Figures()

    @property
    def running(self) -> bool:
        """Whether more of the reply may still come."""
        return self.state in RUNNING_STATES

    @property
    def can_go_on(self) -> bool:
        """Whether it is a reply that ended before it was finished."""
        return self.role == "assistant" and self.state in {"cut_off", "cancelled", "error"}

    @property
    def reasoning(self) -> str:
        """All hidden thoughts joined."""
        return "".join(aside.text for aside in self.asides if isinstance(aside, Thoughts))

    @property
    def calls(self) -> tuple[CallView, ...]:
        """The tool calls, in order."""
        return tuple(aside for aside in self.asides if isinstance(aside, CallView))

    @property
    def waiting_calls(self) -> tuple[CallView, ...]:
        """The tool calls that wait for the person's permission."""
        return tuple(call for call in self.calls if call.state == "waiting")

    @property
    def ends_with_text(self) -> bool:
        """Whether visible text is the last that came."""
        return bool(self.text[self.asides[-1].at :].strip()) if self.asides else bool(self.text)

    def sections(self) -> Iterator[str | Aside]:
        """Stretches of visible text, thoughts and calls in the order in which they are shown."""
        start = 0
        for aside in self.asides:
            if self.text[start : aside.at].strip():
                yield self.text[start : aside.at]
            yield aside
            start = aside.at
        if self.text[start:].strip():
            yield self.text[start:]
