"""The buttons of the table under the pointer: copy it, or copy it as CSV."""

from __future__ import annotations

from bisect import bisect_right

from PySide6.QtCore import QEvent, QObject, QPointF, Qt
from PySide6.QtGui import QGuiApplication, QMouseEvent, QTextCursor
from PySide6.QtWidgets import QFrame, QHBoxLayout, QTextEdit

from tether_desktop.ui.look import spacing
from tether_desktop.ui.look.icons import IconButton
from tether_desktop.ui.markdown.blocks import Table
from tether_desktop.ui.markdown.document_writer import DocumentWriter
from tether_desktop.ui.markdown.table_text import as_csv, as_tabs, table_rows

_ABOVE = 14
"""How far the buttons reach above a table that leaves no room beside it, so that they hide little of its header."""


class TableTools(QObject):
    """Shows one pair of buttons, at the table that the pointer is over.

    Attributes:
        bar: what they lie in; made at the first table.
    """

    def __init__(self, canvas: QTextEdit, writer: DocumentWriter) -> None:
        super().__init__(canvas)
        self._canvas = canvas
        self._writer = writer
        self._index = -1
        self.bar: QFrame | None = None
        canvas.viewport().installEventFilter(self)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:  # noqa: N802  (Qt's name)
        """Follow the pointer, while nothing is selected with it."""
        if event.type() == QEvent.Type.MouseMove and isinstance(event, QMouseEvent):
            if event.buttons() == Qt.MouseButton.NoButton:
                self._show_at(self._table_at(event.position()))
        elif event.type() == QEvent.Type.Leave:
            self._show_at(-1)
        return False

    def hide(self) -> None:
        """Show no buttons until the pointer moves: the tables are others now."""
        self._show_at(-1)

    def all_as_csv(self) -> str:
        """All tables, a blank line between them; empty where there is none."""
        blocks = self._writer.blocks
        tables = [index for index, block in enumerate(blocks) if isinstance(block, Table)]
        return "\n".join(as_csv(table_rows(blocks, index)) for index in tables)

    def _table_at(self, point: QPointF) -> int:
        """The index of the table at a point; -1 where there is none."""
        starts = self._writer.starts
        position = self._canvas.document().documentLayout().hitTest(point, Qt.HitTestAccuracy.FuzzyHit)
        index = bisect_right(starts, position) - 1
        blocks = self._writer.blocks
        if position < 0 or not 0 <= index < len(blocks) or not isinstance(blocks[index], Table):
            return -1
        cursor = QTextCursor(self._canvas.document())
        cursor.setPosition(position)
        return index if cursor.currentTable() is not None else -1

    def _show_at(self, index: int) -> None:
        if index == self._index:
            return
        self._index = index
        if index >= 0:
            bar = self.bar or self._make_bar()
            rect = self._writer.table_rect(index)
            size = bar.sizeHint()
            left, top, room = int(rect.right()) - 1, int(rect.top()), self._canvas.viewport().width() - size.width()
            if left > room:
                left, top = max(0, room), max(0, top - _ABOVE)
            bar.setGeometry(left, top, size.width(), size.height())
            bar.show()
            bar.raise_()
        elif self.bar is not None:
            self.bar.hide()

    def _make_bar(self) -> QFrame:
        self.bar = QFrame(self._canvas.viewport())
        self.bar.setProperty("kind", "card")
        row = QHBoxLayout(self.bar)
        row.setContentsMargins(spacing.HAIR, spacing.HAIR, spacing.HAIR, spacing.HAIR)
        row.setSpacing(spacing.HAIR)
        copy = IconButton("copy", self.tr("Copy table"), self.bar, size=15)
        copy.clicked.connect(lambda: self._copy(copy, as_tabs(self._rows())))
        comma = IconButton("file-spreadsheet", self.tr("Copy as CSV"), self.bar, size=15)
        comma.clicked.connect(lambda: self._copy(comma, as_csv(self._rows())))
        for button in (copy, comma):
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # by keyboard, the message's menu copies tables
            row.addWidget(button)
        return self.bar

    def _rows(self) -> list[list[str]]:
        return table_rows(self._writer.blocks, self._index) if self._index >= 0 else []

    def _copy(self, button: IconButton, text: str) -> None:
        QGuiApplication.clipboard().setText(text)
        button.confirm()
