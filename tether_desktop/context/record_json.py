"""Sessions and messages as the JSON that leaves the program: on the local port, in exports, from the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from tether_desktop.context.parts import part_from_json, part_json
from tether_desktop.context.records import MessageRecord, SearchHit, SessionRecord
from tether_desktop.messages import Message, Timings, Usage


def session_json(record: SessionRecord) -> dict[str, Any]:
    """A session; times are ISO 8601 with their offset."""
    fields = _with_iso_times(asdict(record))
    return {"session_id": fields.pop("id"), **fields}


def session_from_json(fields: Mapping[str, Any]) -> SessionRecord:
    """The session of :func:`session_json`; fields of other versions are left out.

    Raises:
        KeyError, TypeError, ValueError: it is none.
    """
    deleted_at = fields.get("deleted_at")
    return SessionRecord(
        id=fields["session_id"],
        title=fields["title"],
        model=fields["model"],
        head_id=fields["head_id"],
        created_at=datetime.fromisoformat(fields["created_at"]),
        last_active=datetime.fromisoformat(fields["last_active"]),
        deleted_at=datetime.fromisoformat(deleted_at) if deleted_at else None,
        pinned=fields.get("pinned", False),
    )


def message_json(record: MessageRecord) -> dict[str, Any]:
    """A message: ``content`` is its visible text, ``parts`` all of it in order, each with its ``type``."""
    fields = _with_iso_times(asdict(record))
    del fields["message"]
    said = record.message
    return {
        "id": fields.pop("id"),
        "role": said.role,
        "content": said.text,
        "created_at": fields.pop("created_at"),
        "parts": [part_json(part) for part in said.parts],
        **fields,
    }


def message_from_json(fields: Mapping[str, Any]) -> MessageRecord:
    """The message of :func:`message_json`; fields of other versions are left out.

    Raises:
        KeyError, TypeError, ValueError: it is none.
    """
    usage, timings = fields.get("usage"), fields.get("timings")
    return MessageRecord(
        id=fields["id"],
        session_id=fields["session_id"],
        parent_id=fields["parent_id"],
        message=Message(fields["role"], tuple(part_from_json(part) for part in fields["parts"])),
        created_at=datetime.fromisoformat(fields["created_at"]),
        model=fields.get("model", ""),
        finish_reason=fields.get("finish_reason"),
        usage=Usage(**usage) if usage else None,
        timings=Timings(**timings) if timings else None,
        error=fields.get("error", ""),
        tokens=fields.get("tokens"),
        version=fields.get("version", 1),
        versions=fields.get("versions", 1),
    )


def hit_json(hit: SearchHit) -> dict[str, Any]:
    """A search hit."""
    return _with_iso_times(asdict(hit))


def hit_from_json(fields: Mapping[str, Any]) -> SearchHit:
    """The hit of :func:`hit_json`.

    Raises:
        KeyError, TypeError, ValueError: it is none.
    """
    return SearchHit(
        title=fields["title"],
        session_id=fields["session_id"],
        message_id=fields["message_id"],
        role=fields["role"],
        created_at=datetime.fromisoformat(fields["created_at"]),
        excerpt=fields["excerpt"],
        marks=tuple((start, end) for start, end in fields.get("marks", ())),
    )


def _with_iso_times(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in fields.items()}
