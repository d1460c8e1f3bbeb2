"""A push button whose icon follows the theme."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRect, QSize, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QPushButton, QWidget

from tether_desktop.ui.icons import icon

_SIZE = 18
_GAP = 5


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
        self.setIconSize(QSize(_SIZE + _GAP, _SIZE))
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
        if not self._name:
            return
        spaced = QIcon()
        plain = icon(self._name, self._color, size=_SIZE)
        for mode in (QIcon.Mode.Normal, QIcon.Mode.Disabled):
            for ratio in (1.0, 2.0, 3.0):
                spaced.addPixmap(_with_gap(plain.pixmap(QSize(_SIZE, _SIZE), ratio, mode), ratio), mode)
        self.setIcon(spaced)


def _with_gap(picture: QPixmap, ratio: float) -> QPixmap:
    """The icon with room to its right: Qt leaves too little between an icon and the words."""
    wide = QPixmap(round((_SIZE + _GAP) * ratio), round(_SIZE * ratio))
    wide.setDevicePixelRatio(ratio)
    wide.fill(Qt.GlobalColor.transparent)
    painter = QPainter(wide)
    painter.drawPixmap(QRect(0, 0, _SIZE, _SIZE), picture)
    painter.end()
    return wide
