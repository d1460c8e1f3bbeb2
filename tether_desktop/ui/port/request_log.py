"""The requests of the local port as they come: who asked for what, and how it went."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QHideEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QAbstractItemView, QHBoxLayout, QHeaderView, QSizePolicy, QTableView, QVBoxLayout, QWidget

from tether_desktop.ui.look import spacing
from tether_desktop.ui.look.themed_button import ThemedButton
from tether_desktop.ui.models.install_view import plain_label
from tether_desktop.ui.port.request_model import RequestModel

if TYPE_CHECKING:
    from tether_desktop.protocol.api.port.recent_requests import RecentRequest

_LINES = 9
_PROGRAM, _REQUEST, _TOOK = 1, 2, 4
_SAMPLES = {0: "00:00:00", 3: "000", 4: "0000 ms"}
"""The widest words of the columns that have a width of their own."""
_CELL = 22
_PROGRAM_SHARE = 0.4
_PROGRAM_MOST = 24
_BOTH_LEAST, _REQUEST_LEAST = 28, 16
"""Characters: with less room the program is not shown, and then not how long it took."""


class RequestLog(QWidget):
    """A table that fills itself while it is seen, and stands still while it is paused.

    Attributes:
        model: what is shown.
        table, pause_button, clear_button: its parts.

    Signals:
        watched(bool): somebody sees it, or nobody any more.
    """

    watched = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = RequestModel(self)
        self.table = QTableView()
        self.table.setModel(self.model)
        self._held: list[RecentRequest] = []
        self._paused = False
        self.pause_button = ThemedButton("", "pause", kind="answer")
        self.clear_button = ThemedButton(self.tr("Clear"), "x", kind="answer")
        self.note = plain_label("small")
        self._prepare_table()
        self._lay_out()
        self.pause_button.clicked.connect(self._on_pause)
        self.clear_button.clicked.connect(self._on_clear)
        self._refresh()

    @Slot(object)
    def take(self, requests: Sequence[RecentRequest]) -> None:
        """Show requests that came, or keep them until it goes on."""
        if self._paused:
            self._held.extend(requests)
        else:
            self.model.add(requests)
        self._refresh()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802  (Qt's name)
        """Somebody sees it."""
        super().showEvent(event)
        self.watched.emit(True)

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802  (Qt's name)
        """Nobody sees it any more."""
        super().hideEvent(event)
        self.watched.emit(False)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802  (Qt's name)
        """Give the request what the other columns leave; where that is little, some of them go."""
        super().resizeEvent(event)
        figure = self.table.fontMetrics().averageCharWidth()
        widths = {column: self._width_of(column) for column in _SAMPLES}
        left = event.size().width() - sum(widths.values())
        self.table.setColumnHidden(_TOOK, left < _REQUEST_LEAST * figure)
        self.table.setColumnHidden(_PROGRAM, left < _BOTH_LEAST * figure)
        widths[_PROGRAM] = min(_PROGRAM_MOST * figure, int(left * _PROGRAM_SHARE))
        for column, width in widths.items():
            self.table.setColumnWidth(column, width)

    def _width_of(self, column: int) -> int:
        words = (_SAMPLES[column], str(self.model.headerData(column, Qt.Orientation.Horizontal)))
        return max(self.table.fontMetrics().horizontalAdvance(each) for each in words) + _CELL

    def _prepare_table(self) -> None:
        table = self.table
        table.setAccessibleName(self.tr("Requests of the local port"))
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        table.setTabKeyNavigation(False)
        table.setMinimumWidth(0)
        table.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        table.verticalHeader().hide()
        line = table.fontMetrics().lineSpacing() + 6
        table.verticalHeader().setDefaultSectionSize(line)
        table.setFixedHeight(_LINES * line + 12)
        header = table.horizontalHeader()
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeading | Qt.AlignmentFlag.AlignVCenter)
        header.setMinimumSectionSize(_CELL)
        header.setSectionResizeMode(_REQUEST, QHeaderView.ResizeMode.Stretch)

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(spacing.NEAR)
        row.addWidget(self.note, 1)
        for button in (self.pause_button, self.clear_button):
            button.setAutoDefault(False)
            row.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(spacing.SMALL)
        layout.addLayout(row)
        layout.addWidget(self.table)

    def _refresh(self) -> None:
        if self._paused:
            self.note.setText(self.tr("Paused; %n request(s) came meanwhile.", "", len(self._held)))
        elif self.model.rows:
            self.note.setText(self.tr("The newest first; what was asked and answered is not kept."))
        else:
            self.note.setText(self.tr("No program has asked for anything yet."))
        self.pause_button.setText(self.tr("Go on") if self._paused else self.tr("Pause"))
        self.pause_button.setAccessibleName(self.pause_button.text())
        self.pause_button.set_icon("play" if self._paused else "pause", "muted")

    @Slot()
    def _on_pause(self) -> None:
        self._paused = not self._paused
        if not self._paused:
            self.model.add(self._held)
            self._held.clear()
        self._refresh()

    @Slot()
    def _on_clear(self) -> None:
        self.model.clear()
        self._held.clear()
        self._refresh()
