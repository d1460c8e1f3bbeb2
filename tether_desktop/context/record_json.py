"""Sessions and messages as the JSON that leaves the program: on the local port, in exports, from the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from tether_desktop.context.parts import part_from_json, part_json
from tether_desktop.context.records import FolderRecord, MessageRecord, SearchHit, SessionRecord
from tether_desktop.messages import Message, Timings, Usage


def session_json(record: SessionRecord) -> dict[str, Any]:
    """A session; times are ISO 8601 with their offset."""
    # Written out, since dataclasses.asdict takes thirty times as long, and lists have many.
    return {
        "session_id": record.id,
        "title": record.title,
        "model": record.model,
        "head_id": record.head_id,
        "created_at": record.created_at.isoformat(),
        "last_active": record.last_active.isoformat(),
        "deleted_at": record.deleted_at.isoformat() if record.deleted_at else None,
        "pinned": record.pinned,
        "archived": record.archived,
        "folder_id": record.folder_id,
        "unread": record.unread,
        "persona": record.persona,
        "overrides": dict(record.overrides),
    }


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
        archived=fields.get("archived", False),
        folder_id=fields.get("folder_id"),
        unread=fields.get("unread", False),
        persona=fields.get("persona", ""),
        overrides=fields.get("overrides", {}),
    )


def folder_json(record: FolderRecord) -> dict[str, Any]:
    """A folder."""
    return {"folder_id": record.id, "name": record.name, "created_at": record.created_at.isoformat()}


def message_json(record: MessageRecord) -> dict[str, Any]:
    """A message: ``content`` is its visible text, ``parts`` all of it in order, each with its ``type``."""
    said = record.message
    return {
        "id": record.id,
        "role": said.role,
        "content": said.text,
        "created_at": record.created_at.isoformat(),
        "parts": [part_json(part) for part in said.parts],
        "session_id": record.session_id,
        "parent_id": record.parent_id,
        "model": record.model,
        "finish_reason": record.finish_reason,
        "usage": asdict(record.usage) if record.usage else None,
        "timings": asdict(record.timings) if record.timings else None,
        "error": record.error,
        "tokens": record.tokens,
        "version": record.version,
        "versions": record.versions,
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
    return {**asdict(hit), "created_at": hit.created_at.isoformat()}


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
        where=fields.get("where", "message"),
        attachment=fields.get("attachment", ""),
    )
