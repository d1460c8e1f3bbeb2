"""What a selection of a message becomes on the clipboard."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtGui import QTextDocument, QTextFragment

from tether_desktop.ui.markdown.blocks import LINE_BREAK, Block, Line, Table
from tether_desktop.ui.markdown.document_formats import SHOWN_LENGTH, SOURCE, TIGHT_GAP, gap_above
from tether_desktop.ui.markdown.document_writer import ZERO_WIDTH_SPACE, DocumentWriter

INDENT = "    "


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
    return "".join(_pieces(document, start, end)).replace(LINE_BREAK, "\n")


def _pieces(document: QTextDocument, start: int, end: int) -> Iterator[str]:
    """The text between two positions; what stands for something else becomes that."""
    block = document.findBlock(start)
    while block.isValid() and block.position() < end:
        if block.position() > start:
            yield "\n"
        fragments = block.begin()
        while not fragments.atEnd():
            yield _fragment(fragments.fragment(), start, end)
            fragments += 1
        block = block.next()


def _fragment(fragment: QTextFragment, start: int, end: int) -> str:
    first, length = fragment.position(), fragment.length()
    if first >= end or first + length <= start:
        return ""
    source = fragment.charFormat().property(SOURCE)
    if source:
        # Equal neighbours are one fragment.
        return str(source) * max(1, length // int(fragment.charFormat().property(SHOWN_LENGTH)))
    return utf16_slice(fragment.text(), max(start - first, 0), min(end - first, length)).replace(ZERO_WIDTH_SPACE, "")


def utf16_slice(text: str, start: int, end: int) -> str:
    """The characters between two positions as a document counts them: those outside the first plane are two."""
    if len(text) == len(text.encode("utf-16-le")) // 2:
        return text[start:end]
    return text.encode("utf-16-le", "surrogatepass")[2 * start : 2 * end].decode("utf-16-le", "replace")


def _rows(table: Table) -> str:
    return "\n".join("\t".join("".join(span.original for span in cell) for cell in row) for row in table.rows)
