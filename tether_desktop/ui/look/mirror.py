"""Where parts lie in the direction of writing, for what no layout of Qt places."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtWidgets import QStyle, QWidget

_TURNED = {"chevron-left": "chevron-right", "chevron-right": "chevron-left"}


def place(part: QWidget, rect: QRect, width: int) -> None:
    """Put a part where a rectangle, measured from the side where lines begin, is in a widget of this width."""
    part.setGeometry(QStyle.visualRect(part.layoutDirection(), QRect(0, 0, width, 1), rect))


def mirrored(widget: QWidget, rect: QRectF) -> QRectF:
    """Where a rectangle, measured from the side where lines begin, is in a widget that is being painted."""
    if widget.layoutDirection() == Qt.LayoutDirection.LeftToRight:
        return rect
    return QRectF(widget.width() - rect.right(), rect.top(), rect.width(), rect.height())


def turned(name: str, widget: QWidget) -> str:
    """The icon to show for one that points to a side, in the widget's direction of writing."""
    return _TURNED.get(name, name) if widget.isRightToLeft() else name
