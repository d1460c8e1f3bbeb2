"""The Qt item model of the session list: pinned ones first, then the newest, in groups by age, filtered by title."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from operator import attrgetter
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from tether_desktop.context.records import SessionRecord

SESSION_ID_ROLE = int(Qt.ItemDataRole.UserRole)
BUSY_ROLE = SESSION_ID_ROLE + 1
HEADING_ROLE = SESSION_ID_ROLE + 2
WAITING_ROLE = SESSION_ID_ROLE + 3
PINNED_ROLE = SESSION_ID_ROLE + 4

UNTITLED = "New chat"
PINNED = "Pinned"
_RESET_ABOVE = 60
_PAGE = 200
"""How many more rows there are whenever the view comes to the end; so the list is as cheap with 10,000 chats."""

Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True, slots=True)
class _Row:
    """A heading (no session) or a session; ``key`` is unique in the list."""

    key: str
    text: str
    session_id: str = ""


_AGES = ((0, "Today"), (1, "Yesterday"), (7, "Previous 7 days"), (30, "Previous 30 days"))
_OLDER = "Older"


class AgeGroups:
    """The headings that chats belong under by when they were last used, as seen on one day."""

    def __init__(self, today: date) -> None:
        # Instants compare much faster than the dates of instants, and a list may have ten thousand chats.
        self._begins = [(_midnight(today - timedelta(days=days)), heading) for days, heading in _AGES]

    def of(self, instant: datetime) -> str:
        """The heading of a chat last used at an instant."""
        for begin, heading in self._begins:
            if instant >= begin:
                return heading
        return _OLDER


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time()).astimezone(UTC)


class SessionItemModel(QAbstractListModel):
    """Sessions as rows, with a heading row above each group; further down, there are rows once they are wanted.

    Signals:
        rename_requested(session_id, title): a title was edited in the list; :meth:`session` still has the
            old one, and the new one is shown next.
        rebuilt(): rows came, went or moved.

    Attributes:
        rebuilding: whether that is going on, when Qt moves the current row by itself.
    """

    rename_requested = Signal(str, str)
    rebuilt = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._sessions: dict[str, SessionRecord] = {}
        self._busy: set[str] = set()
        self._waiting: set[str] = set()
        self._words: list[str] = []
        self._rows: list[_Row] = []
        self._made: dict[str, _Row] = {}
        self._most = _PAGE
        self._has_more = False
        self.rebuilding = False

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802  (Qt's signature)
        """Rows, headings included."""
        return 0 if parent.isValid() else len(self._rows)

    def canFetchMore(self, parent: Index) -> bool:  # noqa: N802  (Qt's name)
        """Whether there are sessions below the last row; not while rows move, when Qt asks too."""
        return not parent.isValid() and self._has_more and not self.rebuilding

    def fetchMore(self, parent: Index) -> None:  # noqa: N802  (Qt's name)
        """Have rows for the next sessions."""
        if self.canFetchMore(parent):
            self._most += _PAGE
            self._rebuild()

    def reveal(self, session_id: str) -> None:
        """Have as many rows as it takes for one to be of this session."""
        record = self._sessions.get(session_id)
        while (
            record is not None and self._has_more and self._is_found(record) and not self.index_of(session_id).isValid()
        ):
            self._most *= 2
            self._rebuild()

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> Any:
        """Title, identity and state of a row."""
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        row = self._rows[index.row()]
        values: dict[int, Any] = {
            Qt.ItemDataRole.DisplayRole: row.text,
            Qt.ItemDataRole.EditRole: row.text,
            Qt.ItemDataRole.ToolTipRole: row.text if row.session_id else None,
            Qt.ItemDataRole.AccessibleTextRole: self._spoken(row),
            SESSION_ID_ROLE: row.session_id,
            BUSY_ROLE: row.session_id in self._busy,
            WAITING_ROLE: row.session_id in self._waiting,
            HEADING_ROLE: not row.session_id,
            PINNED_ROLE: row.session_id in self._sessions and self._sessions[row.session_id].pinned,
        }
        return values.get(role)

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Headings are only to be read."""
        if not index.isValid() or not self._rows[index.row()].session_id:
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEditable

    def setData(self, index: Index, value: Any, role: int = int(Qt.ItemDataRole.EditRole)) -> bool:  # noqa: N802
        """Take an edited title; an empty one changes nothing."""
        title = " ".join(str(value).split())
        if role != Qt.ItemDataRole.EditRole or not index.isValid() or not title:
            return False
        session_id = self._rows[index.row()].session_id
        if title != self._rows[index.row()].text:
            self.rename_requested.emit(session_id, title)
            self.set_title(session_id, title)
        return True

    def session(self, session_id: str) -> SessionRecord | None:
        """A session by its id."""
        return self._sessions.get(session_id)

    def sessions(self) -> list[SessionRecord]:
        """All sessions, pinned ones and then the newest first, whatever the filter."""
        newest = sorted(self._sessions.values(), key=attrgetter("last_active"), reverse=True)
        return sorted(newest, key=attrgetter("pinned"), reverse=True)

    def index_of(self, session_id: str) -> QModelIndex:
        """Where a session is; invalid when it is not shown."""
        made = self._made.get(session_id)
        return next((self.index(number) for number, row in enumerate(self._rows) if row is made), QModelIndex())

    def set_sessions(self, sessions: Iterable[SessionRecord]) -> None:
        """Show these sessions."""
        self._sessions = {record.id: record for record in sessions}
        self._rebuild()

    def put(self, session: SessionRecord) -> None:
        """Add a session or take its new state."""
        self._sessions[session.id] = session
        self._rebuild()

    def apply(self, changed: Iterable[SessionRecord], gone: Iterable[str]) -> None:
        """Take what became of many sessions at once."""
        self._sessions.update((record.id, record) for record in changed)
        for session_id in gone:
            self._drop(session_id)
        self._rebuild()

    def remove(self, session_id: str) -> SessionRecord | None:
        """Take a session out of the list."""
        removed = self._drop(session_id)
        self._rebuild()
        return removed

    def set_title(self, session_id: str, title: str) -> None:
        """Show another title."""
        if session_id in self._sessions:
            self._sessions[session_id] = replace(self._sessions[session_id], title=title)
            self._rebuild()

    def set_busy(self, session_id: str, busy: bool) -> None:
        """Mark a session that is being answered; it becomes the newest."""
        (self._busy.add if busy else self._busy.discard)(session_id)
        if busy and session_id in self._sessions:
            self._sessions[session_id] = replace(self._sessions[session_id], last_active=datetime.now(UTC))
            self._rebuild()
        index = self.index_of(session_id)
        if index.isValid():
            self.dataChanged.emit(index, index)

    def set_waiting(self, session_id: str, waiting: bool) -> None:
        """Mark a session in which a tool call waits for the person's permission."""
        (self._waiting.add if waiting else self._waiting.discard)(session_id)
        index = self.index_of(session_id)
        if index.isValid():
            self.dataChanged.emit(index, index)

    @property
    def waiting(self) -> frozenset[str]:
        """The sessions in which a tool call waits for permission."""
        return frozenset(self._waiting)

    def set_filter(self, text: str) -> None:
        """Show only the sessions whose title contains every word of a text."""
        self._words = text.casefold().split()
        self._rebuild()

    def _drop(self, session_id: str) -> SessionRecord | None:
        self._waiting.discard(session_id)
        self._made.pop(session_id, None)
        return self._sessions.pop(session_id, None)

    def _spoken(self, row: _Row) -> str:
        """What a screen reader says of a row."""
        if row.session_id in self._waiting:
            return f"{row.text}, waits for your approval"
        return f"{row.text}, answering" if row.session_id in self._busy else row.text

    def _wanted_rows(self) -> list[_Row]:
        ages = AgeGroups(datetime.now().astimezone().date())
        rows: list[_Row] = []
        group = ""
        self._has_more = False
        for record in self.sessions():
            if not self._is_found(record):
                continue
            if len(rows) >= self._most:
                self._has_more = True
                break
            heading = PINNED if record.pinned else ages.of(record.last_active)
            if heading != group:
                group = heading
                rows.append(self._row(f"heading {heading}", heading))
            rows.append(self._row(record.id, record.title or UNTITLED, record.id))
        return rows

    def _is_found(self, record: SessionRecord) -> bool:
        """Whether the title has all words that are searched for."""
        if not self._words:
            return True
        title = (record.title or UNTITLED).casefold()
        return all(word in title for word in self._words)

    def _row(self, key: str, text: str, session_id: str = "") -> _Row:
        """A row; the one that was made before as long as it says the same, since the same is quickly compared."""
        made = self._made.get(key)
        if made is None or made.text != text:
            made = self._made[key] = _Row(key, text, session_id)
        return made

    def _rebuild(self) -> None:
        self.rebuilding = True
        self._show_rows(self._wanted_rows())
        self.rebuilding = False
        self.rebuilt.emit()

    def _show_rows(self, wanted: list[_Row]) -> None:
        if wanted[: len(self._rows)] == self._rows:
            self._append(wanted[len(self._rows) :])
            return
        before, after = {row.key for row in self._rows}, {row.key for row in wanted}
        if len(before ^ after) > _RESET_ABOVE:
            self.beginResetModel()
            self._rows = wanted
            self.endResetModel()
            return
        if before - after:
            self._remove_missing(after)
        for number, row in enumerate(wanted):
            if number == len(self._rows) or self._rows[number] is not row:
                self._settle(number, row)
                if self._rows == wanted:
                    return

    def _append(self, rows: list[_Row]) -> None:
        """Add rows at the end, in one step, so that what is seen stays where it is."""
        if rows:
            self.beginInsertRows(QModelIndex(), len(self._rows), len(self._rows) + len(rows) - 1)
            self._rows += rows
            self.endInsertRows()

    def _remove_missing(self, keys: set[str]) -> None:
        for number in range(len(self._rows) - 1, -1, -1):
            if self._rows[number].key not in keys:
                self.beginRemoveRows(QModelIndex(), number, number)
                del self._rows[number]
                self.endRemoveRows()

    def _settle(self, number: int, row: _Row) -> None:
        """Bring one row to its place, moving or inserting it, so that selection and editors stay."""
        here = self._rows[number] if number < len(self._rows) else None
        if here is None or here.key != row.key:
            later = (n for n in range(number + 1, len(self._rows)) if self._rows[n].key == row.key)
            source = next(later, None)
            if source is None:
                self.beginInsertRows(QModelIndex(), number, number)
                self._rows.insert(number, row)
                self.endInsertRows()
                return
            self.beginMoveRows(QModelIndex(), source, source, QModelIndex(), number)
            self._rows.insert(number, self._rows.pop(source))
            self.endMoveRows()
        if self._rows[number] != row:
            self._rows[number] = row
            self.dataChanged.emit(self.index(number), self.index(number))
