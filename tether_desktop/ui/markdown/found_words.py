"""Words that were looked for, marked where they stand in a text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QTextCharFormat, QTextCursor, QTextDocument
from PySide6.QtWidgets import QTextEdit

from tether_desktop.ui.look import theme

if TYPE_CHECKING:
    from tether_desktop.ui.markdown.markdown_body import MarkdownBody

MOST_MARKS = 500
"""Places in one text that are marked."""


def mark_words(body: MarkdownBody, words: str, current: int | None = None) -> tuple[int, int | None]:
    """Mark where words stand in a text; the place of number ``current``, from 0, stands out.

    Returns:
        How many places there are, and how far down the current one is; None where it is not among them.
    """
    places = find_words(body.document(), words) if words else []
    body.show_marks([_mark(place, strong=number == current) for number, place in enumerate(places)])
    if current is None or current >= len(places):
        return len(places), None
    rect = _place(places[current], body.document())
    body.side_scroll.reveal(rect)
    return len(places), int(rect.top())


def _place(found: QTextCursor, document: QTextDocument) -> QRectF:
    block, position = found.block(), found.selectionStart() - found.block().position()
    line = block.layout().lineForTextPosition(position)
    corner = document.documentLayout().blockBoundingRect(block).topLeft()
    left: Any = line.cursorToX(position)  # also tells the position where the cursor may stand
    across = left[0] if isinstance(left, tuple) else left
    return QRectF(corner.x() + across, corner.y() + line.y(), 60, line.height())


def find_words(document: QTextDocument, words: str) -> list[QTextCursor]:
    """Where words stand, whatever their case, up to so many places."""
    places: list[QTextCursor] = []
    place = document.find(words, 0)
    while not place.isNull() and len(places) < MOST_MARKS:
        places.append(place)
        place = document.find(words, place)
    return places


def _mark(place: QTextCursor, *, strong: bool) -> QTextEdit.ExtraSelection:
    colors = theme.active().colors
    looks = QTextCharFormat()
    looks.setBackground(QColor(colors.accent if strong else colors.selection))
    looks.setForeground(QColor(colors.on_accent if strong else colors.text))
    mark = QTextEdit.ExtraSelection()
    mark.cursor, mark.format = place, looks
    return mark
