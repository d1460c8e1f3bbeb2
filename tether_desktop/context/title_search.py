"""Finds conversations by their titles: few and short enough to look through each time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from sqlalchemy import Connection, select

from tether_desktop.context.excerpts import excerpt_of
from tether_desktop.context.queries import find_sessions
from tether_desktop.context.records import SearchHit, SessionRecord
from tether_desktop.context.tables import SessionTable
from tether_desktop.context.words import fold, one_line

_REMEMBERED: Final = 20_000
_LONGEST: Final = 1_000
"""Characters of a title that are looked at."""


def titled_sessions(connection: Connection, patterns: Sequence[re.Pattern[str]]) -> list[str]:
    """The ids of the sessions, but for those in the bin, whose titles have all the words; the last active first."""
    titles = select(SessionTable.id, SessionTable.title).where(SessionTable.deleted_at.is_(None))
    newest_first = titles.order_by(SessionTable.last_active.desc(), SessionTable.id.desc())
    found = [(session_id, _folded(title)) for session_id, title in connection.execute(newest_first)]
    for pattern in patterns:
        found = [titled for titled in found if pattern.search(titled[1])]
    return [session_id for session_id, _ in found]


def title_hits(
    connection: Connection, session_ids: Sequence[str], patterns: Sequence[re.Pattern[str]]
) -> list[SearchHit]:
    """What is shown of sessions that were found so."""
    return [_hit(session, patterns) for session in find_sessions(connection, session_ids)]


def _hit(session: SessionRecord, patterns: Sequence[re.Pattern[str]]) -> SearchHit:
    excerpt, marks = excerpt_of(one_line(session.title[:_LONGEST]), patterns)
    return SearchHit(
        title=session.title,
        session_id=session.id,
        message_id="",
        role="user",
        created_at=session.last_active,
        excerpt=excerpt,
        marks=marks,
        where="title",
    )


@lru_cache(_REMEMBERED)
def _folded(title: str) -> str:
    return fold(one_line(title[:_LONGEST]))
