"""Turns with calls in them, from the events that a reader gets to what is stored and what the model was given."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from tests.helpers.clock import VirtualClock
from tests.helpers.rooms import Rooms
from tether_desktop.events import (
    TERMINAL_EVENTS,
    Cancelled,
    Done,
    ErrorEvent,
    Event,
    HiddenThought,
    Token,
    ToolApproval,
    ToolEnd,
    ToolProgress,
    ToolStart,
)
from tether_desktop.messages import Reasoning, Text, ToolCall, ToolChoice, ToolResult
from tether_desktop.model.engine import EngineSpec, GenerationChunk, GenerationRequest
from tether_desktop.model.scripted.engine import ScriptedEngine
from tether_desktop.protocol.tool_use import ToolUse
from tether_desktop.protocol.turn import Turn

ATTENDED = ToolUse(ToolChoice("auto"), attended=True)
UNASKED = ToolUse(ToolChoice("auto"))
NO_TOOLS = ToolUse(ToolChoice("none"))

Script = list[dict[str, Any]]


def call(name: str, **arguments: Any) -> str:
    """A call as a model writes it."""
    return "<<function_call>> " + json.dumps({"name": name, "arguments": arguments})


def says(*rounds: str, size: int = 0) -> Script:
    """A script whose rounds come one after the other, in pieces of ``size`` characters where that is given."""
    question, *others = [_steps(text, size) for text in rounds]
    return [{"match": ".", "steps": question}, *({"after_tool": True, "steps": steps} for steps in others)]


def _steps(text: str, size: int) -> list[Any]:
    return [text[start : start + size] for start in range(0, len(text), size)] if size else [{"text": text}]


def told(events: list[Event]) -> list[Event]:
    """What is told of calls, and how the turn ends."""
    kept = (ToolApproval, ToolStart, ToolProgress, ToolEnd, *TERMINAL_EVENTS)
    return [event for event in events if isinstance(event, kept)]


def ends(events: list[Event]) -> list[ToolEnd]:
    """How each call has ended."""
    return [event for event in events if isinstance(event, ToolEnd)]


def visible(events: list[Event]) -> str:
    """The text that a person has seen."""
    return "".join(event.content for event in events if isinstance(event, Token))


def ending(events: list[Event]) -> Done | Cancelled | ErrorEvent:
    """The one terminal event, with which all ends."""
    (event,) = [event for event in events if isinstance(event, TERMINAL_EVENTS)]
    assert event is events[-1]
    assert isinstance(event, Done | Cancelled | ErrorEvent)
    return event


def streamed_parts(events: list[Event]) -> list[tuple[str, str]]:
    """The reply as a reader of the events puts it together: kind and content."""
    parts: list[tuple[str, str]] = []
    seen = set()
    for event in events:
        match event:
            case Token(content):
                _go_on(parts, "text", content)
            case HiddenThought(content, phase):
                _go_on(parts, f"thought {phase}", content)
            case ToolApproval(id) | ToolStart(id) if id not in seen:
                seen.add(id)
                text = event.text if isinstance(event, ToolStart) else ""
                parts.append(("call", f"{id} {event.name} {event.arguments} {text}"))
            case ToolEnd(id, name, result, is_error):
                parts.append(("result", f"{id} {name} {result} {is_error}"))
    return parts


def _go_on(parts: list[tuple[str, str]], kind: str, content: str) -> None:
    if parts and parts[-1][0] == kind:
        parts[-1] = (kind, parts[-1][1] + content)
    else:
        parts.append((kind, content))


def stored_parts(turn: Turn) -> list[tuple[str, str]]:
    """The reply as it is stored, in the same form."""
    parts: list[tuple[str, str]] = []
    for part in turn.reply.message.parts:
        match part:
            case Text(text):
                parts.append(("text", text))
            case Reasoning(text, phase):
                parts.append((f"thought {phase}", text))
            case ToolCall(id, name, arguments, text):
                parts.append(("call", f"{id} {name} {arguments} {text}"))
            case ToolResult(id, name, result, is_error):
                parts.append(("result", f"{id} {name} {result} {is_error}"))
    return parts


async def assert_whole(rooms: Rooms, turn: Turn, events: list[Event]) -> None:
    """One end of the turn and of every call, and a stored reply that is what was streamed."""
    ending(events)
    introduced = {event.id for event in events if isinstance(event, ToolApproval | ToolStart)}
    assert sorted(end.id for end in ends(events)) == sorted(introduced)
    assert streamed_parts(events) == stored_parts(turn)
    stored = (await rooms.sessions.history(turn.session_id))[-1]
    assert stored == turn.reply


class Listening:
    """Makes scripted engines that keep what they were asked.

    Attributes:
        requests: in order, of all engines.
        speaking: how many replies are being made.
    """

    def __init__(self) -> None:
        self.requests: list[GenerationRequest] = []
        self.speaking = 0

    def __call__(self, spec: EngineSpec) -> ScriptedEngine:
        """An engine."""
        return _ListeningEngine(spec, self)

    def prompts(self) -> list[str]:
        """The text of each prompt."""
        return ["".join(piece.text for piece in request.prompt) for request in self.requests]

    def written(self) -> list[str]:
        """The text of each prompt in which special tokens count as such."""
        return ["".join(piece.text for piece in request.prompt if not piece.literal) for request in self.requests]


class _ListeningEngine(ScriptedEngine):
    def __init__(self, spec: EngineSpec, heard: Listening) -> None:
        super().__init__(spec, clock=VirtualClock())
        self._heard = heard

    async def generate(self, request: GenerationRequest) -> AsyncGenerator[GenerationChunk, None]:
        self._heard.requests.append(request)
        self._heard.speaking += 1
        try:
            async with aclosing(super().generate(request)) as chunks:
                async for chunk in chunks:
                    yield chunk
        finally:
            self._heard.speaking -= 1
