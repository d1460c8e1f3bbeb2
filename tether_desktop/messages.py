"""Messages, their parts, and what a reply cost: values without I/O or identity."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Role = Literal["system", "user", "assistant", "tool"]
Phase = Literal["pre_tool", "post_tool"]
FinishReason = Literal["stop", "length", "tool_calls", "cancelled", "error"]


@dataclass(frozen=True, slots=True)
class Text:
    """Visible text, exactly as it was typed or streamed."""

    text: str


@dataclass(frozen=True, slots=True)
class Reasoning:
    """A hidden thought; ``seconds`` is how long the model spent on it, when known."""

    text: str
    phase: Phase = "pre_tool"
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call the model asked for.

    Attributes:
        arguments: its parsed JSON object.
        text: what the model wrote, when that is no call that can be understood; ``name`` may be empty then.
    """

    id: str
    name: str
    arguments: dict[str, Any] = field(default_factory=dict)
    text: str = ""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool answered, as the text the model will read; ``seconds`` is how long it took, when known."""

    id: str
    name: str
    result: str
    is_error: bool = False
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a question.

    Attributes:
        name: the file's name, without a folder.
        text: what is in it, as the text the model will read.
        media_type: such as "text/markdown" or "application/pdf".
        size: of the file, in bytes.
    """

    name: str
    text: str
    media_type: str = "text/plain"
    size: int = 0


Part = Text | Reasoning | ToolCall | ToolResult | Attachment


@dataclass(frozen=True, slots=True)
class ToolDeclaration:
    """A tool as a model is told of it.

    Attributes:
        name: letters, digits, ``_`` and ``-``; at most 64 characters.
        description: what it does and when to use it, for the model.
        parameters: a JSON schema of an object.
    """

    name: str
    description: str
    parameters: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """Whether a reply may or must call tools.

    Attributes:
        mode: "none" forbids calls, "auto" leaves it to the model, "required" demands one, "named" one of ``name``.
    """

    mode: Literal["none", "auto", "required", "named"] = "auto"
    name: str = ""


MODELS_CHOICE = ToolChoice()
"""Leaves it to the model."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Token counts of one reply; of all rounds where tools were called.

    Attributes:
        prompt_tokens: tokens of the whole prompt, reused ones and what tools answered included.
        cached_tokens: prompt tokens whose KV state was there before, and not computed again.
        completion_tokens: tokens the model generated.
    """

    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Timings:
    """Durations of one reply in seconds.

    Attributes:
        queued_s: waiting for the engine (another turn, or the model being loaded).
        prefill_s: reading the part of the prompt that was not cached.
        first_token_s: from the start of the request in the engine to the first token.
        decode_s: from the first token to the last.
    """

    queued_s: float = 0.0
    prefill_s: float = 0.0
    first_token_s: float = 0.0
    decode_s: float = 0.0


def decode_rate(usage: Usage, timings: Timings) -> float | None:
    """Tokens per second while decoding, or None when too few were generated to tell."""
    if usage.completion_tokens < 2 or timings.decode_s <= 0:
        return None
    return (usage.completion_tokens - 1) / timings.decode_s


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation: who speaks, and the parts in order."""

    role: Role
    parts: tuple[Part, ...] = ()

    @property
    def text(self) -> str:
        """The visible text: all Text parts joined, without thoughts or tool traffic."""
        return "".join(part.text for part in self.parts if isinstance(part, Text))

    @property
    def attachments(self) -> tuple[Attachment, ...]:
        """The files that go with it."""
        return tuple(part for part in self.parts if isinstance(part, Attachment))

    @property
    def reasoning(self) -> str:
        """All hidden thoughts joined."""
        return "".join(part.text for part in self.parts if isinstance(part, Reasoning))


def text_message(role: Role, text: str) -> Message:
    """A message of a single Text part."""
    return Message(role, (Text(text),))
