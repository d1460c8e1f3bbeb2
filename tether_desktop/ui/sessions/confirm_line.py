"""A question in the place of the buttons that led to it: nothing is erased by one click."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from tether_desktop.ui.look import spacing


class ConfirmLine(QFrame):
    """Asks whether something is to be done that cannot be taken back.

    Signals:
        confirmed(): it is.
        closed(): the question is answered, either way.
    """

    confirmed = Signal()
    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "danger_card")
        self._label = QLabel()
        self._label.setTextFormat(Qt.TextFormat.PlainText)
        self._label.setWordWrap(True)
        self.yes = QPushButton(self.tr("Erase"))
        self.yes.setProperty("kind", "danger")
        self.no = QPushButton(self.tr("Cancel"))
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.no)
        buttons.addWidget(self.yes)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(spacing.MEDIUM, spacing.MEDIUM, spacing.MEDIUM, spacing.MEDIUM)
        layout.setSpacing(spacing.SMALL)
        layout.addWidget(self._label)
        layout.addLayout(buttons)
        self.yes.clicked.connect(self._on_yes)
        self.no.clicked.connect(self.close_question)
        self.hide()

    def ask(self, question: str) -> None:
        """Show the question; the keyboard is at the answer that does nothing."""
        self._label.setText(question)
        self.setAccessibleName(question)
        self.show()
        self.no.setFocus(Qt.FocusReason.OtherFocusReason)

    @Slot()
    def close_question(self) -> None:
        """Go away; nothing is done."""
        if not self.isHidden():
            self.hide()
            self.closed.emit()

    @Slot()
    def _on_yes(self) -> None:
        self.close_question()
        self.confirmed.emit()
