"""Rows that stay the same widgets while what they show changes, so that the keyboard stays where it is."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Generic, TypeVar

from PySide6.QtWidgets import QVBoxLayout, QWidget

from tether_desktop.ui.look import spacing

Row = TypeVar("Row", bound=QWidget)


class KeyedRows(Generic[Row]):
    """Widgets by key, in the order in which they were named last.

    Attributes:
        layout: where they lie.
        rows: by key.
    """

    def __init__(self, make: Callable[[Hashable], Row], gap: int = spacing.TIGHT) -> None:
        """``make`` gets a key that is new and gives its widget."""
        self._make = make
        self.layout = QVBoxLayout()
        self.layout.setContentsMargins(0, 0, 0, 0)
        self.layout.setSpacing(gap)
        self.rows: dict[Hashable, Row] = {}

    def show(self, keys: Iterable[Hashable]) -> None:
        """Have these rows, in this order; others go."""
        wanted = list(dict.fromkeys(keys))
        for gone in self.rows.keys() - set(wanted):
            row = self.rows.pop(gone)
            row.hide()
            self.layout.removeWidget(row)
            row.deleteLater()
        for index, key in enumerate(wanted):
            if key not in self.rows:
                self.rows[key] = self._make(key)
            if self.layout.indexOf(self.rows[key]) != index:
                self.layout.insertWidget(index, self.rows[key])
        self.rows = {key: self.rows[key] for key in wanted}
