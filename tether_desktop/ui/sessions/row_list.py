"""Rows of a Qt item model that become others in as few steps as there are changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QAbstractListModel, QModelIndex

from tether_desktop.ui.sessions.session_rows import Row

_RESET_ABOVE = 60
"""Rows that come and go singly; where there are more, everything is new to the view."""


class RowList:
    """Holds the rows, and tells the view of a model how others take their place: selection and editors stay."""

    def __init__(self, model: QAbstractListModel, on_change: Callable[[int, int], None]) -> None:
        """Prepare.

        Args:
            model: whose rows they are; it lends its protected methods.
            on_change: tells that rows from one to another say something else.
        """
        self._model = model
        self._on_change = on_change
        self.rows: list[Row] = []

    def place(self, row: Row | None) -> int:
        """Where a row is; -1 where it is not."""
        return next((number for number, each in enumerate(self.rows) if each is row), -1)

    def show(self, wanted: list[Row]) -> None:
        """Have these rows."""
        first, old_end, new_end = _difference(self.rows, wanted)
        old, new = self.rows[first:old_end], wanted[first:new_end]
        if [row.key for row in old] == [row.key for row in new]:
            if new:
                self.rows[first:old_end] = new
                self._on_change(first, old_end - 1)
        elif not old:
            self._insert(first, new)
        elif not new:
            self._remove(first, old_end)
        elif len({row.key for row in old} ^ {row.key for row in new}) > _RESET_ABOVE:
            self._model.beginResetModel()
            self.rows = wanted
            self._model.endResetModel()
        else:
            self._settle_all(first, old_end, new)

    def _insert(self, first: int, new: Sequence[Row]) -> None:
        self._model.beginInsertRows(QModelIndex(), first, first + len(new) - 1)
        self.rows[first:first] = new
        self._model.endInsertRows()

    def _remove(self, first: int, end: int) -> None:
        self._model.beginRemoveRows(QModelIndex(), first, end - 1)
        del self.rows[first:end]
        self._model.endRemoveRows()

    def _settle_all(self, first: int, old_end: int, new: Sequence[Row]) -> None:
        wanted = {row.key for row in new}
        for number in range(old_end - 1, first - 1, -1):
            if self.rows[number].key not in wanted:
                self._remove(number, number + 1)
        for number, row in enumerate(new, first):
            self._settle(number, row)

    def _settle(self, number: int, row: Row) -> None:
        """Bring one row to its place, moving or inserting it."""
        if number >= len(self.rows) or self.rows[number].key != row.key:
            source = next((n for n in range(number + 1, len(self.rows)) if self.rows[n].key == row.key), None)
            if source is None:
                self._insert(number, [row])
                return
            self._model.beginMoveRows(QModelIndex(), source, source, QModelIndex(), number)
            self.rows.insert(number, self.rows.pop(source))
            self._model.endMoveRows()
        if self.rows[number] is not row:
            self.rows[number] = row
            self._on_change(number, number)


def _difference(old: Sequence[Row], new: Sequence[Row]) -> tuple[int, int, int]:
    """Where the rows begin to differ, and where they end doing so in either."""
    shorter = min(len(old), len(new))
    first = next((n for n in range(shorter) if old[n] is not new[n]), shorter)
    same = 0
    while same < shorter - first and old[-1 - same] is new[-1 - same]:
        same += 1
    return first, len(old) - same, len(new) - same
