"""Words that were looked for, marked where they stand in a text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QTextCharFormat, QTextCursor, QTextDocument
from PySide6.QtWidgets import QTextEdit

from tether_desktop.ui.look import theme

if TYPE_CHECKING:
    from tether_desktop.ui.markdown.markdown_body import MarkdownBody

MOST_MARKS = 500
"""Places in one text that are marked."""


def mark_words(body: MarkdownBody, words: str, current: int | None) -> int | None:
    """Mark where words stand in a text; the place of number ``current``, from 0, stands out and comes into view.

    Returns:
        The number that remains for the texts that follow; None when the place was in this one, or there is none.
    """
    places = find_words(body.document(), words) if words else []
    body.show_marks([_mark(place, strong=number == current) for number, place in enumerate(places)])
    if current is None or current >= len(places):
        return None if current is None else current - len(places)
    layout = body.document().documentLayout()
    block = places[current].block()
    line = block.layout().lineForTextPosition(places[current].selectionStart() - block.position())
    top = layout.blockBoundingRect(block).top() + line.y()
    left, _ = line.cursorToX(places[current].selectionStart() - block.position())
    body.side_scroll.reveal(QRectF(layout.blockBoundingRect(block).left() + left, top, 60, line.height()))
    return None


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
    mark.cursor, mark.format = place, looks  # type: ignore[misc]
    return mark
