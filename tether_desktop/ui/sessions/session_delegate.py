"""How the session list paints its rows: an icon, the title, a mark while it is being answered or waits for you."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPen
from PySide6.QtWidgets import QLineEdit, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from tether_desktop.ui.look import fonts, icons, theme
from tether_desktop.ui.sessions.session_item_model import BUSY_ROLE, HEADING_ROLE, WAITING_ROLE

ROW_HEIGHT = 36
_ICON = 16
_PADDING = 10
_DOT = 8

Index = QModelIndex | QPersistentModelIndex


class SessionDelegate(QStyledItemDelegate):
    """Paints headings and sessions, and edits a title in its place."""

    def sizeHint(self, _option: QStyleOptionViewItem, _index: Index) -> QSize:  # noqa: N802  (Qt's name)
        """All rows are of one height, headings too."""
        return QSize(0, ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint one row."""
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if index.data(HEADING_ROLE):
            self._paint_heading(painter, option, index)
        else:
            self._paint_session(painter, option, index)
        painter.restore()

    def createEditor(self, parent: QWidget, _option: QStyleOptionViewItem, _index: Index) -> QWidget:  # noqa: N802
        """A line edit that covers the title."""
        editor = QLineEdit(parent)
        editor.setAccessibleName("Chat title")
        editor.setStyleSheet("padding: 0 6px;")
        return editor

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, _index: Index) -> None:  # noqa: N802
        """Keep the icon visible beside the editor."""
        editor.setGeometry(_rect(option).adjusted(_PADDING + _ICON, 2, -2, -2))

    def _paint_heading(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        look = theme.active()
        painter.setFont(fonts.sans(look, look.type.small - 1, bold=True))
        painter.setPen(QColor(look.colors.muted))
        rect = _rect(option).adjusted(_PADDING, 0, -_PADDING, -4)
        painter.drawText(rect, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom, index.data())

    def _paint_session(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        look = theme.active()
        state = _state(option)
        selected = bool(state & QStyle.StateFlag.State_Selected)
        self._paint_ground(painter, option, selected=selected)
        rect = _rect(option).adjusted(_PADDING, 0, -_PADDING, 0)
        ratio = painter.device().devicePixelRatioF()
        token = "accent" if selected else "muted"
        mark = icons.pixmap("message-square", token, _ICON, ratio)
        painter.drawPixmap(rect.left(), rect.center().y() - _ICON // 2 + 1, mark)
        text_rect = rect.adjusted(_ICON + 8, 0, 0, 0)
        if index.data(WAITING_ROLE):
            text_rect.setRight(text_rect.right() - _ICON - 8)
            mark = icons.pixmap("circle-alert", "warning", _ICON, ratio)
            painter.drawPixmap(rect.right() - _ICON, rect.center().y() - _ICON // 2 + 1, mark)
        elif index.data(BUSY_ROLE):
            text_rect.setRight(text_rect.right() - _DOT - 8)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(look.colors.accent))
            painter.drawEllipse(rect.right() - _DOT, rect.center().y() - _DOT // 2 + 1, _DOT, _DOT)
        font = fonts.sans(look, look.type.body - 1)
        painter.setFont(font)
        painter.setPen(QColor(look.colors.text))
        title = QFontMetrics(font).elidedText(index.data(), Qt.TextElideMode.ElideRight, text_rect.width())
        painter.drawText(text_rect, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, title)

    def _paint_ground(self, painter: QPainter, option: QStyleOptionViewItem, *, selected: bool) -> None:
        look = theme.active()
        state = _state(option)
        rect = _rect(option).adjusted(1, 1, -1, -1)
        if selected or state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(look.colors.selected if selected else look.colors.hover))
            painter.drawRoundedRect(rect, look.radius.md, look.radius.md)
        # Qt says "keyboard focus change" only after a key, so that a mouse does not draw rings.
        if state & QStyle.StateFlag.State_HasFocus and state & QStyle.StateFlag.State_KeyboardFocusChange:
            painter.setPen(QPen(QColor(look.colors.accent), 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(rect, look.radius.md, look.radius.md)


def _rect(option: QStyleOptionViewItem) -> QRect:
    return QRect(option.rect)


def _state(option: QStyleOptionViewItem) -> QStyle.StateFlag:
    return QStyle.StateFlag(option.state)
