"""Finds what was said: the index proposes messages, newest first, and their text decides."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Final

from sqlalchemy import Connection, Row

from tether_desktop.context.excerpts import excerpt_of
from tether_desktop.context.parts import load_parts
from tether_desktop.context.proposals import Proposed, proposed_messages
from tether_desktop.context.records import SearchHit
from tether_desktop.context.searchable import Source, sources_of
from tether_desktop.context.title_search import title_hits, titled_sessions
from tether_desktop.context.words import fold, one_line, patterns_of, terms_of
from tether_desktop.messages import Message

_MOST_WORDS: Final = 32
"""Words of a query that count: somebody may paste a page."""

_MOST_ROWS: Final = 500


def search_messages(
    connection: Connection, query: str, *, limit: int, offset: int, except_session: str
) -> list[SearchHit]:
    """The newest messages that have all words of the query in what is visible or in their files, but for the bin's.

    The last word may be the beginning of one. Every version of a message counts, shown or not. Letter case, accents
    and the kind of white space make no difference; no character has a special meaning. An empty query finds nothing.
    """
    words = _words(query)
    if not words or limit < 1:
        return []
    patterns = patterns_of(words)
    proposed = proposed_messages(connection, terms_of(words), except_session)
    hits = (_hit(row, patterns) for row in _newest_first(connection, proposed, at_once=offset + limit))
    return list(islice(filter(None, hits), offset, offset + limit))


def search_all(connection: Connection, query: str, *, limit: int, offset: int) -> list[SearchHit]:
    """The sessions in whose titles all words of the query are, then the messages of :func:`search_messages`."""
    words = _words(query)
    if not words or limit < 1:
        return []
    patterns = patterns_of(words)
    titled = titled_sessions(connection, patterns)
    hits = title_hits(connection, titled[offset : offset + limit], patterns)
    further, passed = limit - len(hits), max(0, offset - len(titled))
    return hits + search_messages(connection, query, limit=further, offset=passed, except_session="")


def _newest_first(connection: Connection, proposed: Proposed, *, at_once: int) -> Iterator[Row[Any]]:
    """Messages that may be hits; most are, so few more are read than are wanted."""
    # In batches, each beginning where the last one ended, since the driver of PostgreSQL would fetch all at once.
    at_once = min(at_once, _MOST_ROWS)
    batch = connection.execute(proposed.rows.limit(at_once)).all()
    while batch:
        yield from batch
        if len(batch) < at_once:
            return
        at_once = _MOST_ROWS
        older = proposed.rows.where(proposed.number < batch[-1].number)
        batch = connection.execute(older.limit(at_once)).all()


def _hit(row: Row[Any], patterns: Sequence[re.Pattern[str]]) -> SearchHit | None:
    source = _best_source(Message(row.role, load_parts(row.parts)), patterns)
    if source is None:
        return None
    excerpt, marks = excerpt_of(source.text, patterns)
    return SearchHit(
        title=row.title,
        session_id=row.session_id,
        message_id=row.id,
        role=row.role,
        created_at=row.created_at,
        excerpt=excerpt,
        marks=marks,
        where="attachment" if source.file else "message",
        attachment=source.file,
    )


def _best_source(message: Message, patterns: Sequence[re.Pattern[str]]) -> Source | None:
    """The first text that has all the words; else, where all texts together have them, the first that has one."""
    first, missing = None, set(patterns)
    for source in sources_of(message):
        folded = fold(source.text)
        found = {pattern for pattern in patterns if pattern.search(folded)}
        if len(found) == len(set(patterns)):
            return source
        first = first or (source if found else None)
        missing -= found
    return None if missing else first


def _words(query: str) -> list[str]:
    return fold(one_line(query)).split()[:_MOST_WORDS]
