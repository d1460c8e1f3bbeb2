"""Edits a question where it stands."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from tether_desktop.ui.look import spacing

MOST_LINES = 14


class QuestionEditor(QFrame):
    """Edits a question in place.

    Signals:
        saved: the new text, which is never blank.
        cancelled: leave it as it was.
        resized: it needs another height.
    """

    saved = Signal(str)
    cancelled = Signal()
    resized = Signal()

    def __init__(self, text: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setProperty("kind", "field")
        self.field = QPlainTextEdit(text)
        self.field.setProperty("kind", "bare")
        self.field.setAccessibleName(self.tr("Edit the message"))
        self.field.setTabChangesFocus(True)
        self.save = QPushButton(self.tr("Send"))
        self.save.setProperty("kind", "primary")
        self.cancel = QPushButton(self.tr("Cancel"))
        self.save.clicked.connect(self._on_save)
        self.cancel.clicked.connect(self.cancelled)
        self.field.textChanged.connect(self._on_text)
        self._lay_out()

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.setSpacing(spacing.SMALL)
        buttons.addStretch(1)
        buttons.addWidget(self.cancel)
        buttons.addWidget(self.save)
        column = QVBoxLayout(self)
        column.setContentsMargins(spacing.LARGE, spacing.MEDIUM, spacing.MEDIUM, spacing.MEDIUM)
        column.addWidget(self.field, 1)
        column.addLayout(buttons)

    def _on_text(self) -> None:
        self.save.setEnabled(bool(self.field.toPlainText().strip()))
        self.resized.emit()

    def _on_save(self) -> None:
        if self.save.isEnabled():
            self.saved.emit(self.field.toPlainText())

    def fit(self, _width: int) -> int:
        """The height that shows the text, up to a limit."""
        lines = min(max(round(self.field.document().size().height()), 2), MOST_LINES)
        return lines * self.field.fontMetrics().lineSpacing() + self.save.sizeHint().height() + 44

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802  (Qt's name)
        """Escape leaves; Ctrl+Enter sends."""
        if event.key() == Qt.Key.Key_Escape:
            self.cancelled.emit()
        elif event.key() == Qt.Key.Key_Return and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self._on_save()
        else:
            super().keyPressEvent(event)
