"""The Qt item model of what a search has found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from tether_desktop.context.records import SearchHit, SessionRecord
from tether_desktop.ui.sessions.found_rows import Found, message_rows, messages_heading, title_rows
from tether_desktop.ui.sessions.session_item_model import HEADING_ROLE, SESSION_ID_ROLE

FOUND_ROLE = int(Qt.ItemDataRole.UserRole) + 50

Index = QModelIndex | QPersistentModelIndex


class SearchItemModel(QAbstractListModel):
    """Chats found by their titles, then messages; further messages come once they are wanted.

    Signals:
        more_wanted(count): the messages after so many are to be found as well.
    """

    more_wanted = Signal(int)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[Found] = []
        self._records: Sequence[SessionRecord] = ()
        self._query = ""
        self._titles = 0
        self._hits = 0
        self._has_more = False

    @property
    def hits(self) -> int:
        """How many messages there are."""
        return self._hits

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802  (Qt's signature)
        """Rows, headings included."""
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> Any:
        """Text, identity and all of a row."""
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        row = self._rows[index.row()]
        values: dict[int, Any] = {
            Qt.ItemDataRole.DisplayRole: row.text,
            Qt.ItemDataRole.AccessibleTextRole: row.spoken,
            SESSION_ID_ROLE: row.session_id,
            HEADING_ROLE: row.kind == "heading",
            FOUND_ROLE: row,
        }
        return values.get(role)

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Headings are only to be read."""
        if not index.isValid() or self._rows[index.row()].kind == "heading":
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable

    def canFetchMore(self, parent: Index) -> bool:  # noqa: N802  (Qt's name)
        """Whether there are messages after the last one."""
        return not parent.isValid() and self._has_more

    def fetchMore(self, parent: Index) -> None:  # noqa: N802  (Qt's name)
        """Ask for the next messages, once."""
        if self.canFetchMore(parent):
            self._has_more = False
            self.more_wanted.emit(self._hits)

    def set_titles(self, query: str, records: Sequence[SessionRecord]) -> None:
        """Show the chats that are found at once; the messages of the last search stay until others come."""
        self._query, self._records = query, records
        self._has_more = False
        self._show_titles(all_of_them=False)

    def show_all_titles(self) -> None:
        """Show every chat that was found."""
        self._show_titles(all_of_them=True)

    def set_hits(self, hits: Iterable[SearchHit], *, more: bool) -> None:
        """Show these messages instead of others."""
        self.beginResetModel()
        rows = message_rows(hits, _today())
        self._rows = self._rows[: self._titles] + ([messages_heading(), *rows] if rows else [])
        self._hits, self._has_more = len(rows), more
        self.endResetModel()

    def add_hits(self, hits: Iterable[SearchHit], *, more: bool) -> None:
        """Show further messages."""
        rows = message_rows(hits, _today())
        if rows:
            self.beginInsertRows(QModelIndex(), len(self._rows), len(self._rows) + len(rows) - 1)
            self._rows += rows
            self.endInsertRows()
        self._hits, self._has_more = self._hits + len(rows), more

    def _show_titles(self, *, all_of_them: bool) -> None:
        self.beginResetModel()
        rows = title_rows(self._records, self._query, _today(), all_of_them=all_of_them)
        self._rows = rows + self._rows[self._titles :]
        self._titles = len(rows)
        self.endResetModel()


def _today() -> date:
    return datetime.now().astimezone().date()
