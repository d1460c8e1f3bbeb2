"""The rows of the session list: headings, folders and chats, and which of them there are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Literal

from tether_desktop.context.records import FolderRecord, SessionRecord
from tether_desktop.ui.sessions.chat_titles import (
    ALL,
    FOLDERS,
    PINNED,
    AgeGroups,
    heading,
    shown_text,
    shown_title,
)
from tether_desktop.ui.sessions.session_order import LOOSE_GROUP, PINNED_GROUP, SessionOrder, folder_group

RowKind = Literal["heading", "folder", "session"]


@dataclass(frozen=True, slots=True)
class Row:
    """One row.

    Attributes:
        key: unique in the list.
        id: of the chat or of the folder; empty for a heading.
        inside: the folder that a chat is shown in; empty for none.
        count: how many chats a folder has.
    """

    kind: RowKind
    key: str
    text: str
    id: str = ""
    inside: str = ""
    count: int = 0


class RowPlan:
    """Says which rows there are to be, the same row being the same object as long as it says the same."""

    def __init__(self, order: SessionOrder) -> None:
        self._order = order
        self._made: dict[str, Row] = {}
        self._of: dict[str, tuple[SessionRecord, str]] = {}
        self.folders: tuple[FolderRecord, ...] = ()
        self.collapsed: set[str] = set()

    def rows(self, most: int) -> tuple[list[Row], bool]:
        """At most so many rows, and whether there are more."""
        every = self._every()
        rows = list(islice(every, most))
        return rows, len(rows) == most and next(every, None) is not None

    def made(self, session_id: str) -> Row | None:
        """The row of a chat, if it ever had one."""
        return self._made.get(session_id)

    def forget(self, session_id: str) -> None:
        """A chat is no more."""
        self._made.pop(session_id, None)
        self._of.pop(session_id, None)

    def is_listed(self, session_id: str) -> bool:
        """Whether a chat has a row, or gets one once there are enough rows."""
        group = self._order.group_of(session_id)
        shown = {PINNED_GROUP, LOOSE_GROUP} | {
            folder_group(each.id) for each in self.folders if each.id not in self.collapsed
        }
        return group in shown

    def set_folders(self, folders: Sequence[FolderRecord]) -> None:
        """Know these folders, in their order."""
        self.folders = tuple(folders)
        self.collapsed &= {each.id for each in folders}
        self._order.set_folders(each.id for each in folders)

    def _every(self) -> Iterator[Row]:
        if self._order.count(PINNED_GROUP):
            yield self._heading(PINNED)
            yield from map(self._session, self._order.each(PINNED_GROUP))
        if self.folders:
            yield self._heading(FOLDERS)
        for folder in self.folders:
            group = folder_group(folder.id)
            yield self._row(
                Row("folder", f"folder {folder.id}", shown_text(folder.name), folder.id, "", self._order.count(group))
            )
            if folder.id not in self.collapsed:
                yield from (self._session(record, folder.id) for record in self._order.each(group))
        yield from self._loose()

    def _loose(self) -> Iterator[Row]:
        ages = AgeGroups(datetime.now().astimezone().date())
        sort, shown = self._order.sort, ""
        for record in self._order.each(LOOSE_GROUP):
            instant = record.created_at if sort == "created" else record.last_active
            name = ALL if sort == "title" else ages.of(instant)
            if name != shown:
                shown = name
                yield self._heading(name)
            yield self._session(record)

    def _heading(self, name: str) -> Row:
        return self._row(Row("heading", f"heading {name}", heading(name)))

    def _session(self, record: SessionRecord, inside: str = "") -> Row:
        # Ten thousand titles are made fit to be shown only once.
        made_of = self._of.get(record.id)
        if made_of is None or made_of[0] is not record or made_of[1] != inside:
            self._of[record.id] = record, inside
            return self._row(Row("session", record.id, shown_title(record), record.id, inside))
        return self._made[record.id]

    def _row(self, wanted: Row) -> Row:
        made = self._made.get(wanted.key)
        if made != wanted:
            made = self._made[wanted.key] = wanted
        return made
