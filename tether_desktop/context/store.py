"""The conversations: sessions and their messages, stored and found again."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, fields
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, delete, func, insert, select, update

from tether_desktop.context import backups
from tether_desktop.context.branches import copy_branch, find_history, find_page
from tether_desktop.context.database import Database, OnMigrate
from tether_desktop.context.erasing import erase_all, erase_sessions, find_in_bin
from tether_desktop.context.files.transfer_queries import add_conversation, find_conversation
from tether_desktop.context.kept_json import dump_overrides
from tether_desktop.context.moments import TICK, Clock
from tether_desktop.context.parts import dump_parts
from tether_desktop.context.queries import (
    find_message,
    find_session,
    find_session_by_beginning,
    find_siblings,
    find_tool_rules,
    message_not_found,
    newest_below,
    page_of_sessions,
)
from tether_desktop.context.records import Conversation, MessageRecord, SearchHit, SessionRecord, ToolRule
from tether_desktop.context.search import search_all, search_messages
from tether_desktop.context.search_index import index_messages
from tether_desktop.context.shelves import Shelves
from tether_desktop.context.statistics import StoreSizes, StoreStatistics, read_sizes, read_statistics
from tether_desktop.context.tables import MessageTable, SessionTable, ToolRuleTable
from tether_desktop.messages import FinishReason, Message, Timings, Usage

IN_MEMORY = "sqlite://"
"""The URL of a database that ends with the program and never touches a disk."""

INTERRUPTED = "The program ended while this reply was being written. What had arrived by then was kept."

_USAGE = tuple(field.name for field in fields(Usage))
_TIMINGS = tuple(field.name for field in fields(Timings))


class Store(Shelves):
    """Sessions and messages in a database; synchronous and thread-safe.

    Every method is one transaction, on disk when it returns; :meth:`together` makes one of several.
    All raise StoreError (StoreBusy, StoreFull) when the database fails, SessionNotFound for an id that is not there.
    """

    def __init__(self, url: str, on_migrate: OnMigrate = lambda _stop: None) -> None:
        """Open the database at an SQLAlchemy URL, creating or migrating it where needed.

        Args:
            url: of the database.
            on_migrate: called before conversations of an older version are migrated, which may take minutes, with a
                function that stops it.

        Raises:
            StoreError: it cannot be used; StoreTooNew when a newer version has migrated it.
        """
        super().__init__(Database(url, on_migrate))
        try:
            self._clock = Clock(None if self._database.in_memory else self._newest())
        except BaseException:  # whatever stopped it, nobody gets a store that could close the file
            self._database.close()
            raise

    def _newest(self) -> datetime | None:
        with self._database.read() as connection:
            return connection.execute(select(func.max(SessionTable.last_active))).scalar()

    def close(self) -> None:
        """Close the database; idempotent."""
        self._database.close()

    def together(self) -> AbstractContextManager[None]:
        """Make one transaction of all that this thread asks of the store inside: stored as a whole, or not at all."""
        return self._database.together()

    def statistics(self) -> StoreStatistics:
        """Figures of the database as it is now."""
        with self._database.read() as connection:
            return read_statistics(connection)

    def sizes(self) -> StoreSizes:
        """How much is kept, and where."""
        with self._database.read() as connection:
            return read_sizes(connection, self._database.place, self._database.file)

    def back_up(self, copy: Path, on_share: backups.OnShare = lambda _: None) -> None:
        """Copy the database to a file as it is at this moment, while others go on; half a copy is never left.

        Args:
            copy: is replaced where it is there.
            on_share: told how much is done, 0..1; what it raises ends the copying.

        Raises:
            BackupFailed: the copy cannot be written there, or the database is no file.
        """
        if self._database.file is None:
            raise backups.nothing_kept() if self._database.is_sqlite else backups.no_file(self._database.place)
        backups.back_up(self._database.file, copy, on_share)

    def failures(self) -> dict[str, int]:
        """How often the database has failed since it was opened, by the code of the error."""
        return self._database.failures()

    def create_session(self, title: str = "", model: str = "", *, session_id: str | None = None) -> SessionRecord:
        """Begin a conversation; its id may be chosen before."""
        session_id, now = session_id or uuid4().hex, self._clock.now()
        values = {"id": session_id, "title": title, "model": model, "created_at": now, "last_active": now}
        with self._database.write() as connection:
            connection.execute(insert(SessionTable).values(values))
            return find_session(connection, session_id)

    def list_sessions(
        self,
        *,
        deleted: bool = False,
        pinned: bool | None = None,
        archived: bool | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> list[SessionRecord]:
        """The sessions in the list, or those in the bin; only those pinned or archived, or not, where that is said.

        The last active come first.
        """
        with self._database.read() as connection:
            return page_of_sessions(
                connection, deleted=deleted, pinned=pinned, archived=archived, limit=limit, offset=offset
            )

    def get_session(self, session_id: str) -> SessionRecord:
        """A session, be it in the list or in the bin."""
        with self._database.read() as connection:
            return find_session(connection, session_id)

    def find_session(self, beginning: str) -> SessionRecord:
        """The session, in the list or the bin, whose id is, or alone begins with, that text.

        Raises:
            SessionNotFound: there is none, or there are several.
        """
        with self._database.read() as connection:
            return find_session_by_beginning(connection, beginning)

    def rename_session(self, session_id: str, title: str) -> SessionRecord:
        """Give a session another title."""
        return self._change_session(session_id, title=title)

    def set_session_model(self, session_id: str, model: str) -> None:
        """Remember the model a session uses from now on."""
        self._change_session(session_id, model=model)

    def pin_session(self, session_id: str, *, pinned: bool) -> SessionRecord:
        """Remember that a session is to be shown before the others, or no longer."""
        return self._change_session(session_id, pinned=pinned)

    def archive_session(self, session_id: str, *, archived: bool) -> SessionRecord:
        """Remember that a session is out of the way, or no longer."""
        return self._change_session(session_id, archived=archived)

    def mark_unread(self, session_id: str, *, unread: bool) -> SessionRecord:
        """Remember that nobody has looked at an answer, or that somebody has."""
        return self._change_session(session_id, unread=unread)

    def configure_session(self, session_id: str, overrides: Mapping[str, Any], persona: str = "") -> SessionRecord:
        """Keep the values that hold in a session in place of the settings, and whose they are."""
        return self._change_session(session_id, overrides=dump_overrides(overrides), persona=persona)

    def copy_branch(self, session_id: str, message_id: str | None = None) -> SessionRecord:
        """Begin a session, of the same title, model, folder and settings, with copies of the messages down to one.

        None copies what is shown. A reply that is still being written is copied as one that was stopped.

        Raises:
            MessageNotFound: the session has no such message.
        """
        with self._database.write() as connection:
            return find_session(connection, copy_branch(connection, session_id, message_id, self._clock.now()))

    def conversation(self, session_id: str) -> Conversation:
        """A session with every version of every message, and what was said about tools in it."""
        with self._database.read() as connection:
            return find_conversation(connection, session_id)

    def add_conversation(self, conversation: Conversation) -> SessionRecord:
        """Add a session as it was elsewhere; it and its messages keep their times, and their ids where these are free.

        Args:
            conversation: its messages oldest first, each later than the one before and after its parent.

        Raises:
            Unfit: it is there already.
        """
        with self._database.write() as connection:
            return find_session(connection, add_conversation(connection, conversation))

    def delete_session(self, session_id: str) -> None:
        """Move a session to the bin; restore_session undoes it."""
        self._change_session(session_id, deleted_at=self._clock.now())

    def restore_session(self, session_id: str) -> SessionRecord:
        """Bring a session back from the bin."""
        return self._change_session(session_id, deleted_at=None)

    def erase_session(self, session_id: str) -> None:
        """Remove a session and its messages for good, from the free space and older copies of the file too.

        Raises:
            StoreError: it is gone, but traces of it cannot be removed before the next start.
        """
        with self._database.write() as connection:
            find_session(connection, session_id, lock=True)
            self._database.mark_for_scrub(connection)
            erase_sessions(connection, [session_id])
        self._database.scrub()

    def purge_bin(self, before: datetime | None = None) -> list[str]:
        """Remove what was moved to the bin before a time, or all that is in it; :meth:`scrub` has to follow.

        Returns:
            the ids of the sessions that are gone.
        """
        with self._database.write() as connection:
            ids = list(find_in_bin(connection, before))
            if ids:
                self._database.mark_for_scrub(connection)
                erase_sessions(connection, ids)
            return ids

    def erase_all(self) -> list[str]:
        """Remove every session, folder and draft; personas and saved prompts stay, and :meth:`scrub` has to follow.

        Files that were set aside because they could not be opened go too: nobody knows what is in them.

        Returns:
            the ids of the sessions that are gone.
        """
        self._database.remove_set_aside()
        with self._database.write() as connection:
            self._database.mark_for_scrub(connection)
            return erase_all(connection)

    def scrub(self) -> None:
        """Remove the traces of what was erased, from the free space and older copies of the file too.

        Raises:
            StoreError: they cannot be removed before the next start.
        """
        self._database.scrub()

    def history(self, session_id: str, *, limit: int | None = None, before: str | None = None) -> list[MessageRecord]:
        """The branch of messages that ends at the session's head, oldest first.

        Args:
            session_id: of which session.
            limit: only so many, the newest ones.
            before: only what comes before this message.

        Raises:
            MessageNotFound: the branch has no message ``before``.
        """
        with self._database.read() as connection:
            return find_page(connection, session_id, limit, before)

    def get_message(self, session_id: str, message_id: str) -> MessageRecord:
        """One message of a session.

        Raises:
            MessageNotFound: the session has no such message.
        """
        with self._database.read() as connection:
            return find_message(connection, message_id, session_id)

    def siblings(self, session_id: str, message_id: str) -> list[MessageRecord]:
        """All versions of a message, itself included, oldest first.

        Raises:
            MessageNotFound: the session has no such message.
        """
        with self._database.read() as connection:
            return find_siblings(connection, message_id, session_id)

    def search_messages(self, query: str, limit: int, *, offset: int = 0, except_session: str = "") -> list[SearchHit]:
        """The newest messages that have words in what is visible of them or in their files, but for those in the bin.

        Args:
            query: found wherever it stands, whatever its letter case; no character has a special meaning.
            limit: how many at most.
            offset: how many are passed over.
            except_session: the id of a session that is left out.
        """
        with self._database.read() as connection:
            return search_messages(connection, query, limit=limit, offset=offset, except_session=except_session)

    def search(self, query: str, limit: int, *, offset: int = 0) -> list[SearchHit]:
        """The sessions that have words in their titles, the last active first, then the messages that have them."""
        with self._database.read() as connection:
            return search_all(connection, query, limit=limit, offset=offset)

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
                find_message(connection, parent_id, session_id)
            values = {"id": message_id, "session_id": session_id, "parent_id": parent_id, "created_at": now}
            values |= {"role": message.role, "parts": dump_parts(message.parts), "model": model}
            values |= {"finish_reason": finish_reason, "error": ""}
            connection.execute(insert(MessageTable).values(values))
            index_messages(connection, [message_id])
            return find_message(connection, message_id, session_id)

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
        values |= _cost_values(usage, timings) | {"tokens": None}
        with self._database.write() as connection:
            connection.execute(update(MessageTable).where(MessageTable.id == message_id).values(values))
            if finish_reason is not None:  # until then it changes twice a second, which no index should have to follow
                index_messages(connection, [message_id])
            return find_message(connection, message_id)

    def set_tokens(self, message_id: str, tokens: int) -> None:
        """Keep how many tokens a message's visible text has; forgotten when another text replaces it.

        Raises:
            MessageNotFound: there is no such message, for example since its session was erased.
        """
        counted = update(MessageTable).where(MessageTable.id == message_id).values(tokens=tokens)
        with self._database.write() as connection:
            if connection.execute(counted).rowcount == 0:
                raise message_not_found(message_id)

    def select_version(self, session_id: str, message_id: str) -> list[MessageRecord]:
        """Show the branch through a message, down to the newest one below it; returns the new history.

        Raises:
            MessageNotFound: the session has no such message.
        """
        with self._database.write() as connection:
            find_session(connection, session_id)
            head = newest_below(connection, message_id, session_id)
            connection.execute(update(SessionTable).where(SessionTable.id == session_id).values(head_id=head))
            return find_history(connection, session_id)

    def mark_interrupted(self) -> int:
        """Close the replies that a killed program left open, keeping their text; returns how many.

        To be called at start, before any turn.
        """
        unfinished = (MessageTable.role == "assistant", MessageTable.finish_reason.is_(None))
        closed = update(MessageTable).where(*unfinished).values(finish_reason="error", error=INTERRUPTED)
        with self._database.write() as connection:
            ids = connection.execute(select(MessageTable.id).where(*unfinished)).scalars().all()
            connection.execute(closed)
            index_messages(connection, ids)
            return len(ids)

    def tool_rules(self, session_id: str) -> dict[str, ToolRule]:
        """What was said about the calls of tools in a session, by the tool's name."""
        with self._database.read() as connection:
            return find_tool_rules(connection, session_id)

    def set_tool_rule(self, session_id: str, tool: str, rule: ToolRule | None) -> None:
        """Keep what was said about the calls of a tool; None forgets it."""
        which = (ToolRuleTable.session_id == session_id, ToolRuleTable.tool == tool)
        with self._database.write() as connection:
            find_session(connection, session_id)
            connection.execute(delete(ToolRuleTable).where(*which))
            if rule is not None:
                connection.execute(insert(ToolRuleTable).values(session_id=session_id, tool=tool, rule=rule))

    def _change_session(self, session_id: str, **values: object) -> SessionRecord:
        with self._database.write() as connection:
            connection.execute(update(SessionTable).where(SessionTable.id == session_id).values(values))
            return find_session(connection, session_id)

    def _advance(self, connection: Connection, session_id: str, head_id: str) -> datetime:
        """Make a message the head; returns its time, later than all others of the session."""
        # A clock that was set back, or another machine's that runs ahead, must not reorder a conversation.
        now = max(self._clock.now(), find_session(connection, session_id, lock=True).last_active + TICK)
        moved = update(SessionTable).where(SessionTable.id == session_id).values(head_id=head_id, last_active=now)
        connection.execute(moved)
        return now


def _cost_values(usage: Usage | None, timings: Timings | None) -> dict[str, Any]:
    unknown = dict.fromkeys((*_USAGE, *_TIMINGS))
    return unknown | (asdict(usage) if usage else {}) | (asdict(timings) if timings else {})
