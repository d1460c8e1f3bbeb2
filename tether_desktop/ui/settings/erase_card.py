"""The question whether everything is to be erased, answered by typing a word."""

from __future__ import annotations

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from tether_desktop.ui.look import spacing
from tether_desktop.ui.look.themed_button import ThemedButton
from tether_desktop.ui.models.install_view import plain_label


class EraseCard(QFrame):
    """Nothing is erased before the word is there.

    Signals:
        confirmed(): it is typed, and the button pressed.
    """

    confirmed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "danger_card")
        self.question = plain_label("")
        self.word = QLineEdit()
        self.word.setAccessibleName(self.tr("The word that confirms it"))
        self.word.setPlaceholderText(self.asked_word)
        self.yes = ThemedButton(self.tr("Erase for good"), kind="danger")
        self.no = ThemedButton(self.tr("Cancel"))
        row = QHBoxLayout()
        row.setSpacing(spacing.SMALL)
        row.addWidget(self.word, 1)
        for button in (self.no, self.yes):
            button.setAutoDefault(False)
            row.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(spacing.LARGE, spacing.MEDIUM, spacing.LARGE, spacing.MEDIUM)
        layout.setSpacing(spacing.SMALL)
        layout.addWidget(self.question)
        layout.addLayout(row)
        self.word.textChanged.connect(self._refresh)
        self.word.returnPressed.connect(self._on_yes)
        self.yes.clicked.connect(self._on_yes)
        self.no.clicked.connect(self.hide)
        self.hide()

    @property
    def asked_word(self) -> str:
        """What has to be typed."""
        return self.tr("erase")

    def ask(self, count: int) -> None:
        """Show the question for so many chats."""
        first = self.tr("This erases all %n chat(s), the bin and the archive too, with folders and drafts.", "", count)
        second = self.tr("It cannot be taken back; personas, saved prompts, settings and models stay.")
        third = self.tr("Type “{word}” to confirm it.").format(word=self.asked_word)
        self.question.setText(f"{first} {second} {third}")
        self.setAccessibleName(self.question.text())
        self.word.clear()
        self._refresh()
        self.show()
        self.word.setFocus()

    @Slot()
    def _refresh(self) -> None:
        self.yes.setEnabled(self.word.text().strip().casefold() == self.asked_word.casefold())

    @Slot()
    def _on_yes(self) -> None:
        if self.yes.isEnabled():
            self.hide()
            self.confirmed.emit()
