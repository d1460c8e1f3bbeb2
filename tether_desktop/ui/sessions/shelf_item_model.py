"""The Qt item model of chats that are out of the list: those of the archive, or of the bin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from tether_desktop.context.records import SessionRecord
from tether_desktop.ui.sessions.chat_titles import shown_title
from tether_desktop.ui.sessions.session_item_model import SESSION_ID_ROLE

Index = QModelIndex | QPersistentModelIndex


class ShelfItemModel(QAbstractListModel):
    """One row for each chat."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._records: list[SessionRecord] = []

    @property
    def ids(self) -> tuple[str, ...]:
        """All chats, from top to bottom."""
        return tuple(record.id for record in self._records)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802  (Qt's signature)
        """How many chats there are."""
        return 0 if parent.isValid() else len(self._records)

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> Any:
        """Title and identity of a chat."""
        if not index.isValid() or index.row() >= len(self._records):
            return None
        record = self._records[index.row()]
        if role in {Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole}:
            return shown_title(record)
        return record.id if role == SESSION_ID_ROLE else None

    def show(self, records: Sequence[SessionRecord]) -> None:
        """Have these chats; the same ones stay selected where they stay in place."""
        if [record.id for record in records] == list(self.ids):
            self._records = list(records)
            if records:
                self.dataChanged.emit(self.index(0), self.index(len(records) - 1))
            return
        self.beginResetModel()
        self._records = list(records)
        self.endResetModel()
