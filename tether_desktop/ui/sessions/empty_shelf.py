"""What an empty archive or bin shows: what belongs there, in the place of chats and buttons."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from tether_desktop.ui.look import icons, spacing

_ICON = 28


class EmptyShelf(QWidget):
    """An icon, and in a few words that nothing is here and what would be."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon = ""
        self._mark, self.title, self.text = QLabel(), QLabel(), QLabel()
        self.title.setProperty("kind", "strong")
        self.text.setProperty("kind", "small")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(spacing.SMALL, 0, spacing.SMALL, 0)
        layout.setSpacing(spacing.SMALL)
        layout.addStretch(2)
        for label in (self._mark, self.title, self.text):
            label.setAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
            label.setWordWrap(label is not self._mark)
            layout.addWidget(label)
        layout.addStretch(3)

    def describe(self, icon: str, title: str, text: str) -> None:
        """Say this of the shelf."""
        self._icon = icon
        self.title.setText(title)
        self.text.setText(text)
        self._paint_mark()

    def clear(self) -> None:
        """Say nothing, until it is known what is here."""
        for label in (self._mark, self.title, self.text):
            label.clear()
        self._icon = ""

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802  (Qt's name)
        """Take the colours of a new theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange and self._icon:
            self._paint_mark()

    def _paint_mark(self) -> None:
        self._mark.setPixmap(icons.pixmap(self._icon, "muted", _ICON, self.devicePixelRatioF()))
