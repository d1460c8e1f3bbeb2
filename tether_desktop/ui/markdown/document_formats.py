"""How blocks look in a text document: margins, fonts and colours, made once for each theme."""

from __future__ import annotations

from dataclasses import fields
from functools import lru_cache

from PySide6.QtCore import Qt
from PySide6.QtGui import (
    QBrush,
    QColor,
    QFont,
    QTextBlockFormat,
    QTextCharFormat,
    QTextFormat,
    QTextFrameFormat,
    QTextTableFormat,
)

from tether_desktop.ui.look.tokens import MONO, SANS, SyntaxColors, Theme
from tether_desktop.ui.markdown.blocks import Alignment, Block, Line, Span, Table
from tether_desktop.ui.markdown.hidden_text import MARK
from tether_desktop.ui.markdown.spans import IMAGE

INDENT = 26
"""Width of one list level, in device-independent pixels like all below."""
QUOTE_INDENT = 16
DEEPEST_INDENT = 8
"""List levels after which lines are not moved further to the right."""
PARAGRAPH_GAP = 12
TIGHT_GAP = 5
CODE_PADDING = 12
CODE_HEADER = 32
HEADING_GAPS = (0, 22, 20, 18, 16, 14, 14)
HEADING_SIZES = (0, 22, 19, 17, 15, 15, 15)
LINE_HEIGHT = 126
"""Percent of the typeface's own."""
CODE_LINE_HEIGHT = 128
TAB_COLUMNS = 4

_ALIGNMENTS = {
    "left": Qt.AlignmentFlag.AlignLeft,
    "center": Qt.AlignmentFlag.AlignHCenter,
    "right": Qt.AlignmentFlag.AlignRight,
}

# What a model wrote must be read character by character: != stays two of them.
_NO_LIGATURES = {QFont.Tag("calt"): 0}


SYNTAX_TOKENS = frozenset(field.name for field in fields(SyntaxColors))
SOURCE = QTextFormat.Property.UserProperty.value
"""The property of characters that stand for others: what was written."""
SHOWN_LENGTH = SOURCE + 1
"""And how many characters stand for that."""


def left_edge(depth: int, quote: int) -> int:
    """Where the text of a block at this nesting begins."""
    return min(depth, DEEPEST_INDENT) * INDENT + min(quote, DEEPEST_INDENT) * QUOTE_INDENT


def gap_above(block: Block, before: Block | None) -> int:
    """The space between a block and the one before it."""
    if before is None or isinstance(block, Table):
        return 0
    if block.kind == "code":
        return 0
    gap = TIGHT_GAP if block.tight else PARAGRAPH_GAP
    return HEADING_GAPS[block.level] if block.kind == "heading" else gap


def _card_below(block: Block | None) -> int:
    """How far the card behind a line of code reaches into the margin below; of two that meet, Qt takes the larger."""
    return CODE_PADDING if isinstance(block, Line) and block.kind == "code" else 0


class DocumentFormats:
    """Formats of one theme; ask for them, they are kept.

    Args:
        theme: the colours and sizes.
        muted: whether ordinary text is of less weight, as thoughts are.
        wrap: whether long lines of code go on in the next line.
    """

    def __init__(self, theme: Theme, *, muted: bool = False, wrap: bool = False) -> None:
        self.theme = theme
        self._wrap = wrap
        self._text = QColor(theme.colors.muted if muted else theme.colors.text)
        self._size = theme.type.small if muted else theme.type.body
        self._chars: dict[tuple[object, ...], QTextCharFormat] = {}

    def char(self, span: Span, line: Line | None = None) -> QTextCharFormat:
        """The format of a span; ``line`` is None in a table."""
        level = line.level if line is not None and line.kind == "heading" else 0
        in_block = line is not None and line.kind == "code"
        key = (span.bold, span.italic, span.strike, span.code, span.link, span.syntax, level, in_block)
        found = self._chars.get(key)
        if found is None:
            found = self._chars[key] = self._make_char(span, level, in_block=in_block)
        return _standing_for(span, found) if span.source else found

    def _make_char(self, span: Span, level: int, *, in_block: bool) -> QTextCharFormat:
        result = QTextCharFormat()
        size = HEADING_SIZES[level] if level else self._size
        result.setFontFamilies([MONO if span.code else SANS])
        result.setProperty(QTextCharFormat.Property.FontPixelSize, self._code_size(size, level) if span.code else size)
        result.setFontWeight(QFont.Weight.Bold if span.bold or level else QFont.Weight.Normal)
        result.setFontItalic(span.italic)
        if span.code:
            result.setFontFeatures(_NO_LIGATURES)
        result.setFontStrikeOut(span.strike)
        result.setForeground(QColor(self._color(span)))
        if span.syntax == MARK:
            result.setProperty(QTextCharFormat.Property.FontPixelSize, size - 3)
            result.setBackground(QColor(self.theme.colors.warning_surface))
        elif (span.code and not in_block) or span.syntax == IMAGE:
            result.setBackground(QColor(self.theme.colors.hover))
        if span.link:
            result.setAnchor(True)
            result.setAnchorHref(span.link)
            result.setToolTip(span.link)
            result.setFontUnderline(True)
        return result

    def _code_size(self, size: int, level: int) -> int:
        return size - 2 if level else min(self.theme.type.code, size)

    def _color(self, span: Span) -> QColor:
        if span.link:
            return QColor(self.theme.colors.link)
        if span.syntax == MARK:
            return QColor(self.theme.colors.warning)
        return QColor(str(getattr(self.theme.syntax, span.syntax))) if span.syntax in SYNTAX_TOKENS else self._text

    def line(self, line: Line, before: Block | None) -> QTextBlockFormat:
        """The margins of a line that follows ``before``."""
        result = QTextBlockFormat()
        left, top, bottom = left_edge(line.depth, line.quote), gap_above(line, before), 0
        if line.kind == "code":
            left += CODE_PADDING
            result.setRightMargin(CODE_PADDING)
            bottom = CODE_PADDING if line.last else 0
            result.setNonBreakableLines(not self._wrap)
        else:
            top += _card_below(before)
        if line.right_to_left:
            result.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
            result.setRightMargin(left)
        else:
            result.setLeftMargin(left)
        result.setTopMargin(top)
        result.setBottomMargin(bottom)
        if line.kind == "math":
            result.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        if line.kind == "code_header":
            result.setLineHeight(CODE_HEADER + CODE_PADDING // 2, QTextBlockFormat.LineHeightTypes.FixedHeight.value)
            return result
        height = CODE_LINE_HEIGHT if line.kind == "code" else LINE_HEIGHT
        result.setLineHeight(height, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
        return result

    def empty_line(self) -> tuple[QTextBlockFormat, QTextCharFormat]:
        """The line that a document must keep before and after a table, made too small to be seen."""
        block = QTextBlockFormat()
        block.setLineHeight(1, QTextBlockFormat.LineHeightTypes.FixedHeight.value)
        char = QTextCharFormat()
        char.setProperty(QTextCharFormat.Property.FontPixelSize, 1)
        return block, char

    def cell(self, alignment: Alignment) -> QTextBlockFormat:
        """The paragraph inside a table cell."""
        result = QTextBlockFormat()
        result.setAlignment(_ALIGNMENTS[alignment])
        result.setLineHeight(100, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
        return result

    def table(self, table: Table, before: Block | None) -> QTextTableFormat:
        """The grid of a table."""
        result = QTextTableFormat()
        result.setHeaderRowCount(1)
        result.setBorder(1)
        result.setBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_Solid)
        result.setBorderBrush(QBrush(QColor(self.theme.colors.border)))
        result.setBorderCollapse(True)
        result.setCellPadding(7)
        result.setCellSpacing(0)
        result.setTopMargin(0 if before is None else PARAGRAPH_GAP + _card_below(before))
        result.setBottomMargin(PARAGRAPH_GAP)
        result.setLeftMargin(left_edge(table.depth, table.quote))
        return result


def _standing_for(span: Span, looks: QTextCharFormat) -> QTextCharFormat:
    result = QTextCharFormat(looks)
    result.setProperty(SOURCE, span.source)
    result.setProperty(SHOWN_LENGTH, len(span.text))
    return result


@lru_cache(maxsize=8)
def formats(theme: Theme, *, muted: bool = False, wrap: bool = False) -> DocumentFormats:
    """The formats of a theme, shared by all messages."""
    return DocumentFormats(theme, muted=muted, wrap=wrap)
