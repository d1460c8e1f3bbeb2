"""Writes blocks into a QTextDocument, and changes only what differs from the blocks already there."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF
from PySide6.QtGui import QTextBlock, QTextCursor, QTextDocument, QTextTable

from tether_desktop.ui.markdown.blocks import Block, Line, Span, Table
from tether_desktop.ui.markdown.document_formats import DocumentFormats

ZERO_WIDTH_SPACE = "\u200b"

_LINE_STYLE = ("kind", "level", "depth", "quote", "marker", "tight", "language", "last")


class DocumentWriter:
    """Keeps one document equal to a list of blocks.

    Attributes:
        blocks: what the document shows; read it, never change it.
    """

    def __init__(self, document: QTextDocument, formats: DocumentFormats) -> None:
        self.blocks: list[Block] = []
        self._starts: list[int] = []
        self._document = document
        self._formats = formats
        self._shrink(QTextCursor(document))

    def write(self, blocks: Sequence[Block], kept: int = 0) -> int:
        """Replace everything after the first ``kept`` blocks.

        Returns:
            The index of the first block that changed; the number of blocks when none did.
        """
        changed = kept + _common(self.blocks[kept:], blocks)
        new = blocks[changed - kept :]
        if not new and changed == len(self.blocks):
            return changed
        cursor = QTextCursor(self._document)
        cursor.beginEditBlock()
        if len(new) >= 1 and changed == len(self.blocks) - 1 and self._extend(cursor, new[0]):
            new = new[1:]
        else:
            self._remove(cursor, changed)
        for block in new:
            self._append(cursor, block)
        cursor.endEditBlock()
        return changed

    def restyle(self, formats: DocumentFormats) -> None:
        """Write everything again in another theme."""
        self._formats = formats
        blocks, self.blocks, self._starts = self.blocks, [], []
        self._document.clear()
        self._shrink(QTextCursor(self._document))
        self.write(blocks)

    @property
    def starts(self) -> list[int]:
        """Where each block begins in the document; read it, never change it."""
        return self._starts

    def text_block(self, index: int) -> QTextBlock:
        """The document's block that shows the line of this index."""
        start = self._starts[index]
        follows_line = index > 0 and isinstance(self.blocks[index - 1], Line)
        return self._document.findBlock(start + 1 if follows_line else start)

    def table(self, index: int) -> QTextTable:
        """The document's table that shows the table of this index."""
        cursor = QTextCursor(self._document)
        cursor.setPosition(self._starts[index] + 1)
        return cursor.currentTable()

    def table_rect(self, index: int) -> QRectF:
        """Where the table of this index lies; Qt's own figure begins at the text of the first cell."""
        layout, grid = self._document.documentLayout(), self.table(index)
        first = layout.blockBoundingRect(grid.cellAt(0, 0).firstCursorPosition().block())
        last_row = (grid.cellAt(grid.rows() - 1, column) for column in range(grid.columns()))
        bottom = max(layout.blockBoundingRect(cell.lastCursorPosition().block()).bottom() for cell in last_row)
        edge = grid.format().toTableFormat().cellPadding() + 1
        frame = layout.frameBoundingRect(grid)
        return QRectF(first.left() - edge, first.top() - edge, frame.width(), bottom - first.top() + 2 * edge)

    def extent(self, index: int) -> tuple[int, int]:
        """The positions before the first and after the last character of a block."""
        if isinstance(self.blocks[index], Table):
            table = self.table(index)
            return table.firstPosition(), table.lastPosition()
        block = self.text_block(index)
        return block.position(), block.position() + block.length() - 1

    def _extend(self, cursor: QTextCursor, new: Block) -> bool:
        """Add to the last block what it grew by; False when it did not merely grow."""
        old = self.blocks[-1]
        if isinstance(old, Line) and isinstance(new, Line):
            grown = self._extend_line(cursor, old, new)
        elif isinstance(old, Table) and isinstance(new, Table):
            grown = self._extend_table(old, new)
        else:
            grown = False
        if grown:
            self.blocks[-1] = new
        return grown

    def _extend_line(self, cursor: QTextCursor, old: Line, new: Line) -> bool:
        added = _added_spans(old, new)
        if added is None or old.right_to_left != new.right_to_left:
            return False
        cursor.movePosition(QTextCursor.MoveOperation.End)
        for span in added:
            cursor.insertText(span.text, self._formats.char(span, new))
        return True

    def _extend_table(self, old: Table, new: Table) -> bool:
        """Only the last row of a table may change while it grows; the rows above are kept."""
        same = (old.alignments, old.depth, old.quote) == (new.alignments, new.depth, new.quote)
        last = len(old.rows) - 1
        if not same or len(new.rows) <= last or old.rows[:last] != new.rows[:last]:
            return False
        grid = self.table(len(self.blocks) - 1)
        if len(new.rows) > len(old.rows):
            grid.appendRows(len(new.rows) - len(old.rows))
        for row in range(last if old.rows[last] != new.rows[last] else last + 1, len(new.rows)):
            self._fill_row(grid, new, row)
        return True

    def _remove(self, cursor: QTextCursor, first: int) -> None:
        if first == len(self.blocks):
            return
        cursor.setPosition(self._starts[first])
        cursor.movePosition(QTextCursor.MoveOperation.End, QTextCursor.MoveMode.KeepAnchor)
        cursor.removeSelectedText()
        del self.blocks[first:], self._starts[first:]
        before = self.blocks[-1] if self.blocks else None
        if isinstance(before, Line):
            cursor.setBlockFormat(self._formats.line(before, self.blocks[-2] if len(self.blocks) > 1 else None))
        else:
            self._shrink(cursor)

    def _append(self, cursor: QTextCursor, block: Block) -> None:
        cursor.movePosition(QTextCursor.MoveOperation.End)
        before = self.blocks[-1] if self.blocks else None
        self._starts.append(cursor.position())
        self.blocks.append(block)
        if isinstance(block, Table):
            self._append_table(cursor, block, before)
        else:
            self._append_line(cursor, block, before)

    def _append_line(self, cursor: QTextCursor, line: Line, before: Block | None) -> None:
        margins = self._formats.line(line, before)
        plain = self._formats.char(_PLAIN_CODE if line.kind == "code" else _PLAIN, line)
        if isinstance(before, Line):
            cursor.insertBlock(margins, plain)
        else:
            cursor.setBlockFormat(margins)
            cursor.setBlockCharFormat(plain)
        for span in line.spans:
            cursor.insertText(span.text, self._formats.char(span, line))
        if not line.spans and isinstance(before, Table):
            # Qt puts an empty line that follows a table beside it, not below.
            cursor.insertText(ZERO_WIDTH_SPACE, plain)

    def _append_table(self, cursor: QTextCursor, table: Table, before: Block | None) -> None:
        if before is None:
            self._shrink(cursor)
        grid = cursor.insertTable(len(table.rows), len(table.alignments), self._formats.table(table, before))
        for row in range(len(table.rows)):
            self._fill_row(grid, table, row)
        cursor.movePosition(QTextCursor.MoveOperation.End)
        self._shrink(cursor)

    def _fill_row(self, grid: QTextTable, table: Table, row: int) -> None:
        for column, alignment in enumerate(table.alignments):
            cell = grid.cellAt(row, column)
            cursor = cell.firstCursorPosition()
            cursor.setPosition(cell.lastPosition(), QTextCursor.MoveMode.KeepAnchor)
            cursor.removeSelectedText()
            cursor.setBlockFormat(self._formats.cell(alignment))
            cursor.setBlockCharFormat(self._formats.char(_PLAIN))
            for span in table.rows[row][column]:
                shown = _header(span) if row == 0 else span
                cursor.insertText(shown.text, self._formats.char(shown))

    def _shrink(self, cursor: QTextCursor) -> None:
        block, char = self._formats.empty_line()
        cursor.setBlockFormat(block)
        cursor.setBlockCharFormat(char)


_PLAIN = Span("")
_PLAIN_CODE = Span("", code=True)


def _header(span: Span) -> Span:
    return Span(span.text, bold=True, italic=span.italic, strike=span.strike, code=span.code, link=span.link)


def _common(old: Sequence[Block], new: Sequence[Block]) -> int:
    """How many blocks both begin with."""
    for index, (one, other) in enumerate(zip(old, new, strict=False)):
        if one != other:
            return index
    return min(len(old), len(new))


def _added_spans(old: Line, new: Line) -> list[Span] | None:
    """What was added to the end of a line, or None when anything else about it changed."""
    if not old.spans or any(getattr(old, name) != getattr(new, name) for name in _LINE_STYLE):
        return None
    index = len(old.spans) - 1
    if old.spans[:index] != new.spans[:index] or len(new.spans) <= index:
        return None
    last, grown = old.spans[index], new.spans[index]
    if not grown.text.startswith(last.text) or last.style != grown.style:
        return None
    return [last.with_text(grown.text[len(last.text) :]), *new.spans[index + 1 :]]
