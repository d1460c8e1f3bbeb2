"""Finds what was said: the index proposes messages, newest first, and their text decides."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Final

from sqlalchemy import Connection, Row

from tether_desktop.context.excerpts import excerpt_of, has_all
from tether_desktop.context.parts import load_parts
from tether_desktop.context.proposals import Proposed, proposed_messages
from tether_desktop.context.records import SearchHit
from tether_desktop.context.words import fold, one_line, patterns_of, terms_of
from tether_desktop.messages import Message

_MOST_WORDS: Final = 32
"""Words of a query that count: somebody may paste a page."""

_MOST_ROWS: Final = 500


def search_messages(
    connection: Connection, query: str, *, limit: int, offset: int, except_session: str
) -> list[SearchHit]:
    """The newest messages in whose visible text all words of the query are, of all sessions but those in the bin.

    The last word may be the beginning of one. Every version of a message counts, shown or not. Letter case, accents
    and the kind of white space make no difference; no character has a special meaning. An empty query finds nothing.
    """
    words = fold(one_line(query)).split()[:_MOST_WORDS]
    if not words or limit < 1:
        return []
    patterns = patterns_of(words)
    proposed = proposed_messages(connection, terms_of(words), except_session)
    hits = (_hit(row, patterns) for row in _newest_first(connection, proposed, at_once=offset + limit))
    return list(islice(filter(None, hits), offset, offset + limit))


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
    said = one_line(Message(row.role, load_parts(row.parts)).text)
    if not has_all(fold(said), patterns):
        return None
    excerpt, marks = excerpt_of(said, patterns)
    return SearchHit(
        title=row.title,
        session_id=row.session_id,
        message_id=row.id,
        role=row.role,
        created_at=row.created_at,
        excerpt=excerpt,
        marks=marks,
    )
