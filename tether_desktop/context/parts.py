"""Message parts as the JSON that is stored."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

from tether_desktop.messages import Attachment, Part, Reasoning, Text, ToolCall, ToolResult

_KINDS: dict[str, type[Part]] = {
    "text": Text,
    "reasoning": Reasoning,
    "tool_call": ToolCall,
    "tool_result": ToolResult,
    "attachment": Attachment,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}
_FIELDS = {kind: {field.name for field in fields(kind)} for kind in _NAMES}


def dump_parts(parts: Sequence[Part]) -> str:
    """A JSON array, one object with a ``type`` per part."""
    items = [part_json(part) for part in parts]
    text = json.dumps(items, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:
        # Half a surrogate pair cannot be stored as UTF-8, but its JSON escape can, and comes back the same.
        return json.dumps(items, separators=(",", ":"))
    return text


def load_parts(stored: str) -> tuple[Part, ...]:
    """The parts of :func:`dump_parts`.

    What cannot be understood (a damaged row, a part of a kind this version does not know) becomes a
    Text of the raw JSON: one bad row must not hide a conversation, nor be dropped silently.
    """
    try:
        items = json.loads(stored)
    except ValueError:
        return (Text(stored),)
    return tuple([part_from_json(item) for item in items]) if isinstance(items, list) else (Text(stored),)


def part_json(part: Part) -> dict[str, Any]:
    """A part as a JSON object: its ``type``, then its fields."""
    return {"type": _NAMES[type(part)], **asdict(part)}


def part_from_json(item: Any) -> Part:
    """The part of :func:`part_json`; a Text of the raw JSON where it cannot be understood."""
    try:
        kind = _KINDS[item["type"]]
        known = _FIELDS[kind]
        return kind(**{key: value for key, value in item.items() if key in known})
    except (KeyError, TypeError):
        return Text(json.dumps(item, ensure_ascii=False))
