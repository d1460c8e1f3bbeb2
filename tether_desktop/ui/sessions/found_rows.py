"""What a search has found, as rows: chats by their titles, then messages with the words in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from tether_desktop.context.records import SearchHit, SessionRecord
from tether_desktop.ui.look.plain_view import visible
from tether_desktop.ui.sessions.chat_titles import age_text, shown_text, shown_title
from tether_desktop.ui.translation import counted, translate

Marks = tuple[tuple[int, int], ...]
FEW = 5
"""Titles that are shown at first, so that messages are seen as well."""


@dataclass(frozen=True, slots=True)
class Found:
    """One row.

    Attributes:
        marks: where in the text, of messages in the excerpt, the words stand, as (start, end).
        age: when it was said or last used, as short as can be.
    """

    kind: Literal["heading", "chat", "more", "message"]
    text: str
    session_id: str = ""
    message_id: str = ""
    excerpt: str = ""
    marks: Marks = ()
    age: str = ""
    archived: bool = False

    @property
    def spoken(self) -> str:
        """What a screen reader says."""
        archived = translate("FoundRows", "in the archive") if self.archived else ""
        return ", ".join(filter(None, (self.text, self.excerpt, archived, self.age)))


def title_rows(records: Sequence[SessionRecord], query: str, today: date, *, all_of_them: bool) -> list[Found]:
    """The chats whose titles have the words; the first few, and what shows the rest."""
    if not records:
        return []
    shown = records if all_of_them or len(records) <= FEW + 1 else records[:FEW]
    rows = [Found("heading", translate("FoundRows", "Chats"))]
    rows += (_title_row(record, query, today) for record in shown)
    rest = len(records) - len(shown)
    if rest:
        rows.append(Found("more", counted("FoundRows", "%n more chat(s)", rest)))
    return rows


def message_rows(hits: Iterable[SearchHit], today: date) -> list[Found]:
    """The messages that have the words."""
    return [_message_row(hit, today) for hit in hits]


def messages_heading() -> Found:
    """What stands above the messages."""
    return Found("heading", translate("FoundRows", "Messages"))


def marks_of(text: str, query: str) -> Marks:
    """Where words of a query stand in a text, as (start, end), without overlaps."""
    folded = text.casefold()
    if len(folded) != len(text):
        return ()
    places = sorted((at, at + len(word)) for word in set(query.casefold().split()) if (at := folded.find(word)) >= 0)
    kept: list[tuple[int, int]] = []
    for start, end in places:
        if not kept or start >= kept[-1][1]:
            kept.append((start, end))
    return tuple(kept)


def shown_excerpt(excerpt: str, marks: Marks) -> tuple[str, Marks]:
    """An excerpt in which nothing is hidden, and where the marks are then."""
    shown, moved, place = "", [], 0
    for start, end in marks:
        shown += visible(excerpt[place:start])
        begin = len(shown)
        shown += visible(excerpt[start:end])
        moved.append((begin, len(shown)))
        place = end
    return shown + visible(excerpt[place:]), tuple(moved)


def _title_row(record: SessionRecord, query: str, today: date) -> Found:
    title = shown_title(record)
    age = age_text(record.last_active, today)
    return Found("chat", title, record.id, marks=marks_of(title, query), age=age, archived=record.archived)


def _message_row(hit: SearchHit, today: date) -> Found:
    excerpt, marks = shown_excerpt(hit.excerpt, hit.marks)
    title = shown_text(hit.title) or translate("ChatTitles", "New chat")
    return Found("message", title, hit.session_id, hit.message_id, excerpt, marks, age_text(hit.created_at, today))
