"""Finds text in what was said: reads every message, newest first, until enough are found."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Row, select

from tether_desktop.context.parts import load_parts
from tether_desktop.context.records import SearchHit
from tether_desktop.context.tables import MessageTable, SessionTable
from tether_desktop.messages import Message

_ROWS_AT_ONCE = 200
_AROUND = 80


def search_messages(
    connection: Connection, query: str, *, limit: int, offset: int, except_session: str
) -> list[SearchHit]:
    """The newest messages whose visible text has the query in it, of all sessions but those in the bin.

    Every version of a message counts, shown or not. Letter case, accents typed in another way and the kind of white
    space make no difference; no character has a special meaning. An empty query finds nothing.
    """
    needle = _one_line(query).casefold()
    if not needle or limit < 1:
        return []
    hits = (_hit(row, needle) for row in _newest_first(connection, except_session))
    return list(islice(filter(None, hits), offset, offset + limit))


def _newest_first(connection: Connection, except_session: str) -> Iterator[Row[Any]]:
    message = MessageTable
    of_message = (message.id, message.session_id, message.role, message.created_at, message.parts)
    columns: tuple[Any, ...] = (*of_message, SessionTable.title)
    listed = (
        select(*columns)
        .join(SessionTable, SessionTable.id == MessageTable.session_id)
        .where(SessionTable.deleted_at.is_(None), MessageTable.session_id != except_session)
        .order_by(MessageTable.created_at.desc(), MessageTable.id)
    )
    # Databases compare letters beyond ASCII differently, or not at all, so the comparing is done here; a few rows at
    # a time, since a history may be larger than the memory.
    with connection.execute(listed.execution_options(yield_per=_ROWS_AT_ONCE)) as rows:
        yield from rows


def _hit(row: Row[Any], needle: str) -> SearchHit | None:
    text = _one_line(Message(row.role, load_parts(row.parts)).text)
    start = text.casefold().find(needle)
    if start < 0:
        return None
    return SearchHit(
        title=row.title,
        session_id=row.session_id,
        message_id=row.id,
        role=row.role,
        created_at=row.created_at,
        excerpt=_excerpt(text, start, start + len(needle)),
    )


def _excerpt(text: str, start: int, end: int) -> str:
    """The surroundings of a hit that was found at these places of the folded text."""
    first, last = _place(text, start), _place(text, end - 1) + 1
    left, right = max(0, first - _AROUND), min(len(text), last + _AROUND)
    return f"{'…' if left else ''}{text[left:right].strip()}{'…' if right < len(text) else ''}"


def _place(text: str, folded_place: int) -> int:
    """Where in a text the character is whose folded form lies there: "ß" folds to two letters."""
    passed = 0
    for place, character in enumerate(text):
        passed += len(character.casefold())
        if passed > folded_place:
            return place
    return len(text) - 1


def _one_line(text: str) -> str:
    return unicodedata.normalize("NFC", " ".join(text.split()))
