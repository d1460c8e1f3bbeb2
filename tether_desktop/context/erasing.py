"""Taking conversations out of an open transaction for good: their messages, words, rules and drafts with them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, delete, select

from tether_desktop.context.search_index import forget_all, forget_sessions
from tether_desktop.context.tables import DraftTable, FolderTable, MessageTable, SessionTable, ToolRuleTable

_AT_ONCE: Final = 500


def erase_sessions(connection: Connection, session_ids: Sequence[str]) -> None:
    """Erase sessions; those that are not there are passed over."""
    for start in range(0, len(session_ids), _AT_ONCE):
        some = session_ids[start : start + _AT_ONCE]
        forget_sessions(connection, some)
        for table in (ToolRuleTable, MessageTable, DraftTable):
            connection.execute(delete(table).where(table.session_id.in_(some)))
        connection.execute(delete(SessionTable).where(SessionTable.id.in_(some)))


def find_in_bin(connection: Connection, before: datetime | None) -> Sequence[str]:
    """The ids of the sessions that were moved to the bin before a time, or of all in it; kept there until the end."""
    which = SessionTable.deleted_at.is_not(None) if before is None else SessionTable.deleted_at < before
    return connection.execute(select(SessionTable.id).where(which).with_for_update()).scalars().all()


def erase_all(connection: Connection) -> list[str]:
    """Erase every session, folder and draft; the ids of the sessions."""
    ids = connection.execute(select(SessionTable.id)).scalars().all()
    forget_all(connection)
    for table in (ToolRuleTable, MessageTable, DraftTable, SessionTable, FolderTable):
        connection.execute(delete(table))
    return list(ids)
