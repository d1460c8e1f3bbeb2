"""The frame around what has the keyboard, where Qt's stylesheet draws none."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFocusEvent, QPainter, QPen
from PySide6.QtWidgets import QWidget

from tether_desktop.ui.look import theme

WIDTH = 1.5
BY_KEY = (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason, Qt.FocusReason.ShortcutFocusReason)


def note_focus(widget: QWidget, event: QFocusEvent) -> None:
    """Let rings be shown in a window once a key has moved the keyboard in it; a mouse alone draws none."""
    if event.reason() in BY_KEY:
        widget.window().setAttribute(Qt.WidgetAttribute.WA_KeyboardFocusChange)


def shows_focus(widget: QWidget) -> bool:
    """Whether a widget has the keyboard, and shows it."""
    return widget.hasFocus() and widget.window().testAttribute(Qt.WidgetAttribute.WA_KeyboardFocusChange)


def paint_focus_ring(widget: QWidget, place: QRect | None = None) -> None:
    """Paint the frame just inside the edges of a widget that is being painted, or of a place in it."""
    look = theme.active()
    painter = QPainter(widget)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(look.colors.accent), WIDTH))
    radius = look.radius.lg if place is None else look.radius.md
    painter.drawRoundedRect(QRectF(place or widget.rect()).adjusted(1, 1, -1, -1), radius, radius)
