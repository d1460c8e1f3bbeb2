"""Thoughts and calls between the visible text of a reply: from stored parts, and changed by events."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import assert_never

from tether_desktop.messages import Attachment, Part, Reasoning, Text, ToolCall, ToolResult
from tether_desktop.protocol.tool_use import DENIED, STOPPED
from tether_desktop.ui.chat.message_view import OPEN_CALLS, Aside, CallState, CallView, Thoughts

Asides = tuple[Aside, ...]


def asides_of(parts: Iterable[Part]) -> Asides:
    """What stands between the visible text of a stored reply; a call without a result was interrupted."""
    asides: Asides = ()
    at = 0
    for part in parts:
        match part:
            case Text():
                at += len(part.text)
            case Reasoning():
                asides = with_thought(asides, at, part.text, part.seconds)
            case ToolCall():
                call = CallView(at, part.id, part.name, part.arguments, part.text, "interrupted")
                asides = (*asides, call)
            case ToolResult():
                asides = with_result(asides, part.id, part.result, is_error=part.is_error, seconds=part.seconds)
            case Attachment():
                pass  # files go with questions, which have nothing between their text
            case _:
                assert_never(part)
    return asides


def with_thought(asides: Asides, at: int, text: str, seconds: float | None) -> Asides:
    """The asides with more thoughts; those that follow others directly belong to them."""
    last = asides[-1] if asides else None
    if not isinstance(last, Thoughts) or last.at != at:
        return (*asides, Thoughts(at, text, seconds))
    together = None if last.seconds is None and seconds is None else (last.seconds or 0.0) + (seconds or 0.0)
    return (*asides[:-1], Thoughts(at, last.text + text, together))


def with_call(asides: Asides, call_id: str, change: Callable[[CallView], CallView]) -> Asides:
    """The asides with one call changed."""
    return tuple(change(each) if isinstance(each, CallView) and each.id == call_id else each for each in asides)


def with_result(asides: Asides, call_id: str, result: str, *, is_error: bool, seconds: float | None = None) -> Asides:
    """The asides with one call ended; ``seconds`` is how long it ran, when known."""

    def end(call: CallView) -> CallView:
        state = _end_state(result, is_error=is_error)
        bare = replace(call, origin="", message="", progress=None)
        return replace(bare, state=state, result=result, seconds=seconds)

    return with_call(asides, call_id, end)


def _end_state(result: str, *, is_error: bool) -> CallState:
    if not is_error:
        return "done"
    refusals: dict[str, CallState] = {DENIED: "declined", STOPPED: "interrupted"}
    return refusals.get(result, "failed")


def begin_call(asides: Asides, call: CallView) -> Asides:
    """The asides with a call at the end, or with the one that waited for permission changed in its place."""
    if any(isinstance(each, CallView) and each.id == call.id for each in asides):
        return with_call(asides, call.id, lambda waiting: replace(call, at=waiting.at))
    return (*asides, call)


def interrupt_calls(asides: Asides) -> Asides:
    """The asides when nothing more comes of the calls that have no result yet."""
    for each in asides:
        if isinstance(each, CallView) and each.state in OPEN_CALLS:
            asides = with_call(asides, each.id, _interrupted)
    return asides


def _interrupted(call: CallView) -> CallView:
    return replace(call, state="interrupted", origin="", message="", progress=None)
