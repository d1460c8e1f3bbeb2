"""A line above the message that says what was not taken and why, until it is dismissed or something is sent."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QWidget

from tether_desktop.ui.chat.announcement import announce
from tether_desktop.ui.look import spacing
from tether_desktop.ui.look.icons import IconButton


class ComposerNotice(QFrame):
    """Says something calmly."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "notice")
        self.label = QLabel()
        self.label.setWordWrap(True)
        self.label.setTextFormat(Qt.TextFormat.PlainText)
        self.close_button = IconButton("x", self.tr("Dismiss"), size=16)
        self.close_button.clicked.connect(self.hide)
        row = QHBoxLayout(self)
        row.setContentsMargins(spacing.LARGE, spacing.NEAR, spacing.NEAR, spacing.NEAR)
        row.setSpacing(spacing.SMALL)
        row.addWidget(self.label, 1)
        row.addWidget(self.close_button, 0, Qt.AlignmentFlag.AlignTop)
        self.hide()

    def say(self, text: str) -> None:
        """Say this in the place of what was said."""
        self.label.setText(text)
        self.setAccessibleName(text)
        self.show()
        announce(self, text)

    def add(self, text: str) -> None:
        """Say this too."""
        self.say(f"{self.label.text()}\n{text}" if not self.isHidden() else text)
