"""What a turn emits: dataclasses in code, one NDJSON line each on the wire, one name for both."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from dataclasses import fields as dataclass_fields
from typing import Any, ClassVar, Literal, get_args

from tether_desktop.messages import FinishReason, Phase, Timings, Usage

Stage = Literal["queued", "loading_model", "summing_up", "reading_prompt", "generating", "calling"]
"""What a person waits through.

"summing_up" is while old messages that no longer fit are summed up, "calling" while a model writes a call, of which
nothing is visible.
"""


@dataclass(frozen=True, slots=True)
class Token:
    """Visible text."""

    type: ClassVar[str] = "token"
    content: str


@dataclass(frozen=True, slots=True)
class HiddenThought:
    """Text inside ``<think>``, ``<reflection>`` or the model's own reasoning channel."""

    type: ClassVar[str] = "hidden_thought"
    content: str
    phase: Phase = "pre_tool"


@dataclass(frozen=True, slots=True)
class ToolStart:
    """A call was parsed and is about to run, or is refused at once.

    ``text`` is what the model wrote, when that is no call that can be understood.
    """

    type: ClassVar[str] = "tool_start"
    id: str
    name: str
    arguments: dict[str, Any] = field(default_factory=dict)
    text: str = ""


@dataclass(frozen=True, slots=True)
class ToolProgress:
    """A long tool reports; ``progress`` is 0..1, or None when unknown."""

    type: ClassVar[str] = "tool_progress"
    id: str
    message: str
    progress: float | None = None


@dataclass(frozen=True, slots=True)
class ToolEnd:
    """A tool failed or succeeded; the model sees both.

    ``seconds`` is how long it ran; None where it did not run.
    """

    type: ClassVar[str] = "tool_end"
    id: str
    name: str
    result: str
    is_error: bool = False
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class ErrorEvent:
    """The turn failed; what was said so far is stored.

    ``title`` and ``hint`` carry the rest of a TetherError, so that every client can tell a person
    what happened and what to do.
    """

    type: ClassVar[str] = "error"
    message: str
    code: str
    title: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The user stopped the turn; what was said so far is stored."""

    type: ClassVar[str] = "cancelled"


@dataclass(frozen=True, slots=True)
class Done:
    """The turn is complete and stored."""

    type: ClassVar[str] = "done"
    finish_reason: FinishReason
    usage: Usage
    timings: Timings


@dataclass(frozen=True, slots=True)
class Status:
    """Anything a person would otherwise wait through; ``progress`` is 0..1 or None."""

    type: ClassVar[str] = "status"
    stage: Stage
    progress: float | None = None


@dataclass(frozen=True, slots=True)
class ToolApproval:
    """The turn waits for the person to allow a call; ``tool_start`` follows if they do, else ``tool_end``.

    ``origin`` says where the tool is from, for people.
    """

    type: ClassVar[str] = "tool_approval"
    id: str
    name: str
    arguments: dict[str, Any]
    origin: str


@dataclass(frozen=True, slots=True)
class ContextTrimmed:
    """Old messages were left out of the prompt; counts are in messages and tokens.

    ``summary`` is what the model reads in their place; empty for nothing.
    """

    type: ClassVar[str] = "context_trimmed"
    dropped_messages: int
    kept_tokens: int
    window: int
    summary: str = ""


@dataclass(frozen=True, slots=True)
class Title:
    """The session got its name."""

    type: ClassVar[str] = "title"
    title: str


Event = (
    Token
    | HiddenThought
    | ToolStart
    | ToolProgress
    | ToolEnd
    | ErrorEvent
    | Cancelled
    | Done
    | Status
    | ToolApproval
    | ContextTrimmed
    | Title
)

TERMINAL_EVENTS = (ErrorEvent, Cancelled, Done)
"""Exactly one event of these ends every stream."""

_KINDS: dict[str, Any] = {kind.type: kind for kind in get_args(Event)}


def to_wire(event: Event) -> dict[str, Any]:
    """The event as the JSON object that is sent: ``type`` first, then its fields."""
    return {"type": event.type, **asdict(event)}


def from_wire(fields: Mapping[str, Any]) -> Event:
    """The event of :func:`to_wire`; fields of other versions are left out.

    Raises:
        KeyError, TypeError: it is none.
    """
    kind = _KINDS[fields["type"]]
    known = {field.name for field in dataclass_fields(kind)}
    values = {name: value for name, value in fields.items() if name in known}
    if kind is Done:
        values |= {"usage": Usage(**values["usage"]), "timings": Timings(**values["timings"])}
    event: Event = kind(**values)
    return event


def to_ndjson(event: Event) -> str:
    """The event as one line of NDJSON, newline included."""
    return json.dumps(to_wire(event), ensure_ascii=False) + "\n"
