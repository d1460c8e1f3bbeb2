"""Where parts lie in the direction of writing, for what no layout of Qt places."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtWidgets import QStyle, QWidget


def place(part: QWidget, rect: QRect, width: int) -> None:
    """Put a part where a rectangle, measured from the side where lines begin, is in a widget of this width."""
    part.setGeometry(QStyle.visualRect(part.layoutDirection(), QRect(0, 0, width, 1), rect))


def mirrored(widget: QWidget, rect: QRectF) -> QRectF:
    """Where a rectangle, measured from the side where lines begin, is in a widget that is being painted."""
    if widget.layoutDirection() == Qt.LayoutDirection.LeftToRight:
        return rect
    return QRectF(widget.width() - rect.right(), rect.top(), rect.width(), rect.height())


def towards_end(widget: QWidget) -> str:
    """The icon of an arrow in the direction of writing."""
    return "chevron-left" if widget.isRightToLeft() else "chevron-right"
