"""A question in place of buttons: what would be lost, and two answers."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from tether_desktop.ui.look import spacing
from tether_desktop.ui.look.themed_button import ThemedButton
from tether_desktop.ui.models.install_view import plain_label


class AskLine(QFrame):
    """Hidden until something is asked; Escape keeps everything as it is.

    Signals:
        agreed(), refused(): how it was answered; it hides first.
    """

    agreed = Signal()
    refused = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "danger_card")
        self.label = plain_label()
        self.yes_button = ThemedButton("", kind="danger")
        self.no_button = ThemedButton("")
        self.yes_button.clicked.connect(self._on_yes)
        self.no_button.clicked.connect(self._on_no)
        buttons = QHBoxLayout()
        buttons.setSpacing(spacing.SMALL)
        buttons.addWidget(self.yes_button)
        buttons.addWidget(self.no_button)
        buttons.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(spacing.MEDIUM, spacing.MEDIUM, spacing.MEDIUM, spacing.MEDIUM)
        layout.setSpacing(spacing.SMALL)
        layout.addWidget(self.label)
        layout.addLayout(buttons)
        self.hide()

    def ask(self, question: str, yes: str, no: str) -> None:
        """Show the question; the harmless answer has the keyboard."""
        self.label.setText(question)
        self.setAccessibleName(question)
        for button, text in ((self.yes_button, yes), (self.no_button, no)):
            button.setText(text)
            button.setAccessibleName(text)
        self.show()
        self.no_button.setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802  (Qt's name)
        """Escape says no."""
        if event.key() == Qt.Key.Key_Escape:
            self._on_no()
        else:
            super().keyPressEvent(event)

    @Slot()
    def _on_yes(self) -> None:
        self.hide()
        self.agreed.emit()

    @Slot()
    def _on_no(self) -> None:
        self.hide()
        self.refused.emit()
