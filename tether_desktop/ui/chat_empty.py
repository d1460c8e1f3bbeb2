"""What the conversation says while it is empty."""

from __future__ import annotations

from PySide6.QtCore import QRect, Qt
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

WIDTH = 420


class EmptyState(QWidget):
    """A title and a line of text in the middle of the conversation."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._title = QLabel()
        self._title.setProperty("kind", "title")
        self._text = QLabel()
        self._text.setProperty("kind", "muted")
        column = QVBoxLayout(self)
        for label in (self._title, self._text):
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setWordWrap(True)
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            column.addWidget(label)
        self.hide()

    def show_text(self, title: str, text: str) -> None:
        """Say this from now on."""
        self._title.setText(title)
        self._text.setText(text)

    def place(self, area: QRect, *, visible: bool) -> None:
        """Show it in the middle of ``area``, or hide it."""
        self.setVisible(visible and bool(self._title.text()))
        if self.isVisible():
            width = min(WIDTH, area.width())
            height = self.heightForWidth(width)
            self.setGeometry(area.center().x() - width // 2, area.center().y() - height // 2, width, height)
