"""What a selection of a message becomes on the clipboard."""

from __future__ import annotations

from PySide6.QtGui import QTextCursor, QTextDocument

from tether_desktop.ui.markdown.blocks import LINE_BREAK, Block, Line, Table
from tether_desktop.ui.markdown.document_formats import TIGHT_GAP, gap_above
from tether_desktop.ui.markdown.document_writer import ZERO_WIDTH_SPACE, DocumentWriter

INDENT = "    "
PARAGRAPH_SEPARATOR = "\u2029"


def copied_text(document: QTextDocument, writer: DocumentWriter, start: int, end: int) -> str:
    """The text between two positions: markers kept, blank lines between paragraphs, cells separated by tabs."""
    text = ""
    before: Block | None = None
    for index, block in enumerate(writer.blocks):
        first, last = writer.extent(index)
        if last < start or first >= end:
            continue
        if isinstance(block, Table):
            inside = first <= start and end <= last
            shown = _plain(document, start, end) if inside else _rows(block)
        else:
            shown = _prefix(block, whole=start <= first) + _plain(document, max(first, start), min(last, end))
        text += _separator(before, block) + shown
        before = block
    return text


def _prefix(line: Line, *, whole: bool) -> str:
    if not whole:
        return ""
    if line.kind == "rule":
        return "---"
    return INDENT * max(line.depth - 1, 0) + (f"{line.marker} " if line.marker else "")


def _separator(before: Block | None, block: Block) -> str:
    if before is None or (isinstance(before, Line) and before.kind == "code_header"):
        return ""
    both_lines = isinstance(before, Line) and isinstance(block, Line)
    return "\n" if both_lines and gap_above(block, before) <= TIGHT_GAP else "\n\n"


def _plain(document: QTextDocument, start: int, end: int) -> str:
    cursor = QTextCursor(document)
    cursor.setPosition(start)
    cursor.setPosition(end, QTextCursor.MoveMode.KeepAnchor)
    text = cursor.selectedText().replace(ZERO_WIDTH_SPACE, "")
    return text.replace(LINE_BREAK, "\n").replace(PARAGRAPH_SEPARATOR, "\n")


def _rows(table: Table) -> str:
    return "\n".join("\t".join("".join(span.text for span in cell) for cell in row) for row in table.rows)
