"""Titles of chats as the window shows them: in one line, not too long, and with nothing hidden in them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from PySide6.QtCore import QDate, QLocale

from tether_desktop.context.records import SessionRecord
from tether_desktop.ui.look.plain_view import visible
from tether_desktop.ui.translation import mark, translate

LONGEST = 300
"""Characters of a title that are shown: there may be any number of them."""

PINNED = mark("ChatTitles", "Pinned")
FOLDERS = mark("ChatTitles", "Folders")
ALL = mark("ChatTitles", "Chats")
_OLDER = mark("ChatTitles", "Older")
_AGES = (
    (0, mark("ChatTitles", "Today")),
    (1, mark("ChatTitles", "Yesterday")),
    (7, mark("ChatTitles", "Previous 7 days")),
    (30, mark("ChatTitles", "Previous 30 days")),
)


def shown_title(record: SessionRecord) -> str:
    """What a chat is called."""
    return shown_text(record.title) or translate("ChatTitles", "New chat")


def shown_text(text: str) -> str:
    """A name in one line; what nobody would see of it is spelled out."""
    line = " ".join(text[: LONGEST * 4].split())
    cut = line[:LONGEST]
    return (cut if cut.isprintable() else visible(cut)) + ("…" if len(line) > LONGEST else "")


def heading(text: str) -> str:
    """A heading in the language that is on."""
    return translate("ChatTitles", text)


class AgeGroups:
    """The headings that chats belong under by when they were last used, as seen on one day."""

    def __init__(self, today: date) -> None:
        # Instants compare much faster than the dates of instants, and a list may have ten thousand chats.
        self._begins = [(_midnight(today - timedelta(days=days)), name) for days, name in _AGES]

    def of(self, instant: datetime) -> str:
        """The heading of a chat last used at an instant, not translated yet."""
        for begin, name in self._begins:
            if instant >= begin:
                return name
        return _OLDER


def age_text(instant: datetime, today: date) -> str:
    """When something was, as short as can be: a time of today, a day of this week, or a date."""
    local = instant.astimezone()
    locale, days = QLocale(), (today - local.date()).days
    if days <= 0:
        return f"{local:%H:%M}"
    if days < 7:
        return locale.dayName(local.isoweekday(), QLocale.FormatType.ShortFormat)
    if local.year == today.year:
        return f"{local.day} {locale.monthName(local.month, QLocale.FormatType.ShortFormat)}"
    return locale.toString(QDate(local.year, local.month, local.day), QLocale.FormatType.ShortFormat)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time()).astimezone(UTC)
