"""Asks the full-text index of either database for messages that may have some words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    FromClause,
    Select,
    Text,
    cast,
    column,
    select,
    table,
    text,
)

from tether_desktop.context.tables import LexemeQuery, MessageTable, MessageWordsTable, SessionTable
from tether_desktop.context.words import Term

_INDEXED_BEGINNING: Final = 3
"""Letters of a beginning that have an index of their own in SQLite."""

_MOST_ENDINGS: Final = 64

_SEARCH = table("message_search", column("rowid", BigInteger), column("message_search", Text))


@dataclass(frozen=True, slots=True)
class Proposed:
    """What the index proposes.

    Attributes:
        rows: the messages with their session's title and their number, newest first.
        number: the greater, the newer.
    """

    rows: Select[*tuple[Any, ...]]
    number: ColumnElement[int]


def proposed_messages(connection: Connection, terms: Sequence[Term], except_session: str) -> Proposed:
    """The messages that have all the terms, but for those in the bin and of one session."""
    index = MessageWordsTable.__table__
    if connection.dialect.name == "sqlite":
        number: ColumnElement[int] = _SEARCH.c.rowid
        matching = _SEARCH.c.message_search.op("MATCH")(_fts5_query(connection, terms))
        words: FromClause = _SEARCH.join(index, index.c.number == number)
    else:
        number = index.c.number
        matching = index.c.words.op("@@")(cast(_tsquery(terms), LexemeQuery))
        words = index
    places = words.join(MessageTable, MessageTable.id == index.c.message_id)
    said = (MessageTable.id, MessageTable.session_id, MessageTable.role, MessageTable.created_at, MessageTable.parts)
    rows = (
        select(number.label("number"), *said, SessionTable.title)
        .select_from(places.join(SessionTable, SessionTable.id == MessageTable.session_id))
        .where(matching, SessionTable.deleted_at.is_(None), MessageTable.session_id != except_session)
        .order_by(number.desc())
    )
    return Proposed(rows, number)


def _tsquery(terms: Sequence[Term]) -> str:
    return " & ".join(f"'{term.word}'{':*' if term.is_beginning else ''}" for term in terms)


def _fts5_query(connection: Connection, terms: Sequence[Term]) -> str:
    return " AND ".join(_fts5_term(connection, term) for term in terms)


def _fts5_term(connection: Connection, term: Term) -> str:
    if not term.is_beginning:
        return f'"{term.word}"'
    # SQLite collects and sorts all that an unindexed beginning proposes, but walks along a few whole words.
    endings = [] if len(term.word) <= _INDEXED_BEGINNING else _endings(connection, term.word)
    if 0 < len(endings) <= _MOST_ENDINGS:
        return "(" + " OR ".join(f'"{word}"' for word in endings) + ")"
    return f'"{term.word}" *'


def _endings(connection: Connection, beginning: str) -> Sequence[str]:
    """The words of the index that begin so, up to one too many."""
    found = text("SELECT term FROM message_search_terms WHERE term >= :first AND term < :after LIMIT :most")
    after = beginning[:-1] + chr(ord(beginning[-1]) + 1)
    return connection.execute(found, {"first": beginning, "after": after, "most": _MOST_ENDINGS + 1}).scalars().all()
