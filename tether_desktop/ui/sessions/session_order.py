"""The chats in their order: kept sorted, so that what changes costs no more than what has changed."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Literal

from tether_desktop.context.records import SessionRecord
from tether_desktop.context.words import fold

Sort = Literal["activity", "created", "title"]
SORTS: tuple[Sort, ...] = ("activity", "created", "title")

PINNED_GROUP = "pinned"
LOOSE_GROUP = "loose"
ARCHIVED_GROUP = "archived"
_ALL_AT_ONCE = 300
"""From so many changes on, sorting everything is cheaper than finding each its place."""

_Key = tuple[float | str, str]


def folder_group(folder_id: str) -> str:
    """The group of the chats of a folder."""
    return f"folder {folder_id}"


class SessionOrder:
    """All chats, in groups that are each in order: pinned, of a folder, loose, archived."""

    def __init__(self) -> None:
        self._records: dict[str, SessionRecord] = {}
        self._groups: dict[str, list[_Key]] = {}
        self._places: dict[str, tuple[str, _Key]] = {}
        self._folders: frozenset[str] = frozenset()
        self._sort: Sort = "activity"
        self._words: dict[str, tuple[str, str]] = {}

    def __len__(self) -> int:
        return len(self._records)

    @property
    def sort(self) -> Sort:
        """By what the chats are in order."""
        return self._sort

    @property
    def newest(self) -> datetime | None:
        """When something was last said in any chat; None when there is none."""
        return max((record.last_active for record in self._records.values()), default=None)

    def get(self, session_id: str) -> SessionRecord | None:
        """A chat by its id."""
        return self._records.get(session_id)

    def group_of(self, session_id: str) -> str:
        """The group that a chat is in; empty for an unknown one."""
        return self._places.get(session_id, ("", ("", "")))[0]

    def count(self, group: str) -> int:
        """How many chats are in a group."""
        return len(self._groups.get(group, ()))

    def each(self, group: str) -> Iterator[SessionRecord]:
        """The chats of a group, in order."""
        return (self._records[session_id] for _, session_id in self._groups.get(group, ()))

    def fill(self, records: Iterable[SessionRecord]) -> None:
        """Have these chats and no others."""
        self._records = {record.id: record for record in records}
        self._arrange()

    def change(self, changed: Iterable[SessionRecord], gone: Iterable[str] = ()) -> None:
        """Take what became of chats."""
        changed, gone = tuple(changed), tuple(gone)
        self._records.update((record.id, record) for record in changed)
        if len(changed) + len(gone) > _ALL_AT_ONCE:
            for session_id in gone:
                self._records.pop(session_id, None)
            self._arrange()
            return
        for record in changed:
            self._take_out(record.id)
            self._put_in(record)
        for session_id in gone:
            self._take_out(session_id)
            self._records.pop(session_id, None)

    def sort_by(self, sort: Sort) -> None:
        """Have them in another order."""
        if sort != self._sort:
            self._sort = sort
            self._arrange()

    def set_folders(self, folder_ids: Iterable[str]) -> None:
        """Know these folders; chats of others are loose."""
        folders = frozenset(folder_ids)
        if folders != self._folders:
            self._folders = folders
            self._arrange()

    def inside(self, folder_id: str) -> tuple[str, ...]:
        """The chats that lie in a folder, pinned and archived ones too."""
        return tuple(record.id for record in self._records.values() if record.folder_id == folder_id)

    def titled(self, query: str) -> list[SessionRecord]:
        """The chats whose titles have all words of a query, also those of the archive, the last active first."""
        words = fold(query).split()
        if not words:
            return []
        found = [record for record in self._records.values() if self._has(record, words)]
        return sorted(found, key=lambda record: record.last_active, reverse=True)

    def _has(self, record: SessionRecord, words: list[str]) -> bool:
        title, folded = self._words.get(record.id, ("", ""))
        if title is not record.title:
            folded = fold(record.title)
            self._words[record.id] = record.title, folded
        return all(word in folded for word in words)

    def _arrange(self) -> None:
        self._groups, self._places = {}, {}
        for record in self._records.values():
            group, key = self._places[record.id] = self._place(record)
            self._groups.setdefault(group, []).append(key)
        for keys in self._groups.values():
            keys.sort()
        self._words = {each: known for each, known in self._words.items() if each in self._records}

    def _put_in(self, record: SessionRecord) -> None:
        group, key = self._places[record.id] = self._place(record)
        insort(self._groups.setdefault(group, []), key)

    def _take_out(self, session_id: str) -> None:
        group, key = self._places.pop(session_id, ("", ("", "")))
        keys = self._groups.get(group, [])
        place = bisect_left(keys, key)
        if place < len(keys) and keys[place] == key:
            del keys[place]
        self._words.pop(session_id, None)

    def _place(self, record: SessionRecord) -> tuple[str, _Key]:
        return self._group(record), (self._sort_value(record), record.id)

    def _group(self, record: SessionRecord) -> str:
        if record.archived:
            return ARCHIVED_GROUP
        if record.pinned:
            return PINNED_GROUP
        if record.folder_id and record.folder_id in self._folders:
            return folder_group(record.folder_id)
        return LOOSE_GROUP

    def _sort_value(self, record: SessionRecord) -> float | str:
        if self._sort == "title":
            return fold(record.title) or "\U0010ffff"
        return -(record.created_at if self._sort == "created" else record.last_active).timestamp()
