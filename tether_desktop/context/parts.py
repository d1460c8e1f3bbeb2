"""Message parts as the JSON that is stored."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from tether_desktop.context.records import Draft, QueuedQuestion
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


def dump_overrides(overrides: Mapping[str, Any]) -> str:
    """Values of settings as a JSON object."""
    return json.dumps(dict(overrides), ensure_ascii=True, sort_keys=True)


def load_overrides(stored: str) -> dict[str, Any]:
    """The values of :func:`dump_overrides`; none for a damaged row, which must not hide a conversation."""
    try:
        values = json.loads(stored)
    except ValueError:
        return {}
    return values if isinstance(values, dict) else {}


def dump_draft(draft: Draft) -> str:
    """A draft as a JSON object."""
    queue = [{"text": each.text, "attachments": _files_json(each.attachments)} for each in draft.queue]
    return json.dumps({"text": draft.text, "attachments": _files_json(draft.attachments), "queue": queue})


def load_draft(stored: str) -> Draft:
    """The draft of :func:`dump_draft`; of a damaged row the raw text, so that nothing is lost."""
    try:
        fields = json.loads(stored)
        queue = tuple(QueuedQuestion(each["text"], _files(each["attachments"])) for each in fields["queue"])
        return Draft(fields["text"], _files(fields["attachments"]), queue)
    except (ValueError, KeyError, TypeError, AttributeError):
        return Draft(stored)


def _files_json(attachments: Sequence[Attachment]) -> list[dict[str, Any]]:
    return [asdict(each) for each in attachments]


def _files(items: list[dict[str, Any]]) -> tuple[Attachment, ...]:
    known = _FIELDS[Attachment]
    return tuple(Attachment(**{key: value for key, value in item.items() if key in known}) for item in items)


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
