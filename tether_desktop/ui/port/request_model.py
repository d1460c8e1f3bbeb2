"""The requests of the local port as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor

from tether_desktop.protocol.api.port.recent_requests import KEPT, OWN
from tether_desktop.ui.look import theme
from tether_desktop.ui.look.plain_view import visible
from tether_desktop.ui.number_text import duration_text

if TYPE_CHECKING:
    from tether_desktop.protocol.api.port.recent_requests import RecentRequest

_STATUS = 3
_FAILED = 400
_Index = QModelIndex | QPersistentModelIndex


class RequestModel(QAbstractTableModel):
    """The newest one first."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[RecentRequest] = []

    @property
    def rows(self) -> tuple[RecentRequest, ...]:
        """What is shown."""
        return tuple(self._rows)

    def add(self, requests: Sequence[RecentRequest]) -> None:
        """Put those that are not there yet above the others; the oldest ones go."""
        newest = self._rows[0].number if self._rows else 0
        fresh = [each for each in reversed(requests) if each.number > newest][:KEPT]
        if not fresh:
            return
        self.beginInsertRows(QModelIndex(), 0, len(fresh) - 1)
        self._rows[:0] = fresh
        self.endInsertRows()
        if len(self._rows) > KEPT:
            self.beginRemoveRows(QModelIndex(), KEPT, len(self._rows) - 1)
            del self._rows[KEPT:]
            self.endRemoveRows()

    def clear(self) -> None:
        """Show none of them any more."""
        self.beginResetModel()
        self._rows.clear()
        self.endResetModel()

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008, N802  (Qt's way)
        """How many are shown."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, _parent: _Index = QModelIndex()) -> int:  # noqa: B008, N802  (Qt's way)
        """Time, program, request, status, duration."""
        return len(self._headings())

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:  # noqa: N802  (Qt's name)
        """What a column has."""
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return self._headings()[section]
        return None

    def data(self, index: _Index, role: int = 0) -> Any:
        """A cell: its words, and the colour of what went wrong."""
        request = self._rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return self._words(request)[index.column()]
        if role == Qt.ItemDataRole.ToolTipRole:
            cells = zip(self._headings(), self._words(request), strict=True)
            return "\n".join(f"{name}: {words}" for name, words in cells)
        if role == Qt.ItemDataRole.ForegroundRole and index.column() == _STATUS and request.status >= _FAILED:
            return QColor(theme.active().colors.danger)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{self._headings()[index.column()]}: {self._words(request)[index.column()]}"
        return None

    def _headings(self) -> tuple[str, ...]:
        return (self.tr("Time"), self.tr("Program"), self.tr("Request"), self.tr("Status"), self.tr("Took"))

    def _words(self, request: RecentRequest) -> tuple[str, ...]:
        token = self.tr("own token") if request.token == OWN else request.token or self.tr("no token")
        client = f"{visible(request.client)}, {visible(token)}" if request.client else visible(token)
        took = duration_text(request.seconds)
        asked = f"{request.method} {visible(request.path)}"
        return (f"{request.at.astimezone():%H:%M:%S}", client, asked, str(request.status), took)
