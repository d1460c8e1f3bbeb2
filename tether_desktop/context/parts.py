"""Message parts, usage and timings as the JSON that is stored."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any, TypeVar

from tether_desktop.messages import Part, Reasoning, Text, Timings, ToolCall, ToolResult, Usage

_PART_TYPES: dict[str, type[Part]] = {
    "text": Text,
    "reasoning": Reasoning,
    "tool_call": ToolCall,
    "tool_result": ToolResult,
}
_TYPE_NAMES = {kind: name for name, kind in _PART_TYPES.items()}

_FIELDS: dict[type, set[str]] = {
    kind: {field.name for field in fields(kind)} for kind in (*_PART_TYPES.values(), Usage, Timings)
}

_Value = TypeVar("_Value")
_Cost = TypeVar("_Cost", Usage, Timings)


def dump_parts(parts: Sequence[Part]) -> str:
    """A JSON array, one object with a ``type`` per part."""
    return _dump([{"type": _TYPE_NAMES[type(part)], **asdict(part)} for part in parts])


def load_parts(stored: str) -> tuple[Part, ...]:
    """The parts of :func:`dump_parts`.

    What cannot be understood (a damaged row, a part of a kind this version does not know) becomes a
    Text of the raw JSON: one bad row must not hide a conversation, nor be dropped silently.
    """
    try:
        items = json.loads(stored)
    except ValueError:
        return (Text(stored),)
    return tuple(map(_load_part, items)) if isinstance(items, list) else (Text(stored),)


def dump_cost(cost: Usage | Timings | None) -> str | None:
    """A JSON object, or None for what is not known."""
    return None if cost is None else _dump(asdict(cost))


def load_cost(kind: type[_Cost], stored: str | None) -> _Cost | None:
    """The Usage or Timings of :func:`dump_cost`; None when nothing usable is stored."""
    if stored is None:
        return None
    try:
        return _build(kind, json.loads(stored))
    except (ValueError, TypeError, AttributeError):
        return None


def _load_part(item: Any) -> Part:
    try:
        kind = _PART_TYPES[item["type"]]
        return _build(kind, item)
    except (KeyError, TypeError, AttributeError):
        return Text(_dump(item))


def _build(kind: type[_Value], item: dict[str, Any]) -> _Value:
    known = _FIELDS[kind]
    return kind(**{key: value for key, value in item.items() if key in known})


def _dump(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:
        # Half a surrogate pair cannot be stored as UTF-8, but its JSON escape can, and comes back the same.
        return json.dumps(value, separators=(",", ":"))
    return text
