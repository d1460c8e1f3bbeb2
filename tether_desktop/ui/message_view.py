"""What the chat view shows of one message: a value without Qt, the view's whole vocabulary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ViewRole = Literal["user", "assistant"]
ViewState = Literal["waiting", "loading", "reading", "thinking", "streaming", "done", "cut_off", "cancelled", "error"]

RUNNING_STATES: frozenset[ViewState] = frozenset({"waiting", "loading", "reading", "thinking", "streaming"})
"""States in which more of the reply may still come."""


@dataclass(frozen=True, slots=True)
class MessageView:
    """One message as it is shown.

    Attributes:
        id: the message's identity in the store, or any name that is unique in the view.
        role: who speaks; decides between a bubble and a full-width reply.
        text: the visible text, Markdown for replies.
        reasoning: hidden thoughts, shown in a fold that starts closed.
        thinking_seconds: how long the model thought, when known.
        model: the model's name, the bold part of a reply's header.
        meta: what follows it in the header ("Q4_1 · 87 tok/s").
        state: what the reply is doing; user messages are always ``done``.
        progress: 0..1 for ``loading`` and ``reading``, or None when unknown.
        error_title: heading of the error card; like the two below only for ``error``.
        error_message: what happened.
        error_hint: what to do about it; may be empty.
        version: which of the message's versions this is, from 1.
        versions: how many there are.
        notice: a line above the reply that must not be missed (messages left out of the prompt).
    """

    id: str
    role: ViewRole
    text: str = ""
    reasoning: str = ""
    thinking_seconds: float | None = None
    model: str = ""
    meta: str = ""
    state: ViewState = "done"
    progress: float | None = None
    error_title: str = ""
    error_message: str = ""
    error_hint: str = ""
    version: int = 1
    versions: int = 1
    notice: str = ""

    @property
    def running(self) -> bool:
        """Whether more of the reply may still come."""
        return self.state in RUNNING_STATES
