"""The conversations: sessions and their messages, stored and found again."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, Row, delete, insert, select, update

from tether_desktop.context import tree
from tether_desktop.context.database import Database
from tether_desktop.context.parts import dump_cost, dump_parts, load_cost, load_parts
from tether_desktop.context.records import MessageRecord, SessionRecord
from tether_desktop.context.tables import MessageTable, SessionTable
from tether_desktop.errors import MessageNotFound, SessionNotFound
from tether_desktop.messages import FinishReason, Message, Timings, Usage

INTERRUPTED = "The program ended while this reply was being written. What had arrived by then was kept."

_TICK = timedelta(microseconds=1)


class Store:
    """Sessions and messages in a database; synchronous and thread-safe.

    Every method is one transaction, on disk when it returns. All raise StoreError (StoreBusy,
    StoreFull) when the database fails, SessionNotFound for an id that is not there.
    """

    def __init__(self, url: str) -> None:
        """Open the database at an SQLAlchemy URL, creating or migrating it where needed.

        Raises:
            StoreError: it cannot be used; StoreTooNew when a newer version has migrated it.
        """
        self._database = Database(url)
        self._clock = _Clock()

    def close(self) -> None:
        """Close the database; idempotent."""
        self._database.close()

    def create_session(self, title: str = "", model: str = "") -> SessionRecord:
        """Begin a conversation."""
        session_id, now = uuid4().hex, self._clock.now()
        values = {"id": session_id, "title": title, "model": model, "created_at": now, "last_active": now}
        with self._database.write() as connection:
            connection.execute(insert(SessionTable).values(values))
            return _session(connection, session_id)

    def list_sessions(self, *, deleted: bool = False, limit: int | None = None, offset: int = 0) -> list[SessionRecord]:
        """The sessions in the list, or those in the bin; the last active first."""
        in_bin = SessionTable.deleted_at.is_not(None) if deleted else SessionTable.deleted_at.is_(None)
        newest_first = (SessionTable.last_active.desc(), SessionTable.id.desc())
        page = select(SessionTable).where(in_bin).order_by(*newest_first).limit(limit).offset(offset)
        with self._database.read() as connection:
            return [_session_record(row) for row in connection.execute(page)]

    def get_session(self, session_id: str) -> SessionRecord:
        """A session, be it in the list or in the bin."""
        with self._database.read() as connection:
            return _session(connection, session_id)

    def rename_session(self, session_id: str, title: str) -> SessionRecord:
        """Give a session another title."""
        return self._change_session(session_id, title=title)

    def set_session_model(self, session_id: str, model: str) -> None:
        """Remember the model a session uses from now on."""
        self._change_session(session_id, model=model)

    def delete_session(self, session_id: str) -> None:
        """Move a session to the bin; restore_session undoes it."""
        self._change_session(session_id, deleted_at=self._clock.now())

    def restore_session(self, session_id: str) -> SessionRecord:
        """Bring a session back from the bin."""
        return self._change_session(session_id, deleted_at=None)

    def erase_session(self, session_id: str) -> None:
        """Remove a session and its messages for good, from the free space and older copies of the file too.

        Raises:
            StoreBusy: it is gone, but another program keeps the database from being scrubbed.
        """
        with self._database.write() as connection:
            _session(connection, session_id)
            connection.execute(delete(MessageTable).where(MessageTable.session_id == session_id))
            connection.execute(delete(SessionTable).where(SessionTable.id == session_id))
        self._database.scrub()

    def history(self, session_id: str) -> list[MessageRecord]:
        """The branch of messages that ends at the session's head, oldest first."""
        with self._database.read() as connection:
            return _history(connection, _session(connection, session_id))

    def get_message(self, session_id: str, message_id: str) -> MessageRecord:
        """One message of a session.

        Raises:
            MessageNotFound: the session has no such message.
        """
        with self._database.read() as connection:
            return _message(connection, message_id, session_id)

    def siblings(self, session_id: str, message_id: str) -> list[MessageRecord]:
        """All versions of a message, itself included, oldest first.

        Raises:
            MessageNotFound: the session has no such message.
        """
        with self._database.read() as connection:
            return _siblings(connection, _message_row(connection, message_id, session_id))

    def add_message(
        self,
        session_id: str,
        message: Message,
        *,
        parent_id: str | None,
        model: str = "",
        finish_reason: FinishReason | None = None,
    ) -> MessageRecord:
        """Store a message below its parent (None for a first one); it becomes the session's head.

        Raises:
            MessageNotFound: the session has no message ``parent_id``.
        """
        message_id = uuid4().hex
        with self._database.write() as connection:
            now = self._advance(connection, session_id, message_id)
            if parent_id is not None:
                _message_row(connection, parent_id, session_id)
            values = {"id": message_id, "session_id": session_id, "parent_id": parent_id, "created_at": now}
            values |= {"role": message.role, "parts": dump_parts(message.parts), "model": model}
            values |= {"finish_reason": finish_reason, "error": ""}
            connection.execute(insert(MessageTable).values(values))
            return _message(connection, message_id, session_id)

    def update_reply(
        self,
        message_id: str,
        message: Message,
        *,
        finish_reason: FinishReason | None = None,
        usage: Usage | None = None,
        timings: Timings | None = None,
        error: str = "",
    ) -> MessageRecord:
        """Store a reply as it is now; all that is said here replaces what was stored.

        Raises:
            MessageNotFound: there is no such message, for example since its session was erased.
        """
        values: dict[str, Any] = {"parts": dump_parts(message.parts), "finish_reason": finish_reason, "error": error}
        values |= {"usage": dump_cost(usage), "timings": dump_cost(timings)}
        with self._database.write() as connection:
            connection.execute(update(MessageTable).where(MessageTable.id == message_id).values(values))
            return _message(connection, message_id)

    def select_version(self, session_id: str, message_id: str) -> list[MessageRecord]:
        """Show the branch through a message, down to the newest one below it; returns the new history.

        Raises:
            MessageNotFound: the session has no such message.
        """
        with self._database.write() as connection:
            _session(connection, session_id)
            _message_row(connection, message_id, session_id)
            head = tree.newest_leaf(_links(connection, MessageTable.session_id == session_id), message_id)
            connection.execute(update(SessionTable).where(SessionTable.id == session_id).values(head_id=head))
            return _history(connection, _session(connection, session_id))

    def mark_interrupted(self) -> int:
        """Close the replies that a killed program left open, keeping their text; returns how many.

        To be called at start, before any turn.
        """
        unfinished = (MessageTable.role == "assistant", MessageTable.finish_reason.is_(None))
        closed = update(MessageTable).where(*unfinished).values(finish_reason="error", error=INTERRUPTED)
        with self._database.write() as connection:
            return connection.execute(closed).rowcount

    def _change_session(self, session_id: str, **values: object) -> SessionRecord:
        with self._database.write() as connection:
            connection.execute(update(SessionTable).where(SessionTable.id == session_id).values(values))
            return _session(connection, session_id)

    def _advance(self, connection: Connection, session_id: str, head_id: str) -> datetime:
        """Make a message the head; returns its time, later than all others of the session."""
        # A clock that was set back, or another machine's that runs ahead, must not reorder a conversation.
        now = max(self._clock.now(), _session(connection, session_id, lock=True).last_active + _TICK)
        moved = update(SessionTable).where(SessionTable.id == session_id).values(head_id=head_id, last_active=now)
        connection.execute(moved)
        return now


class _Clock:
    """UTC times that grow strictly, even where the system's clock ticks only every 15 ms."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = datetime.now(UTC)

    def now(self) -> datetime:
        with self._lock:
            self._last = max(datetime.now(UTC), self._last + _TICK)
            return self._last


def _session(connection: Connection, session_id: str, *, lock: bool = False) -> SessionRecord:
    found = select(SessionTable).where(SessionTable.id == session_id)
    row = connection.execute(found.with_for_update() if lock else found).one_or_none()
    if row is None:
        raise SessionNotFound(
            "The conversation is not there",
            f"There is no conversation {session_id}.",
            "It may have been erased; choose another one from the list.",
        )
    return _session_record(row)


def _message_row(connection: Connection, message_id: str, session_id: str | None = None) -> Row[Any]:
    row = connection.execute(select(MessageTable).where(MessageTable.id == message_id)).one_or_none()
    if row is None or session_id not in {None, row.session_id}:
        raise MessageNotFound(
            "The message is not there",
            f"There is no message {message_id} in this conversation.",
            "It may have been erased; open the conversation again.",
        )
    return row


def _message(connection: Connection, message_id: str, session_id: str | None = None) -> MessageRecord:
    row = _message_row(connection, message_id, session_id)
    links = _links(connection, MessageTable.parent_id == row.parent_id, MessageTable.session_id == row.session_id)
    return _message_record(row, *tree.number_versions(links)[message_id])


def _siblings(connection: Connection, row: Row[Any]) -> list[MessageRecord]:
    same_parent = (MessageTable.parent_id == row.parent_id, MessageTable.session_id == row.session_id)
    rows = connection.execute(select(MessageTable).where(*same_parent).order_by(MessageTable.created_at)).all()
    return [_message_record(row, version, len(rows)) for version, row in enumerate(rows, start=1)]


def _links(connection: Connection, *which: ColumnElement[bool]) -> list[tree.Link]:
    oldest_first = select(MessageTable.id, MessageTable.parent_id).where(*which).order_by(MessageTable.created_at)
    return [(message_id, parent_id) for message_id, parent_id in connection.execute(oldest_first)]


def _history(connection: Connection, session: SessionRecord) -> list[MessageRecord]:
    """One statement for any number of messages: side branches are few, and are left unparsed."""
    in_session = select(MessageTable).where(MessageTable.session_id == session.id)
    rows: Sequence[Row[Any]] = connection.execute(in_session.order_by(MessageTable.created_at)).all()
    links = [(row.id, row.parent_id) for row in rows]
    by_id, versions = {row.id: row for row in rows}, tree.number_versions(links)
    return [
        _message_record(by_id[message_id], *versions[message_id]) for message_id in tree.branch(links, session.head_id)
    ]


def _session_record(row: Row[Any]) -> SessionRecord:
    return SessionRecord(
        id=row.id,
        title=row.title,
        model=row.model,
        head_id=row.head_id,
        created_at=row.created_at,
        last_active=row.last_active,
        deleted_at=row.deleted_at,
    )


def _message_record(row: Row[Any], version: int, versions: int) -> MessageRecord:
    return MessageRecord(
        id=row.id,
        session_id=row.session_id,
        parent_id=row.parent_id,
        message=Message(row.role, load_parts(row.parts)),
        created_at=row.created_at,
        model=row.model,
        finish_reason=row.finish_reason,
        usage=load_cost(Usage, row.usage),
        timings=load_cost(Timings, row.timings),
        error=row.error,
        version=version,
        versions=versions,
    )
