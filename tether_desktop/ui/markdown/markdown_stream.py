"""Markdown that is still being written: pieces before the last one are final, only the tail is parsed again."""

from __future__ import annotations

import re

from PySide6.QtGui import QTextDocument

from tether_desktop.ui.markdown.block_builder import LONGEST_PLAIN_LINE, plain_blocks
from tether_desktop.ui.markdown.blocks import Block
from tether_desktop.ui.markdown.document_formats import DocumentFormats
from tether_desktop.ui.markdown.document_writer import DocumentWriter
from tether_desktop.ui.markdown.long_pieces import take
from tether_desktop.ui.markdown.parser import final, has_references, parse
from tether_desktop.ui.markdown.shortened import rest_line
from tether_desktop.ui.number_text import whole
from tether_desktop.ui.translation import translate

LONGEST_SHOWN = 300_000
"""Characters of one message that are shown; copying takes all of them."""
LONGEST_STEP = 3_000
"""Characters shown by one call, so that no text, however long, holds up the window."""
MOST_STEP_LINES = 120
"""Lines shown by one call."""
LONGEST_WHOLE = 8_000
"""Characters up to which a complete text is parsed as a whole for the sake of links defined at its end."""
LONGEST_PIECE = 12_000
"""Characters of one paragraph, quotation or list item after which the rest of the text is shown as it was written."""
MOST_PIECE_LINES = 400
"""Lines after which it is."""
MOST_PLAIN_LINES = 2_000
"""Lines of what is shown as it was written; the rest is a click away."""

_BLANK_LINES = re.compile(r"(?:[ \t]*\n)+")


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
        self._plain_from: int | None = None
        self._plain_lines = 0
        self._after = ""

    def show(self, text: str, *, complete: bool) -> int:
        """Show ``text``, which usually begins with the text shown before.

        Returns:
            The index of the first block that changed; the number of blocks when none did.
        """
        normal = _normal(text)
        shown = normal[:LONGEST_SHOWN]
        if not shown.startswith(self._source):
            self._start_over("")
        end = len(self._source) + _step(shown[len(self._source) : len(self._source) + LONGEST_STEP])
        self.pending = end < len(shown)
        self._source = shown[:end]
        if complete and not self.pending:
            return self._finish(normal)
        changed = self._settle()
        if self.pending and changed < self._settled_blocks:
            return changed
        return min(changed, self.writer.write(self._rest(growing=True), self._settled_blocks))

    def _finish(self, text: str) -> int:
        if len(self._source) <= LONGEST_WHOLE and has_references(self._source):
            self._start_over(self._source)
            return self.writer.write(parse(self._source))
        changed = self._settle()
        rest = self._rest(growing=False)
        omitted = len(text) - len(self._source)
        if omitted > 0:
            words = translate("Markdown", "… {count} more characters are not shown here. Show all of it")
            rest.append(rest_line(words.format(count=whole(omitted)), text))
        return min(changed, self.writer.write(rest, self._settled_blocks))

    def _start_over(self, source: str) -> None:
        self._source = source
        self._settled = self._settled_blocks = self._examined = self._plain_lines = 0
        self._plain_from = None
        self._after = ""

    def _settle(self) -> int:
        """Write the pieces that are final; the index of the first block that changed."""
        changed = len(self.writer.blocks)
        settled = -1
        while self._settled != settled:
            settled = self._settled
            changed = min(changed, self._settle_next())
        return changed

    def _settle_next(self) -> int:
        if self._plain_from is not None:
            return self._settle_plain()
        blank = _BLANK_LINES.match(self._source, self._settled)
        if blank is not None:
            self._settled, self._examined = blank.end(), 0
        piece = take(self._source[self._settled :], growing=True)
        if piece is None:
            return self._settle_pieces()
        return len(self.writer.blocks) if piece.end is None else self._write_final(piece.blocks, piece.end)

    def _settle_pieces(self) -> int:
        """Write the pieces that are final.

        A piece is final once the first line of the next one is complete: half a line may yet turn out to belong to
        the piece before. What has grown too long is final as far as it has come.
        """
        tail = self._source[self._settled :]
        lines = tail[: tail.rfind("\n") + 1]
        too_long = len(tail) - len(lines) > LONGEST_PIECE
        if len(lines) == self._examined and not too_long:
            return len(self.writer.blocks)
        found = final(lines, LONGEST_PIECE, MOST_PIECE_LINES)
        self._examined = len(lines) - found.end
        if found.end:
            changed = self._write_final(self._parsed(lines[: found.end]), found.end)
            self._after = lines[: found.end].rsplit("\n", 2)[-2] if found.in_list else ""
            self._examined = len(lines) - found.end
            return changed
        if too_long or len(lines) > LONGEST_PIECE or lines.count("\n") > MOST_PIECE_LINES:
            return self._cut_off(tail)
        return len(self.writer.blocks)

    def _cut_off(self, tail: str) -> int:
        """Let a piece that is too long, and what follows it, go on as it was written."""
        head = "\n".join(tail[:LONGEST_PIECE].split("\n", MOST_PIECE_LINES)[:MOST_PIECE_LINES]) + "\n"
        end = head.rfind("\n", 0, LONGEST_PIECE) + 1 or LONGEST_PIECE
        changed = self._write_final(self._parsed(tail[:end]), end)
        self._plain_from = self._settled
        return changed

    def _settle_plain(self) -> int:
        """Write the complete lines of what is shown as it was written, up to so many, and whole parts of the last."""
        changed = self._settle_plain_lines()
        while len(self._source) - self._settled > LONGEST_PLAIN_LINE and self._is_in_last_line():
            part = self._source[self._settled : self._settled + LONGEST_PLAIN_LINE]
            changed = min(changed, self._write_final([*plain_blocks(part, first=False)], LONGEST_PLAIN_LINE))
        return changed

    def _is_in_last_line(self) -> bool:
        return self._plain_lines < MOST_PLAIN_LINES and self._source.find("\n", self._settled) < 0

    def _settle_plain_lines(self) -> int:
        lines = self._source[self._settled : self._source.rfind("\n") + 1].split("\n")[:-1]
        lines = lines[: MOST_PLAIN_LINES - self._plain_lines]
        if not lines:
            return len(self.writer.blocks)
        blocks = plain_blocks("\n".join(lines), first=False)
        self._plain_lines += len(lines)
        return self._write_final([*blocks], sum(map(len, lines)) + len(lines))

    def _write_final(self, blocks: list[Block], length: int) -> int:
        changed = self.writer.write(blocks, self._settled_blocks)
        self._settled_blocks = len(self.writer.blocks)
        self._settled += length
        self._examined = 0
        self._after = ""
        return changed

    def _parsed(self, text: str, *, growing: bool = False) -> list[Block]:
        return parse(text, growing=growing, after=self._after)

    def _rest(self, *, growing: bool) -> list[Block]:
        """What follows the pieces that are final."""
        tail = self._source[self._settled :]
        if self._plain_from is not None:
            return self._plain_rest(tail)
        piece = take(tail, growing=growing)
        return [*piece.blocks] if piece is not None else self._parsed(tail, growing=growing)

    def _plain_rest(self, tail: str) -> list[Block]:
        if not tail:
            return []
        if self._plain_lines < MOST_PLAIN_LINES:
            return [*plain_blocks(tail, first=False)]
        return [rest_line(translate("Markdown", "Show all of it"), self._source[self._plain_from :])]


def _normal(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _step(text: str) -> int:
    """How much of what is new one call shows."""
    if text.count("\n") <= MOST_STEP_LINES:
        return len(text)
    return sum(map(len, text.split("\n", MOST_STEP_LINES)[:MOST_STEP_LINES])) + MOST_STEP_LINES
