"""A push button whose icon follows the theme."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QApplication, QPushButton, QWidget

from tether_desktop.ui.look import theme
from tether_desktop.ui.look.icons import pixmap
from tether_desktop.ui.look.mirror import turned

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
        self._drawn = ("", "", "", False)
        self._keys_went_to: QWidget | None = None

    def hold(self) -> None:
        """Take no clicks until :meth:`release`."""
        had_keys = self.hasFocus()
        self.setEnabled(False)
        self._keys_went_to = QApplication.focusWidget() if had_keys else None

    def release(self) -> None:
        """Take clicks again; the keys come back, unless the person has gone on elsewhere meanwhile."""
        self.setEnabled(True)
        if self._keys_went_to is not None and self._keys_went_to is QApplication.focusWidget():
            self.setFocus()
        self._keys_went_to = None

    def set_icon(self, name: str, color: str) -> None:
        """Show another icon."""
        self._name, self._color = name, color
        self._refresh()

    def event(self, event: QEvent) -> bool:
        """Draw the icon before the button is first shown, and again in the colours of a new theme."""
        if event.type() in {QEvent.Type.Polish, QEvent.Type.StyleChange, QEvent.Type.LayoutDirectionChange}:
            self._refresh()
        return super().event(event)

    def _refresh(self) -> None:
        wanted = (turned(self._name, self), self._color, theme.active().name, self.isRightToLeft())
        if self._name and wanted != self._drawn:
            self._drawn = wanted
            self.setIcon(_spaced_icon(*wanted))


@lru_cache(maxsize=128)
def _spaced_icon(name: str, color: str, _theme: str, words_left: bool) -> QIcon:
    """The icon with room beside it: Qt leaves too little between an icon and the words."""
    spaced = QIcon()
    for token, mode in ((color, QIcon.Mode.Normal), ("placeholder", QIcon.Mode.Disabled)):
        for ratio in (1.0, 2.0):
            drawn = pixmap(name, token, _SIZE, ratio)
            picture = QPixmap(round((_SIZE + _GAP) * ratio), round(_SIZE * ratio))
            picture.setDevicePixelRatio(ratio)
            picture.fill(Qt.GlobalColor.transparent)
            painter = QPainter(picture)
            painter.drawPixmap(_GAP if words_left else 0, 0, drawn)
            painter.end()
            spaced.addPixmap(picture, mode)
    return spaced
