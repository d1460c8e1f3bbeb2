"""How the list of what was found paints its rows: titles, and excerpts with the words marked."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QTextCharFormat, QTextLayout, QTextOption
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem

from tether_desktop.ui.look import fonts, theme
from tether_desktop.ui.sessions.found_rows import Found, Marks
from tether_desktop.ui.sessions.search_item_model import FOUND_ROLE
from tether_desktop.ui.sessions.session_delegate import (
    GAP,
    ICON,
    PADDING,
    direction_of,
    mirrored,
    paint_ground,
    paint_heading,
    paint_icon,
    rect_of,
)

_ABOVE = 8
_LINES = 2

Index = QModelIndex | QPersistentModelIndex


class SearchDelegate(QStyledItemDelegate):
    """Paints chats in one line, messages with two lines of what was said."""

    def sizeHint(self, _option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: N802  (Qt's name)
        """Messages need more room than titles."""
        found: Found = index.data(FOUND_ROLE)
        if found.kind != "message":
            return QSize(0, theme.active().space.row)
        lines = QFontMetrics(_title_font()).height() + _LINES * QFontMetrics(_excerpt_font()).height()
        return QSize(0, lines + 2 * _ABOVE + 2)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint one row."""
        found: Found = index.data(FOUND_ROLE)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setLayoutDirection(direction_of(option))
        if found.kind == "heading":
            paint_heading(painter, option, found.text)
        else:
            paint_ground(painter, option)
            _PAINTERS[found.kind](painter, option, found)
        painter.restore()


def _title_font() -> QFont:
    look = theme.active()
    return fonts.sans(look, look.type.body - 1)


def _excerpt_font() -> QFont:
    look = theme.active()
    return fonts.sans(look, look.type.small)


def _paint_more(painter: QPainter, option: QStyleOptionViewItem, found: Found) -> None:
    painter.setFont(_excerpt_font())
    painter.setPen(QColor(theme.active().colors.link))
    rect = rect_of(option).adjusted(PADDING + ICON + GAP, 0, -PADDING, 0)
    painter.drawText(mirrored(option, rect), Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, found.text)


def _paint_chat(painter: QPainter, option: QStyleOptionViewItem, found: Found) -> None:
    rect = rect_of(option).adjusted(PADDING, 0, -PADDING, 0)
    paint_icon(painter, option, "archive" if found.archived else "message-square", "muted", rect.left())
    line = rect.adjusted(ICON + GAP, 0, 0, 0)
    line = line.adjusted(0, 0, -_paint_age(painter, option, line, found.age), 0)
    height = QFontMetrics(_title_font()).height()
    line.setTop(line.center().y() - height // 2 + 1)
    _paint_lines(painter, option, line, found.text, found.marks, _title_font(), "text", lines=1)


def _paint_message(painter: QPainter, option: QStyleOptionViewItem, found: Found) -> None:
    rect = rect_of(option).adjusted(PADDING, _ABOVE, -PADDING, -_ABOVE)
    title = QRect(rect.left(), rect.top(), rect.width(), QFontMetrics(_title_font()).height())
    free = title.adjusted(0, 0, -_paint_age(painter, option, title, found.age), 0)
    _paint_lines(painter, option, free, found.text, (), _title_font(), "text", lines=1)
    below = rect.adjusted(0, title.height() + 2, 0, 0)
    _paint_lines(painter, option, below, found.excerpt, found.marks, _excerpt_font(), "muted", lines=_LINES)


_PAINTERS = {"chat": _paint_chat, "message": _paint_message, "more": _paint_more}


def _paint_age(painter: QPainter, option: QStyleOptionViewItem, line: QRect, age: str) -> int:
    """Paint when it was at the end of a line; the width it takes."""
    look = theme.active()
    font = fonts.sans(look, look.type.small - 1)
    width = QFontMetrics(font).horizontalAdvance(age)
    place = QRect(line.right() + 1 - width, line.top(), width, line.height())
    painter.setFont(font)
    painter.setPen(QColor(look.colors.muted))
    painter.drawText(mirrored(option, place), Qt.AlignmentFlag.AlignCenter, age)
    return width + GAP


def _paint_lines(
    painter: QPainter,
    option: QStyleOptionViewItem,
    rect: QRect,
    text: str,
    marks: Marks,
    font: QFont,
    color: str,
    *,
    lines: int,
) -> None:
    """Paint as much of a text as goes into some lines, with parts of it marked."""
    layout = _laid_out(text, font, rect.width(), lines, direction_of(option))
    layout.setFormats(_formats(marks, len(layout.text())))
    painter.setPen(QColor(theme.active().color(color)))
    _break(layout, rect.width(), lines)
    layout.draw(painter, QPointF(mirrored(option, rect).topLeft()))


def _laid_out(text: str, font: QFont, width: int, lines: int, direction: Qt.LayoutDirection) -> QTextLayout:
    """The text cut short behind what goes into the lines."""
    option = QTextOption()
    option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
    option.setTextDirection(direction)
    layout = QTextLayout(text, font)
    layout.setTextOption(option)
    last = _break(layout, width, lines)
    if last < len(text):
        start = layout.lineAt(layout.lineCount() - 1).textStart()
        cut = QFontMetrics(font).elidedText(text[start:], Qt.TextElideMode.ElideRight, width)
        layout = QTextLayout(text[:start] + cut, font)
        layout.setTextOption(option)
    return layout


def _break(layout: QTextLayout, width: int, lines: int) -> int:
    """Break a layout into at most so many lines; where the last one ends."""
    end, top = 0, 0.0
    layout.beginLayout()
    for _ in range(lines):
        line = layout.createLine()
        if not line.isValid():
            break
        line.setLineWidth(width)
        line.setPosition(QPointF(0, top))
        top += line.height()
        end = line.textStart() + line.textLength()
    layout.endLayout()
    return end


def _formats(marks: Marks, length: int) -> list[QTextLayout.FormatRange]:
    look = theme.active()
    style = QTextCharFormat()
    style.setBackground(QColor(look.colors.selection))
    style.setForeground(QColor(look.colors.text))
    ranges = []
    for start, end in marks:
        if start < length:
            each = QTextLayout.FormatRange()
            each.start, each.length, each.format = start, min(end, length) - start, style
            ranges.append(each)
    return ranges
