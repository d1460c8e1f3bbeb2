"""A push button whose icon follows the theme."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtWidgets import QPushButton, QWidget

from tether_desktop.ui.icons import icon


class ThemedButton(QPushButton):
    """A button with words and, before them, an icon in a colour of the theme.

    Args:
        text: what it does.
        name: the icon's Lucide name; empty for none.
        kind: its look, as the stylesheet lists them.
        color: the icon's colour token.
    """

    def __init__(
        self, text: str, name: str = "", parent: QWidget | None = None, *, kind: str = "", color: str = "muted"
    ) -> None:
        super().__init__(text, parent)
        self._name = name
        self._color = color
        if kind:
            self.setProperty("kind", kind)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(text)
        self.setIconSize(QSize(18, 18))
        self._refresh()

    def set_icon(self, name: str, color: str) -> None:
        """Show another icon."""
        self._name, self._color = name, color
        self._refresh()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802  (Qt's name)
        """Take the colours of a new theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            self._refresh()

    def _refresh(self) -> None:
        if self._name:
            self.setIcon(icon(self._name, self._color))
