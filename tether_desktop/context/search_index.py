"""What search knows of messages: brought up to date when they are finished, forgotten when they are erased."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select

from tether_desktop.context.parts import load_parts
from tether_desktop.context.searchable import words_in
from tether_desktop.context.tables import EPOCH, MICROSECOND, MessageTable, MessageWordsTable
from tether_desktop.context.words import words_of
from tether_desktop.messages import Message

_log = logging.getLogger(__name__)

_AT_ONCE: Final = 500

# Told in the order of the numbers, and by no triggers: else the full-text index writes itself out for each message.
_FTS5_INSERT: Final = "INSERT INTO message_search (rowid, words) VALUES (?, ?)"
_FTS5_DELETE: Final = "INSERT INTO message_search (message_search, rowid, words) VALUES ('delete', ?, ?)"
_FTS5_DELETE_ALL: Final = "INSERT INTO message_search (message_search) VALUES ('delete-all')"


def index_messages(connection: Connection, message_ids: Iterable[str]) -> None:
    """Let messages be found by the words that they have now."""
    ids = iter(message_ids)
    while some := list(islice(ids, _AT_ONCE)):
        _forget(connection, MessageWordsTable.message_id.in_(some))
        _index(connection, some)


def index_all_messages(connection: Connection) -> None:
    """Fill an empty index; a minute or two for a million messages."""
    count = connection.execute(select(func.count()).select_from(MessageTable)).scalar_one()
    if not count:
        return
    _log.info("Indexing %d messages for search", count)
    # Only what every version of the table has: this runs in the middle of migrating.
    oldest_first = select(MessageTable.id).order_by(MessageTable.created_at)
    ids = connection.execute(oldest_first).scalars().all()
    for start in range(0, len(ids), _AT_ONCE):
        _index(connection, ids[start : start + _AT_ONCE])
        if start % (200 * _AT_ONCE) == 0:
            _log.info("Indexed %d of %d messages", start, count)
    _log.info("All messages are indexed")


def forget_sessions(connection: Connection, session_ids: Sequence[str]) -> None:
    """Take the messages of sessions out of the index."""
    in_sessions = select(MessageTable.id).where(MessageTable.session_id.in_(session_ids))
    _forget(connection, MessageWordsTable.message_id.in_(in_sessions))


def forget_all(connection: Connection) -> None:
    """Empty the index."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(_FTS5_DELETE_ALL)
    connection.execute(delete(MessageWordsTable))


def _forget(connection: Connection, which: ColumnElement[bool]) -> None:
    known = connection.execute(
        select(MessageWordsTable.number, MessageWordsTable.words).where(which).order_by(MessageWordsTable.number)
    ).all()
    if known and connection.dialect.name == "sqlite":
        connection.exec_driver_sql(_FTS5_DELETE, [(row.number, row.words) for row in known])
    if known:
        connection.execute(delete(MessageWordsTable).where(which))


def _index(connection: Connection, message_ids: Sequence[str]) -> None:
    said = select(MessageTable.id, MessageTable.created_at, MessageTable.role, MessageTable.parts)
    oldest_first = said.where(MessageTable.id.in_(message_ids)).order_by(MessageTable.created_at)
    values = [
        {"number": _microseconds(row.created_at), "message_id": row.id, "words": " ".join(words)}
        for row in connection.execute(oldest_first)
        if (words := words_of(words_in(Message(row.role, load_parts(row.parts)))))
    ]
    _make_unique(connection, values)
    if values:
        connection.execute(insert(MessageWordsTable), values)
    if values and connection.dialect.name == "sqlite":
        connection.exec_driver_sql(_FTS5_INSERT, [(value["number"], value["words"]) for value in values])


def _make_unique(connection: Connection, values: Sequence[dict[str, Any]]) -> None:
    """Move numbers that are taken on by a little: by more each time, as an import may bring thousands of one time."""
    number = MessageWordsTable.number
    wanted = [value["number"] for value in values]
    taken = set(connection.execute(select(number).where(number.in_(wanted))).scalars())
    for value in values:
        reach = 1
        while value["number"] in taken:
            reach *= 2
            value["number"] += random.randrange(1, reach + 1)  # noqa: S311  (nobody is to be surprised by it)
            if connection.execute(select(number).where(number == value["number"])).first():
                taken.add(value["number"])
        taken.add(value["number"])


def _microseconds(time: datetime) -> int:
    return (time - EPOCH) // MICROSECOND
