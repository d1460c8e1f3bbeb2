"""Finding rows in an open transaction, as the records that the store hands out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, bindparam, func, select

from tether_desktop.context import tree
from tether_desktop.context.kept_json import load_overrides
from tether_desktop.context.parts import load_parts
from tether_desktop.context.records import MessageRecord, SessionRecord, ToolRule
from tether_desktop.context.tables import Key, MessageTable, SessionTable, ToolRuleTable
from tether_desktop.errors import MessageNotFound, SessionNotFound
from tether_desktop.messages import Message, Timings, Usage

_AT_ONCE: Final = 500


def find_session(connection: Connection, session_id: str, *, lock: bool = False) -> SessionRecord:
    """A session; ``lock`` keeps other machines from changing it until the transaction ends.

    Raises:
        SessionNotFound: there is none of that id.
    """
    found = select(SessionTable).where(SessionTable.id == session_id)
    row = connection.execute(found.with_for_update() if lock else found).one_or_none()
    if row is None:
        raise _session_not_found(session_id)
    return _session_record(row)


def find_sessions(connection: Connection, session_ids: Sequence[str]) -> list[SessionRecord]:
    """Sessions, in that order.

    Raises:
        SessionNotFound: one of them is not there.
    """
    found: dict[str, SessionRecord] = {}
    for start in range(0, len(session_ids), _AT_ONCE):
        these = SessionTable.id.in_(session_ids[start : start + _AT_ONCE])
        rows = connection.execute(select(SessionTable).where(these))
        found |= {row.id: _session_record(row) for row in rows}
    for session_id in session_ids:
        if session_id not in found:
            raise _session_not_found(session_id)
    return [found[session_id] for session_id in session_ids]


def find_session_by_beginning(connection: Connection, beginning: str) -> SessionRecord:
    """The session, in the list or the bin, whose id is, or alone begins with, that text.

    Raises:
        SessionNotFound: there is none, or there are several.
    """
    begins_so = func.substr(SessionTable.id, 1, len(beginning)) == bindparam("beginning", beginning, Key)
    found = connection.execute(select(SessionTable).where(begins_so)).all() if beginning else []
    if len(found) == 1:
        return _session_record(found[0])
    what = f"{len(found)} conversations begin with" if found else "No conversation has the id"
    raise SessionNotFound(
        "There is no such conversation", f"{what} {beginning!r}.", "`tether sessions list` shows all ids."
    )


def page_of_sessions(
    connection: Connection,
    *,
    deleted: bool,
    pinned: bool | None,
    archived: bool | None,
    limit: int | None,
    offset: int,
) -> list[SessionRecord]:
    """The sessions in the list, or those in the bin; the last active first."""
    which = [SessionTable.deleted_at.is_not(None) if deleted else SessionTable.deleted_at.is_(None)]
    if pinned is not None:
        which.append(SessionTable.pinned.is_(pinned))
    if archived is not None:
        which.append(SessionTable.archived.is_(archived))
    newest_first = (SessionTable.last_active.desc(), SessionTable.id.desc())
    page = select(SessionTable).where(*which).order_by(*newest_first).limit(limit).offset(offset)
    return [_session_record(row) for row in connection.execute(page)]


def find_message(connection: Connection, message_id: str, session_id: str | None = None) -> MessageRecord:
    """A message, of that session where one is given.

    Raises:
        MessageNotFound: there is none of that id, or it belongs to another session.
    """
    row = message_row(connection, message_id, session_id)
    siblings = _links(connection, *_same_parent(row))
    return message_record(row, *tree.number_versions(siblings)[message_id])


def find_siblings(connection: Connection, message_id: str, session_id: str) -> list[MessageRecord]:
    """All versions of a message, itself included, oldest first.

    Raises:
        MessageNotFound: the session has no such message.
    """
    same_parent = _same_parent(message_row(connection, message_id, session_id))
    rows = connection.execute(select(MessageTable).where(*same_parent).order_by(MessageTable.created_at)).all()
    return [message_record(row, version, len(rows)) for version, row in enumerate(rows, start=1)]


def newest_below(connection: Connection, message_id: str, session_id: str) -> str:
    """The newest message at or below one.

    Raises:
        MessageNotFound: the session has no such message.
    """
    message_row(connection, message_id, session_id)
    return tree.newest_leaf(_links(connection, MessageTable.session_id == session_id), message_id)


def find_tool_rules(connection: Connection, session_id: str) -> dict[str, ToolRule]:
    """What was said about the calls of tools in a session, by the tool's name.

    Raises:
        SessionNotFound: there is none of that id.
    """
    find_session(connection, session_id)
    rules = select(ToolRuleTable.tool, ToolRuleTable.rule).where(ToolRuleTable.session_id == session_id)
    return {row.tool: row.rule for row in connection.execute(rules)}


def message_row(connection: Connection, message_id: str, session_id: str | None) -> Row[Any]:
    """The row of a message, of that session where one is given.

    Raises:
        MessageNotFound: there is none of that id, or it belongs to another session.
    """
    row = connection.execute(select(MessageTable).where(MessageTable.id == message_id)).one_or_none()
    if row is None or session_id not in {None, row.session_id}:
        raise message_not_found(message_id)
    return row


def message_not_found(message_id: str) -> MessageNotFound:
    """What a person is told of a message that is not where it is looked for."""
    return MessageNotFound(
        "The message is not there",
        f"There is no message {message_id} in this conversation.",
        "It may have been erased; open the conversation again.",
    )


def message_record(row: Row[Any], version: int, versions: int) -> MessageRecord:
    """The record of a message's row."""
    return MessageRecord(
        id=row.id,
        session_id=row.session_id,
        parent_id=row.parent_id,
        message=Message(row.role, load_parts(row.parts)),
        created_at=row.created_at,
        model=row.model,
        finish_reason=row.finish_reason,
        usage=_usage(row),
        timings=_timings(row),
        error=row.error,
        tokens=row.tokens,
        version=version,
        versions=versions,
    )


def _session_not_found(session_id: str) -> SessionNotFound:
    return SessionNotFound(
        "The conversation is not there",
        f"There is no conversation {session_id}.",
        "It may have been erased; choose another one from the list.",
    )


def _same_parent(row: Row[Any]) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return MessageTable.parent_id == row.parent_id, MessageTable.session_id == row.session_id


def _links(connection: Connection, *which: ColumnElement[bool]) -> list[tree.Link]:
    oldest_first = select(MessageTable.id, MessageTable.parent_id).where(*which).order_by(MessageTable.created_at)
    return [(message_id, parent_id) for message_id, parent_id in connection.execute(oldest_first)]


def _session_record(row: Row[Any]) -> SessionRecord:
    # By their places, as asking for them by name takes several times as long, and lists have many.
    fields: tuple[Any, ...] = (*row[:-1], load_overrides(row[-1]))
    return SessionRecord(*fields)


def _usage(row: Row[Any]) -> Usage | None:
    if row.prompt_tokens is None:
        return None
    return Usage(row.prompt_tokens, row.cached_tokens, row.completion_tokens)


def _timings(row: Row[Any]) -> Timings | None:
    if row.queued_s is None:
        return None
    return Timings(row.queued_s, row.prefill_s, row.first_token_s, row.decode_s)
