"""Markdown that is still being written: pieces before the last one are final, only the tail is parsed again."""

from __future__ import annotations

from PySide6.QtGui import QTextDocument

from tether_desktop.ui.markdown.block_builder import plain_blocks
from tether_desktop.ui.markdown.blocks import Block, Line, Span
from tether_desktop.ui.markdown.document_formats import DocumentFormats
from tether_desktop.ui.markdown.document_writer import DocumentWriter
from tether_desktop.ui.markdown.parser import has_references, parse, parse_final

LONGEST_SHOWN = 300_000
"""Characters of one message that are shown; copying takes all of them."""
LONGEST_STEP = 6_000
"""Characters shown by one call, so that no text, however long, holds up the window."""
LONGEST_WHOLE = 20_000
"""Characters up to which a complete text is parsed as a whole for the sake of links defined at its end."""
LONGEST_PIECE = 30_000
"""Characters of one list, table or paragraph above which it is shown as it was written."""


class MarkdownStream:
    """Shows a growing text in a document.

    Feeding a text in any number of steps and completing it gives the same document as showing it at once.

    Attributes:
        writer: what writes the blocks.
        pending: a part of the last text is not shown yet; call ``show`` again with the same text.
    """

    def __init__(self, document: QTextDocument, formats: DocumentFormats) -> None:
        self.writer = DocumentWriter(document, formats)
        self.pending = False
        self._source = ""
        self._settled = 0
        self._settled_blocks = 0
        self._examined = 0

    def show(self, text: str, *, complete: bool) -> int:
        """Show ``text``, which usually begins with the text shown before.

        Returns:
            The index of the first block that changed; the number of blocks when none did.
        """
        shown = _normal(text)[:LONGEST_SHOWN]
        if not shown.startswith(self._source):
            self._start_over("")
        end = len(self._source) + LONGEST_STEP
        self.pending = end < len(shown)
        self._source = shown[:end]
        if complete and not self.pending:
            return self._finish(len(text) - len(shown))
        changed = self._settle()
        if self.pending and changed < self._settled_blocks:
            return changed
        return min(changed, self.writer.write(self._rest(growing=True), self._settled_blocks))

    def _finish(self, omitted: int) -> int:
        if len(self._source) <= LONGEST_WHOLE and has_references(self._source):
            self._start_over(self._source)
        rest = self._rest(growing=False)
        if omitted > 0:
            rest.append(_omission(omitted))
        return self.writer.write(rest, self._settled_blocks)

    def _start_over(self, source: str) -> None:
        self._source = source
        self._settled = self._settled_blocks = self._examined = 0

    def _settle(self) -> int:
        """Write the pieces that are final.

        A piece is final once the first line of the next one is complete: half a line may yet turn out to belong to
        the piece before.
        """
        tail = self._source[self._settled :]
        lines = tail[: tail.rfind("\n") + 1]
        if _is_too_long(tail) or len(lines) == self._examined:
            return len(self.writer.blocks)
        final, first_line = parse_final(lines)
        self._examined = len(lines) - (skipped := _offset(tail, first_line))
        if not final:
            return len(self.writer.blocks)
        changed = self.writer.write(final, self._settled_blocks)
        self._settled_blocks = len(self.writer.blocks)
        self._settled += skipped
        return changed

    def _rest(self, *, growing: bool) -> list[Block]:
        tail = self._source[self._settled :]
        return list(plain_blocks(tail)) if _is_too_long(tail) else parse(tail, growing=growing)


def _normal(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _is_too_long(tail: str) -> bool:
    # Code is one piece however long it is, and cheap.
    return len(tail) > LONGEST_PIECE + LONGEST_STEP and not tail.startswith(("```", "~~~"))


def _offset(text: str, line: int) -> int:
    """Where a line begins."""
    position = 0
    for _ in range(line):
        position = text.index("\n", position) + 1
    return position


def _omission(count: int) -> Line:
    words = f"… {count:,} more characters are not shown here. Copying the message takes all of it."
    return Line("paragraph", (Span(words, italic=True),))
