"""Dragging chats: what is seen under the pointer, and where they would be dropped."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPoint, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QDrag, QFontMetrics, QPainter, QPen, QPixmap
from PySide6.QtWidgets import QListView

from tether_desktop.ui.look import fonts, icons, theme
from tether_desktop.ui.sessions.session_item_model import FOLDER_ROLE, INSIDE_ROLE, SESSION_ID_ROLE, SessionItemModel
from tether_desktop.ui.translation import counted

_ICON = 16
_MARGIN = 10
_WIDEST = 220
_BESIDE = QPoint(-12, -8)
"""The picture lies beside the pointer, so that the row under it can be read."""


def drag_chats(view: QListView, model: SessionItemModel) -> None:
    """Drag the chats that are selected, until they are dropped."""
    indexes = [index for index in view.selectionModel().selectedIndexes() if index.data(SESSION_ID_ROLE)]
    if not indexes:
        return
    drag = QDrag(view)
    drag.setMimeData(model.mimeData(indexes))
    count = len(indexes)
    text = str(indexes[0].data()) if count == 1 else counted("ChatDrag", "%n chat(s)", count)
    drag.setPixmap(picture(text, view.devicePixelRatioF()))
    drag.setHotSpot(_BESIDE)
    drag.exec(Qt.DropAction.MoveAction)


def picture(text: str, ratio: float) -> QPixmap:
    """A small card with an icon and a text."""
    look = theme.active()
    font = fonts.sans(look, look.type.body - 1)
    metrics = QFontMetrics(font)
    shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, _WIDEST)
    size = QSize(metrics.horizontalAdvance(shown) + _ICON + 3 * _MARGIN, look.space.row)
    card = QPixmap(size * ratio)
    card.setDevicePixelRatio(ratio)
    card.fill(Qt.GlobalColor.transparent)
    painter = QPainter(card)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(look.colors.accent), 1))
    painter.setBrush(QColor(look.colors.window))
    painter.drawRoundedRect(QRectF(0.5, 0.5, size.width() - 1, size.height() - 1), look.radius.md, look.radius.md)
    sign = icons.pixmap("message-square", "accent", _ICON, ratio)
    painter.drawPixmap(_MARGIN, (size.height() - _ICON) // 2, sign)
    painter.setFont(font)
    painter.setPen(QColor(look.colors.text))
    place = QRectF(_ICON + 2 * _MARGIN, 0, size.width(), size.height())
    painter.drawText(place, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, shown)
    painter.end()
    return card


def target_of(index: QModelIndex | QPersistentModelIndex) -> str:
    """The folder that chats come into which are dropped on a row; empty for none."""
    return str(index.data(FOLDER_ROLE) or index.data(INSIDE_ROLE) or "")
