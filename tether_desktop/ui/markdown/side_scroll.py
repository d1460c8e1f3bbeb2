"""Code and tables that are wider than the column: they are scrolled sideways where they stand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from PySide6.QtCore import QObject, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QAbstractTextDocumentLayout, QPainter, QRegion
from PySide6.QtWidgets import QScrollBar, QWidget

from tether_desktop.ui.markdown.blocks import Line, Table
from tether_desktop.ui.markdown.decorations import CodeCard, Decorations
from tether_desktop.ui.markdown.document_formats import CODE_HEADER, CODE_PADDING, left_edge
from tether_desktop.ui.markdown.document_writer import DocumentWriter

BAR_HEIGHT = 10
STEP = 40
_SLACK = 1.0


@dataclass(frozen=True, slots=True)
class WidePiece:
    """What has more to show than there is room for.

    Attributes:
        first: the index of its block.
        rect: where it is seen, in document coordinates.
        content: how wide all of it is.
        what: "code" or "table".
    """

    first: int
    rect: QRectF
    content: float
    what: str

    @property
    def most(self) -> int:
        """How far it can be scrolled."""
        return int(self.content - self.rect.width() + 0.999)


class SideScroll(QObject):
    """Finds wide pieces, keeps how far each is scrolled, and shows a scroll bar below each.

    Attributes:
        pieces: those of the document, in order.

    Signals:
        scrolled(): something has to be painted anew.
    """

    scrolled = Signal()

    def __init__(self, canvas: QWidget, writer: DocumentWriter, decorations: Decorations) -> None:
        super().__init__(canvas)
        self.pieces: list[WidePiece] = []
        self._bars: dict[int, QScrollBar] = {}
        self._canvas = canvas
        self._writer = writer
        self._decorations = decorations

    def update(self, changed: int, width: float) -> None:
        """Measure again what lies at or after the block of index ``changed``."""
        start = self._beginning(changed)
        kept = [piece for piece in self.pieces if piece.first < start]
        found = self._find(start, width)
        self.pieces = [*kept, *(piece for piece in found if piece.content > piece.rect.width() + _SLACK)]
        self._place_bars()

    def at(self, point: QPointF) -> WidePiece | None:
        """The piece at a point."""
        return next((piece for piece in self.pieces if piece.rect.contains(point)), None)

    def offset(self, piece: WidePiece) -> int:
        """How far a piece is scrolled."""
        bar = self._bars.get(piece.first)
        return bar.value() if bar is not None else 0

    def bar(self, piece: WidePiece) -> QScrollBar:
        """The scroll bar of a piece."""
        return self._bars[piece.first]

    def scroll_by(self, piece: WidePiece, pixels: int) -> None:
        """Scroll a piece to the right, or back where it is negative."""
        bar = self._bars[piece.first]
        bar.setValue(bar.value() + pixels)

    def mapped(self, point: QPointF) -> QPointF:
        """The place in the document that is seen at a point."""
        piece = self.at(point)
        return QPointF(point.x() + self.offset(piece), point.y()) if piece is not None else point

    def reveal(self, rect: QRectF) -> None:
        """Scroll the piece in which something lies so that it is seen."""
        piece = next((each for each in self.pieces if each.rect.top() <= rect.center().y() <= each.rect.bottom()), None)
        if piece is None:
            return
        left = rect.left() - piece.rect.left()
        offset = self.offset(piece)
        if left < offset or rect.right() - piece.rect.left() > offset + piece.rect.width():
            self._bars[piece.first].setValue(int(left) - STEP)

    def paint(
        self,
        painter: QPainter,
        layout: QAbstractTextDocumentLayout,
        context: QAbstractTextDocumentLayout.PaintContext,
        region: QRegion,
    ) -> None:
        """Paint the document, each wide piece where it is scrolled to."""
        around = QRegion(region)
        for piece in self.pieces:
            around -= QRegion(piece.rect.toAlignedRect())
        painter.setClipRegion(around)
        layout.draw(painter, context)
        for piece in self.pieces:
            if region.intersects(piece.rect.toAlignedRect()):
                offset = self.offset(piece)
                painter.setClipRect(piece.rect)
                painter.translate(-offset, 0)
                context.clip = piece.rect.translated(offset, 0)
                layout.draw(painter, context)
                painter.translate(offset, 0)

    def _beginning(self, index: int) -> int:
        """Where the code begins of which a block is part; that block itself when it is no code."""
        blocks = self._writer.blocks
        while 0 < index <= len(blocks):
            before = blocks[index - 1]
            if not isinstance(before, Line) or before.kind not in {"code", "code_header"} or before.last:
                break
            index -= 1
        return index

    def _find(self, start: int, width: float) -> Iterator[WidePiece]:
        cards = {card.first: card for card in self._decorations.code_cards() if card.first >= start}
        for index in range(start, len(self._writer.blocks)):
            block = self._writer.blocks[index]
            if isinstance(block, Table):
                yield self._wide_table(index, block, width)
            elif index in cards:
                yield self._wide_code(cards[index])

    def _wide_code(self, card: CodeCard) -> WidePiece:
        inner = card.rect.adjusted(CODE_PADDING, CODE_HEADER, -CODE_PADDING, -BAR_HEIGHT - 1)
        lines = (self._writer.text_block(index).layout() for index in range(card.first + 1, card.last + 1))
        content = max((line.lineAt(0).naturalTextWidth() for line in lines if line.lineCount() == 1), default=0.0)
        return WidePiece(card.first, inner, content + 2, "code")

    def _wide_table(self, index: int, block: Table, width: float) -> WidePiece:
        frame = self._writer.table_rect(index)
        left = left_edge(block.depth, block.quote)
        rect = QRectF(left, frame.top(), width - left, frame.height())
        return WidePiece(index, rect, frame.width(), "table")

    def _place_bars(self) -> None:
        wanted = {piece.first for piece in self.pieces}
        for gone in self._bars.keys() - wanted:
            self._bars.pop(gone).deleteLater()
        for piece in self.pieces:
            bar = self._bars.get(piece.first) or self._make_bar(piece)
            bar.setRange(0, piece.most)
            bar.setPageStep(int(piece.rect.width()))
            bar.setGeometry(int(piece.rect.left()), int(piece.rect.bottom()) + 1, int(piece.rect.width()), BAR_HEIGHT)

    def _make_bar(self, piece: WidePiece) -> QScrollBar:
        bar = QScrollBar(Qt.Orientation.Horizontal, self._canvas)
        bar.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        bar.setSingleStep(STEP)
        names = {"code": self.tr("Scroll the code sideways"), "table": self.tr("Scroll the table sideways")}
        bar.setAccessibleName(names[piece.what])
        bar.valueChanged.connect(self.scrolled)
        bar.show()
        self._bars[piece.first] = bar
        return bar
