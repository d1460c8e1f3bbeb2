"""The branch of messages that a session shows: all of it, a page of it, a copy of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import Connection, Row, RowMapping, Select, insert, literal, select

from tether_desktop.context import tree
from tether_desktop.context.kept_json import dump_overrides
from tether_desktop.context.queries import find_session, message_not_found, message_record, message_row
from tether_desktop.context.records import MessageRecord
from tether_desktop.context.search_index import index_messages
from tether_desktop.context.tables import MessageTable, SessionTable

_LONGEST_PAGE: Final = 500
"""Messages of a page that is climbed to from its end; with more of them reading the whole session is faster."""


def find_history(connection: Connection, session_id: str) -> list[MessageRecord]:
    """The branch that ends at the session's head, oldest first, in one statement for any length.

    All of the session is fetched: side branches are few, and their parts are left unparsed.

    Raises:
        SessionNotFound: there is none of that id.
    """
    head = find_session(connection, session_id).head_id
    in_session = select(MessageTable).where(MessageTable.session_id == session_id)
    rows = connection.execute(in_session.order_by(MessageTable.created_at)).all()
    links = [(row.id, row.parent_id) for row in rows]
    by_id, versions = {row.id: row for row in rows}, tree.number_versions(links)
    return [message_record(by_id[message_id], *versions[message_id]) for message_id in tree.branch(links, head)]


def find_page(connection: Connection, session_id: str, limit: int | None, before: str | None) -> list[MessageRecord]:
    """The last messages of the branch that ends at the session's head, or of what comes before one; oldest first.

    Raises:
        SessionNotFound: there is none of that id.
        MessageNotFound: the branch has no message ``before``.
    """
    end = find_session(connection, session_id).head_id
    if before is not None:
        end = _parent_on_branch(connection, end, before)
    if limit is None or limit > _LONGEST_PAGE:
        whole = find_history(connection, session_id)
        last = next((place for place, record in enumerate(whole, start=1) if record.id == end), 0)
        return whole[max(0, last - limit) if limit is not None else 0 : last]
    rows = connection.execute(_climb(end, limit)).all() if limit > 0 else []
    versions = tree.number_versions(_sibling_links(connection, session_id, rows))
    return [message_record(row, *versions[row.id]) for row in reversed(rows)]


def copy_branch(connection: Connection, session_id: str, message_id: str | None, now: datetime) -> str:
    """Begin a session with copies of the messages down to one, of those shown when it is None; returns its id.

    What is still being written is copied as far as it is there; nobody goes on with the copy, so it is a stopped reply.

    Raises:
        SessionNotFound: there is none of that id.
        MessageNotFound: the session has no such message.
    """
    original = find_session(connection, session_id)
    if message_id is not None:
        message_row(connection, message_id, session_id)
    rows = connection.execute(_climb(message_id or original.head_id)).mappings().all()[::-1]
    copy_id, copies = uuid4().hex, _copies(rows)
    values = {"id": copy_id, "title": original.title, "model": original.model, "created_at": now, "last_active": now}
    values |= {"head_id": copies[-1]["id"] if copies else None, "folder_id": original.folder_id}
    values |= {"persona": original.persona, "overrides": dump_overrides(original.overrides)}
    connection.execute(insert(SessionTable).values(values))
    if copies:
        connection.execute(insert(MessageTable), [copy | {"session_id": copy_id} for copy in copies])
        index_messages(connection, [copy["id"] for copy in copies])
    return copy_id


def _copies(rows: Sequence[RowMapping]) -> list[dict[str, Any]]:
    """The rows of a branch, oldest first, with ids of their own."""
    ids = {None: None} | {row["id"]: uuid4().hex for row in rows}
    stopped = {"finish_reason": "cancelled"}
    return [
        {**row, "id": ids[row["id"]], "parent_id": ids[row["parent_id"]]}
        | (stopped if row["role"] == "assistant" and row["finish_reason"] is None else {})
        for row in rows
    ]


def _climb(end: str | None, limit: int | None = None) -> Select[Any]:
    """Messages from one up to the first, newest first; ``limit`` of them at most."""
    start = select(MessageTable.id, MessageTable.parent_id, literal(1).label("steps")).where(MessageTable.id == end)
    climbed = start.cte("climbed", recursive=True)
    above = select(MessageTable.id, MessageTable.parent_id, climbed.c.steps + 1).where(
        MessageTable.id == climbed.c.parent_id
    )
    if limit is not None:
        above = above.where(climbed.c.steps < limit)
    climbed = climbed.union_all(above)
    return select(MessageTable).join(climbed, climbed.c.id == MessageTable.id).order_by(climbed.c.steps)


def _parent_on_branch(connection: Connection, head: str | None, message_id: str) -> str | None:
    """The parent of a message on the branch that ends at ``head``; None for the first one.

    Raises:
        MessageNotFound: the branch has no such message.
    """
    link = select(MessageTable.id, MessageTable.parent_id)
    climbed = link.where(MessageTable.id == head).cte("climbed", recursive=True)
    above = link.where(MessageTable.id == climbed.c.parent_id, climbed.c.id != message_id)
    climbed = climbed.union_all(above)
    found = connection.execute(select(climbed.c.parent_id).where(climbed.c.id == message_id)).one_or_none()
    if found is None:
        raise message_not_found(message_id)
    parent: str | None = found.parent_id
    return parent


def _sibling_links(connection: Connection, session_id: str, rows: Sequence[Row[Any]]) -> list[tree.Link]:
    """The links of messages and all their siblings, oldest first."""
    # Two statements of which each finds its rows in the index; one with OR would read the whole session.
    parents = {row.parent_id for row in rows}
    below = [MessageTable.parent_id.in_(parents - {None})] if parents - {None} else []
    first = [MessageTable.parent_id.is_(None)] if None in parents else []
    link = select(MessageTable.created_at, MessageTable.id, MessageTable.parent_id)
    found = [
        (row.created_at, row.id, row.parent_id)
        for which in (*below, *first)
        for row in connection.execute(link.where(which, MessageTable.session_id == session_id))
    ]
    return [(message_id, parent_id) for _, message_id, parent_id in sorted(found)]
