"""A switch: on or off, holding at once."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QCheckBox, QWidget

from tether_desktop.ui.look import theme

_SIZE = QSize(40, 24)
_RING = 2
_GAP = 3


class Switch(QCheckBox):
    """A check box without words that looks like a switch; screen readers know it as a check box."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def sizeHint(self) -> QSize:  # noqa: N802  (Qt's name)
        """The same at every text size, with room for the ring that shows the keyboard."""
        return QSize(_SIZE.width() + 2 * _RING, _SIZE.height() + 2 * _RING)

    def hitButton(self, pos: QPoint) -> bool:  # noqa: N802  (Qt's name)
        """All of it can be pressed."""
        return self.rect().contains(pos)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802  (Qt's name)
        """Paint the track, the knob, and a ring where the keyboard is."""
        colors = theme.active().colors
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        track = QRectF(_RING, (self.height() - _SIZE.height()) / 2 + 1, _SIZE.width(), _SIZE.height() - 2)
        on = self.isChecked()
        if self.hasFocus():
            painter.setPen(QPen(QColor(colors.accent), 1.5))
            ring = track.adjusted(-1.5, -1.5, 1.5, 1.5)
            painter.drawRoundedRect(ring, ring.height() / 2, ring.height() / 2)
        painter.setPen(QPen(QColor(colors.border_strong), 1) if not on else Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._track_color(on=on)))
        inner = track.adjusted(1, 1, -1, -1)
        painter.drawRoundedRect(inner, inner.height() / 2, inner.height() / 2)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colors.on_accent if on and self.isEnabled() else colors.border_strong))
        side = inner.height() - 2 * _GAP
        at_right = on != (self.layoutDirection() == Qt.LayoutDirection.RightToLeft)
        left = inner.right() - _GAP - side if at_right else inner.left() + _GAP
        painter.drawEllipse(QRectF(left, inner.top() + _GAP, side, side))

    def _track_color(self, *, on: bool) -> str:
        colors = theme.active().colors
        if not self.isEnabled():
            return colors.hover
        return colors.accent if on else colors.field
