"""What is painted behind and beside a message's text: code cards, quotation bars, rules and list markers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPen, QTextDocument

from tether_desktop.ui.look import fonts, icons
from tether_desktop.ui.look.tokens import Theme
from tether_desktop.ui.markdown.blocks import Block, Line
from tether_desktop.ui.markdown.document_formats import CODE_HEADER, CODE_PADDING, left_edge
from tether_desktop.ui.markdown.document_writer import DocumentWriter

CHECK_BOX_SIZE = 16
CHECK_BOXES = {"☐": ("square", "muted"), "☑": ("square-check", "accent")}


@dataclass(frozen=True, slots=True)
class CodeCard:
    """The card behind a block of code; ``first`` is the index of its header, ``last`` that of its last line."""

    first: int
    last: int
    rect: QRectF
    language: str

    def text(self, blocks: list[Block]) -> str:
        """The code, all of it, as it was written."""
        lines = [line for line in blocks[self.first + 1 : self.last + 1] if isinstance(line, Line)]
        return lines[-1].whole or "\n".join(line.original for line in lines)


@dataclass(frozen=True, slots=True)
class Bar:
    """The bar beside a quotation."""

    first: int
    rect: QRectF


@dataclass(frozen=True, slots=True)
class Rule:
    """A line across the text."""

    first: int
    rect: QRectF


@dataclass(frozen=True, slots=True)
class Marker:
    """A bullet, number or check box, aligned to the side of its item, which it stands before."""

    first: int
    rect: QRectF
    text: str
    right_to_left: bool = False


Decoration = CodeCard | Bar | Rule | Marker


class Decorations:
    """Where everything is painted, kept up to date while a document grows.

    Attributes:
        items: everything to paint, in document coordinates.
    """

    def __init__(self, document: QTextDocument, writer: DocumentWriter) -> None:
        self.items: list[Decoration] = []
        self._document = document
        self._writer = writer

    def update(self, changed: int = 0) -> None:
        """Measure again what lies at or after the block of index ``changed``."""
        blocks = self._writer.blocks
        while 0 < changed <= len(blocks) and _continues(blocks, changed - 1):
            changed -= 1
        while self.items and self.items[-1].first >= changed:
            self.items.pop()
        self.items.extend(self._measure(changed))

    def code_cards(self) -> list[CodeCard]:
        """All blocks of code, in order."""
        return [item for item in self.items if isinstance(item, CodeCard)]

    def _measure(self, start: int) -> Iterator[Decoration]:
        blocks = self._writer.blocks
        code_start = quote_start = start
        for index in range(start, len(blocks)):
            block = blocks[index]
            quoted = index > start and blocks[index - 1].quote
            if block.quote:
                quote_start = quote_start if quoted else index
                if index + 1 == len(blocks) or not blocks[index + 1].quote:
                    yield self._bar(quote_start, index)
            if not isinstance(block, Line):
                continue
            if block.kind == "code_header":
                code_start = index
            elif block.last:
                yield self._card(code_start, index)
            elif block.kind == "rule":
                yield Rule(index, self._span(index, index, left_edge(block.depth, block.quote), None))
            if block.marker:
                yield self._marker(index, block)

    def _bar(self, first: int, last: int) -> Bar:
        rect, line = self._span(first, last, 0, 3), self._writer.blocks[first]
        return Bar(first, self._mirrored(rect) if isinstance(line, Line) and line.right_to_left else rect)

    def _mirrored(self, rect: QRectF) -> QRectF:
        return QRectF(self._document.textWidth() - rect.right(), rect.top(), rect.width(), rect.height())

    def _card(self, first: int, last: int) -> CodeCard:
        line = self._writer.blocks[first]
        inner = self._span(first, last, left_edge(line.depth, line.quote), None)
        rect = inner.adjusted(0, 0, 0, CODE_PADDING)
        return CodeCard(first, last, rect, line.language if isinstance(line, Line) else "")

    def _marker(self, index: int, line: Line) -> Marker:
        block = self._writer.text_block(index)
        top = self._document.documentLayout().blockBoundingRect(block).top()
        height = block.layout().lineAt(0).height()
        left = left_edge(line.depth - 1, line.quote)
        rect = QRectF(left - 14, top, left_edge(1, 0) + 6, height)
        if line.right_to_left:
            rect = self._mirrored(rect)
        return Marker(index, rect, line.marker, line.right_to_left)

    def _span(self, first: int, last: int, left: float, width: float | None) -> QRectF:
        """From the top of one block to the bottom of another; None is all the width there is."""
        top = self._rect(first).top()
        right = left + width if width is not None else self._document.textWidth()
        return QRectF(QPointF(left, top), QPointF(right, self._rect(last).bottom()))

    def _rect(self, index: int) -> QRectF:
        layout = self._document.documentLayout()
        block = self._writer.blocks[index]
        if isinstance(block, Line):
            return layout.blockBoundingRect(self._writer.text_block(index))
        return layout.frameBoundingRect(self._writer.table(index))


def _continues(blocks: list[Block], index: int) -> bool:
    """Whether the block after this one may be painted together with it."""
    block = blocks[index]
    return bool(block.quote) or (isinstance(block, Line) and block.kind in {"code_header", "code"} and not block.last)


def paint(painter: QPainter, items: list[Decoration], theme: Theme, clip: QRectF) -> None:
    """Paint all that is inside ``clip``."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setLayoutDirection(Qt.LayoutDirection.LeftToRight)  # whatever the window's is: the text has its own
    for item in items:
        if not item.rect.intersects(clip):
            continue
        if isinstance(item, CodeCard):
            _paint_card(painter, item, theme)
        elif isinstance(item, Marker):
            _paint_marker(painter, item, theme)
        elif isinstance(item, Bar):
            _paint_bar(painter, item, theme)
        else:
            painter.setPen(QPen(QColor(theme.colors.border), 1))
            middle = round(item.rect.center().y()) + 0.5
            painter.drawLine(QPointF(item.rect.left(), middle), QPointF(item.rect.right(), middle))


def _paint_card(painter: QPainter, card: CodeCard, theme: Theme) -> None:
    painter.setPen(QPen(QColor(theme.colors.border), 1))
    painter.setBrush(QColor(theme.colors.code))
    painter.drawRoundedRect(card.rect.adjusted(0.5, 0.5, -0.5, -0.5), theme.radius.md, theme.radius.md)
    painter.setPen(QColor(theme.colors.muted))
    painter.setFont(fonts.sans(theme, theme.type.small))
    header = QRectF(card.rect.left() + CODE_PADDING, card.rect.top(), card.rect.width() - 60, CODE_HEADER)
    painter.drawText(header, Qt.AlignmentFlag.AlignVCenter, card.language or "text")


def _paint_marker(painter: QPainter, marker: Marker, theme: Theme) -> None:
    if marker.text in CHECK_BOXES:
        left = marker.rect.left() if marker.right_to_left else marker.rect.right() - CHECK_BOX_SIZE
        top = marker.rect.center().y() - CHECK_BOX_SIZE / 2
        ratio = painter.device().devicePixelRatioF()
        painter.drawPixmap(QPointF(left, top), icons.pixmap(*CHECK_BOXES[marker.text], CHECK_BOX_SIZE, ratio))
        return
    font = fonts.sans(theme)
    font.setFeature(QFont.Tag("tnum"), 1)
    painter.setFont(font)
    painter.setPen(QColor(theme.colors.muted))
    flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextDontClip
    if marker.right_to_left:  # which is also what turns the flags round
        painter.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    painter.drawText(marker.rect, flags, marker.text)
    painter.setLayoutDirection(Qt.LayoutDirection.LeftToRight)


def _paint_bar(painter: QPainter, bar: Bar, theme: Theme) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(theme.colors.border))
    painter.drawRoundedRect(bar.rect, 1.5, 1.5)
