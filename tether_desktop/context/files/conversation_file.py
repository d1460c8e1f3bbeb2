"""The format of our own files: what a conversation in one has to be, field by field."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, get_args

from tether_desktop.context.files.import_faults import Unfit
from tether_desktop.context.files.timeline import in_order
from tether_desktop.context.record_json import message_from_json, session_from_json
from tether_desktop.context.records import Conversation, MessageRecord, ToolRule
from tether_desktop.messages import FinishReason, Phase, Role

FORMAT: Final = "tether-conversations"
VERSION: Final = 1

_LARGEST_COUNT = 2**31 - 1
_LARGEST_FILE = 2**53
_LONGEST_S = 1e12
_DEEPEST = 50
"""Lists and objects within each other in the arguments of a call."""


def settled(record: MessageRecord) -> MessageRecord:
    """The message as it is in a file: a reply that is being written is one that was stopped there."""
    is_open = record.message.role == "assistant" and record.finish_reason is None
    return replace(record, finish_reason="cancelled") if is_open else record


def portable_rules(rules: Mapping[str, ToolRule]) -> dict[str, ToolRule]:
    """What may travel in a file of what was said about tools: a file that allows calls would be a way to run them."""
    return {tool: rule for tool, rule in rules.items() if rule == "never"}


def conversation_of(item: Any) -> Conversation:
    """The conversation of an element of ``sessions``.

    Raises:
        Unfit: it is none.
    """
    _check(item, _SESSION, "The conversation")
    for place, message in enumerate(item["messages"], start=1):
        _check(message, _MESSAGE, f"Message {place}")
        for part in message["parts"]:
            _check_part(part, f"A part of message {place}")
    session = session_from_json({"model": "", "head_id": None, **item})
    fields_of = ({"parent_id": None, **message, "session_id": session.id} for message in item["messages"])
    messages = in_order([settled(message_from_json(fields)) for fields in fields_of])
    if session.head_id not in {message.id for message in messages}:
        session = replace(session, head_id=messages[-1].id if messages else None)
    if messages:
        session = replace(session, last_active=max(session.last_active, messages[-1].created_at))
    session = replace(session, folder_id=None)  # an id of another database
    return Conversation(session, messages, portable_rules(item.get("tool_rules", {})), item.get("folder", ""))


@dataclass(frozen=True, slots=True)
class _Field:
    """What a field has to hold.

    Attributes:
        words: that, for people.
        holds: whether a value is it.
        required: whether it has to be there.
    """

    words: str
    holds: Callable[[Any], bool]
    required: bool = True


def _check(item: Any, fields: Mapping[str, _Field], what: str) -> None:
    if not isinstance(item, dict):
        raise Unfit(f"{what} is no JSON object.")
    for name, field in fields.items():
        if name in item:
            if not field.holds(item[name]):
                raise Unfit(f"{what} has a “{name}” that is not {field.words}.")
        elif field.required:
            raise Unfit(f"{what} has no “{name}”.")


def _check_part(part: Any, what: str) -> None:
    kind = part.get("type") if isinstance(part, dict) else None
    fields = _PARTS.get(kind) if isinstance(kind, str) else None
    if fields is None:
        raise Unfit(f"{what} is of no kind that is known.")
    _check(part, fields, what)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_truth(value: Any) -> bool:
    return isinstance(value, bool)


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LARGEST_COUNT


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LARGEST_FILE


def _is_duration(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _LONGEST_S


def _is_time(value: Any) -> bool:
    try:
        time = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return False
    # Times are moved on by a little where messages have the same, and to UTC; there is no year 0 or 10,000.
    return time.tzinfo is not None and 1 < time.year < 9999


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def are_arguments(value: Any) -> bool:
    """Whether something from a JSON file can be the arguments of a call: an object, and not nested beyond measure."""
    level: list[Any] = [value] if isinstance(value, dict) else []
    for _ in range(_DEEPEST):
        inner = (each.values() if isinstance(each, dict) else each for each in level)
        level = [each for values in inner for each in values if isinstance(each, dict | list)]
    return isinstance(value, dict) and not level


def _is_rules(value: Any) -> bool:
    return isinstance(value, dict) and all(
        re.fullmatch(r"[A-Za-z0-9_-]{1,64}", tool) and rule in get_args(ToolRule) for tool, rule in value.items()
    )


def _holds_all(names: tuple[str, ...], holds: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, dict) and value.keys() == set(names) and all(map(holds, value.values()))


def _one_of(values: tuple[str, ...]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and value in values


def _or_null(holds: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or holds(value)


_ID = _Field("a text that is not empty", _is_id)
_MAYBE_ID = _Field("a text that is not empty, or null", _or_null(_is_id), required=False)
_TEXT = _Field("a text", _is_text)
_MAYBE_TEXT = replace(_TEXT, required=False)
_TIME = _Field("a time with its offset, such as 2026-01-31T12:00:00+00:00", _is_time)
_LIST = _Field("an array", _is_list)
_TRUTH = _Field("true or false", _is_truth, required=False)

_SESSION = {
    "session_id": _ID,
    "title": _TEXT,
    "model": _MAYBE_TEXT,
    "head_id": _MAYBE_ID,
    "created_at": _TIME,
    "last_active": _TIME,
    "deleted_at": _Field(f"{_TIME.words}, or null", _or_null(_is_time), required=False),
    "pinned": _TRUTH,
    "archived": _TRUTH,
    "unread": _TRUTH,
    "folder": _MAYBE_TEXT,
    "persona": _MAYBE_TEXT,
    "overrides": _Field(f"an object of at most {_DEEPEST} levels", are_arguments, required=False),
    "tool_rules": _Field("an object of tools that are “always” or “never” called", _is_rules, required=False),
    "messages": _LIST,
}

_MESSAGE = {
    "id": _ID,
    "parent_id": _MAYBE_ID,
    "role": _Field(f"one of {', '.join(get_args(Role))}", _one_of(get_args(Role))),
    "created_at": _TIME,
    "parts": _LIST,
    "model": _MAYBE_TEXT,
    "finish_reason": _Field(
        f"one of {', '.join(get_args(FinishReason))}, or null",
        _or_null(_one_of(get_args(FinishReason))),
        required=False,
    ),
    "usage": _Field(
        "an object of three counts, or null",
        _or_null(_holds_all(("prompt_tokens", "cached_tokens", "completion_tokens"), _is_count)),
        required=False,
    ),
    "timings": _Field(
        "an object of four durations, or null",
        _or_null(_holds_all(("queued_s", "prefill_s", "first_token_s", "decode_s"), _is_duration)),
        required=False,
    ),
    "error": _MAYBE_TEXT,
    "tokens": _Field("a count, or null", _or_null(_is_count), required=False),
}

_PARTS: Mapping[str, Mapping[str, _Field]] = {
    "text": {"text": _TEXT},
    "reasoning": {
        "text": _TEXT,
        "phase": _Field(f"one of {', '.join(get_args(Phase))}", _one_of(get_args(Phase)), required=False),
        "seconds": _Field("a duration, or null", _or_null(_is_duration), required=False),
    },
    "tool_call": {
        "id": _TEXT,
        "name": _TEXT,
        "arguments": _Field(f"an object of at most {_DEEPEST} levels", are_arguments, required=False),
        "text": _MAYBE_TEXT,
    },
    "tool_result": {
        "id": _TEXT,
        "name": _TEXT,
        "result": _TEXT,
        "is_error": _TRUTH,
        "seconds": _Field("a duration, or null", _or_null(_is_duration), required=False),
    },
    "attachment": {
        "name": _TEXT,
        "text": _TEXT,
        "media_type": _MAYBE_TEXT,
        "size": _Field("a count", _is_size, required=False),
    },
}
