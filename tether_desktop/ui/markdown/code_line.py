"""A line of code or an address, to be read and copied."""

from __future__ import annotations

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QFont, QGuiApplication
from PySide6.QtWidgets import QFrame, QHBoxLayout, QWidget

from tether_desktop.ui.look import spacing
from tether_desktop.ui.look.icons import IconButton
from tether_desktop.ui.models.install_view import plain_label


class CodeLine(QFrame):
    """Shows the line with a button that copies it.

    Args:
        what: what it is, for the button and for screen readers.
    """

    def __init__(self, what: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "well")
        self.label = plain_label("code")
        self.label.setAccessibleName(what)
        self._spell_out()
        self.label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.copy_button = IconButton("copy", self.tr("Copy {what}").format(what=what), size=16)
        self.copy_button.clicked.connect(self._on_copy)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(spacing.MEDIUM, spacing.NEAR, spacing.NEAR, spacing.NEAR)
        layout.setSpacing(spacing.SMALL)
        layout.addWidget(self.label, 1)
        layout.addWidget(self.copy_button, 0, Qt.AlignmentFlag.AlignTop)

    def _spell_out(self) -> None:
        """Show each character as it is typed: the code face would draw "//" as one sign."""
        font = self.label.font()
        font.setFeature(QFont.Tag("calt"), 0)
        self.label.setFont(font)

    def show_line(self, text: str) -> None:
        """Show another line."""
        self.label.setText(text)

    @Slot()
    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(self.label.text())
        self.copy_button.confirm()
