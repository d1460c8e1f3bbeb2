"""How the lists of chats paint their rows: an icon, the title, and one mark at the end."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPen
from PySide6.QtWidgets import QLineEdit, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from tether_desktop.ui.look import fonts, icons, theme
from tether_desktop.ui.sessions.session_item_model import (
    BUSY_ROLE,
    COLLAPSED_ROLE,
    COUNT_ROLE,
    DRAFT_ROLE,
    FOLDER_ROLE,
    HEADING_ROLE,
    INSIDE_ROLE,
    UNREAD_ROLE,
    WAITING_ROLE,
)

ICON = 16
PADDING = 10
GAP = 8
_DOT = 8
_RING = 10

Index = QModelIndex | QPersistentModelIndex


class SessionDelegate(QStyledItemDelegate):
    """Paints headings, folders and chats, and edits a title in its place."""

    def sizeHint(self, _option: QStyleOptionViewItem, _index: Index) -> QSize:  # noqa: N802  (Qt's name)
        """All rows are of one height, headings too."""
        return QSize(0, theme.active().space.row)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint one row."""
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setLayoutDirection(direction_of(option))
        if index.data(HEADING_ROLE):
            paint_heading(painter, option, str(index.data()))
        else:
            paint_ground(painter, option)
            self._paint_row(painter, option, index)
        painter.restore()

    def createEditor(self, parent: QWidget, _option: QStyleOptionViewItem, index: Index) -> QWidget:  # noqa: N802
        """A line edit that covers the title."""
        editor = QLineEdit(parent)
        editor.setAccessibleName(self.tr("Folder name") if index.data(FOLDER_ROLE) else self.tr("Chat title"))
        editor.setProperty("kind", "cell")
        return editor

    def setEditorData(self, editor: QWidget, index: Index) -> None:  # noqa: N802  (Qt's name)
        """Begin with the title as it is; what becomes of the chat meanwhile changes nothing of what is typed."""
        if isinstance(editor, QLineEdit) and not editor.property("begun"):
            editor.setProperty("begun", True)
            editor.setText(str(index.data(Qt.ItemDataRole.EditRole)))

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, index: Index) -> None:  # noqa: N802
        """Keep the icon visible beside the editor."""
        indent = _indent(index)
        inner = rect_of(option).adjusted(PADDING + ICON + indent, 2, -2, -2)
        editor.setGeometry(mirrored(option, inner))

    def _paint_row(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        look = theme.active()
        selected = bool(state_of(option) & QStyle.StateFlag.State_Selected)
        left = PADDING + _indent(index)
        rect = rect_of(option).adjusted(left, 0, -PADDING, 0)
        paint_icon(painter, option, _icon(index), "accent" if selected else "muted", rect.left())
        free = rect.adjusted(ICON + GAP, 0, -self._paint_mark(painter, option, index), 0)
        font = fonts.sans(look, look.type.body - 1, bold=bool(index.data(UNREAD_ROLE)))
        painter.setFont(font)
        painter.setPen(QColor(look.colors.text))
        title = QFontMetrics(font).elidedText(str(index.data()), Qt.TextElideMode.ElideRight, free.width())
        painter.drawText(mirrored(option, free), Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, title)

    def _paint_mark(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> int:
        """Paint the most important mark at the end of a row; the width it takes."""
        end = rect_of(option).right() - PADDING + 1
        if index.data(FOLDER_ROLE):
            return _paint_count(painter, option, int(index.data(COUNT_ROLE)))
        if index.data(WAITING_ROLE):
            paint_icon(painter, option, "circle-alert", "warning", end - ICON)
        elif index.data(BUSY_ROLE):
            _paint_ring(painter, option, end)
        elif index.data(UNREAD_ROLE):
            _paint_dot(painter, option, end)
        elif index.data(DRAFT_ROLE):
            paint_icon(painter, option, "pencil", "muted", end - 14, size=14)
        else:
            return 0
        return ICON + GAP


def rect_of(option: QStyleOptionViewItem) -> QRect:
    """Where a row is."""
    return QRect(option.rect)


def state_of(option: QStyleOptionViewItem) -> QStyle.StateFlag:
    """Whether a row is selected, hovered or has the keyboard."""
    return QStyle.StateFlag(option.state)


def direction_of(option: QStyleOptionViewItem) -> Qt.LayoutDirection:
    """The direction of writing."""
    return Qt.LayoutDirection(option.direction)


def mirrored(option: QStyleOptionViewItem, inner: QRect) -> QRect:
    """A part of a row, where it is in the direction of writing."""
    return QStyle.visualRect(direction_of(option), rect_of(option), inner)


def paint_heading(painter: QPainter, option: QStyleOptionViewItem, text: str) -> None:
    """Paint what stands above a group."""
    look = theme.active()
    painter.setFont(fonts.sans(look, look.type.small - 1, bold=True))
    painter.setPen(QColor(look.colors.muted))
    rect = rect_of(option).adjusted(PADDING, 0, -PADDING, -4)
    painter.drawText(rect, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom, text)


def paint_icon(
    painter: QPainter, option: QStyleOptionViewItem, name: str, color: str, left: int, *, size: int = ICON
) -> None:
    """Paint an icon in the middle of a row's height."""
    rect = rect_of(option)
    place = mirrored(option, QRect(left, rect.center().y() - size // 2 + 1, size, size))
    painter.drawPixmap(place.topLeft(), icons.pixmap(name, color, size, painter.device().devicePixelRatioF()))


def paint_ground(painter: QPainter, option: QStyleOptionViewItem) -> None:
    """Paint what lies behind a row: whether it is selected, under the pointer, or has the keyboard."""
    look, state = theme.active(), state_of(option)
    rect = rect_of(option).adjusted(1, 1, -1, -1)
    selected = bool(state & QStyle.StateFlag.State_Selected)
    if selected or state & QStyle.StateFlag.State_MouseOver:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(look.colors.selected if selected else look.colors.hover))
        painter.drawRoundedRect(rect, look.radius.md, look.radius.md)
    # Qt says "keyboard focus change" only after a key, so that a mouse does not draw rings.
    if state & QStyle.StateFlag.State_HasFocus and state & QStyle.StateFlag.State_KeyboardFocusChange:
        painter.setPen(QPen(QColor(look.colors.accent), 1.5))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(rect, look.radius.md, look.radius.md)


def _icon(index: Index) -> str:
    if index.data(FOLDER_ROLE):
        return "folder" if index.data(COLLAPSED_ROLE) else "folder-open"
    return "message-square"


def _indent(index: Index) -> int:
    return ICON if index.data(INSIDE_ROLE) else 0


def _paint_count(painter: QPainter, option: QStyleOptionViewItem, count: int) -> int:
    look = theme.active()
    font = fonts.sans(look, look.type.small - 1)
    width = QFontMetrics(font).horizontalAdvance(str(count))
    rect = rect_of(option)
    place = QRect(rect.right() - PADDING + 1 - width, rect.top(), width, rect.height())
    painter.setFont(font)
    painter.setPen(QColor(look.colors.muted))
    painter.drawText(mirrored(option, place), Qt.AlignmentFlag.AlignCenter, str(count))
    return width + GAP


def _paint_ring(painter: QPainter, option: QStyleOptionViewItem, end: int) -> None:
    """An open ring: something is going on."""
    rect = rect_of(option)
    place = QRect(end - _RING - 2, rect.center().y() - _RING // 2 + 1, _RING, _RING)
    painter.setPen(QPen(QColor(theme.active().colors.accent), 2, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawArc(mirrored(option, place), 45 * 16, 270 * 16)


def _paint_dot(painter: QPainter, option: QStyleOptionViewItem, end: int) -> None:
    """A dot: something is new."""
    rect = rect_of(option)
    place = QRect(end - _DOT - 3, rect.center().y() - _DOT // 2 + 1, _DOT, _DOT)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(theme.active().colors.accent))
    painter.drawEllipse(mirrored(option, place))
