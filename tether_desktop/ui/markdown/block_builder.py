"""Builds blocks from the tokens of the Markdown parser."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace

from markdown_it.token import Token

from tether_desktop.ui.markdown.blocks import Alignment, Block, Cell, Line, Span, Table
from tether_desktop.ui.markdown.highlight import code_lines
from tether_desktop.ui.markdown.spans import inline_spans, visible

LONGEST_PLAIN_LINE = 4_000
"""Characters after which a line that is shown as written continues in the next one: one layout of it stays cheap."""
MOST_CELLS = 2_000
MOST_COLUMNS = 24

_TASK = re.compile(r"\[([ xX])\]\s+")
_CHECK_BOXES = {" ": "☐", "x": "☑", "X": "☑"}
_BULLETS = "•◦▪"
_ALIGNMENTS: dict[str, Alignment] = {"text-align:center": "center", "text-align:right": "right"}


def plain_blocks(text: str) -> tuple[Block, ...]:
    """The text as it was written, one block for each line."""
    pieces = (visible(piece) for line in text.split("\n") for piece in _cut(line))
    return tuple(
        Line("paragraph", (Span(piece),) if piece else (), tight=index > 0) for index, piece in enumerate(pieces)
    )


def code_blocks(code: str, language: str, *, growing: bool = False, depth: int = 0, quote: int = 0) -> list[Block]:
    """The lines of one block of code."""
    lines = code_lines(visible(code), language, growing=growing)
    end = len(lines) - 1
    header = Line("code_header", depth=depth, quote=quote, language=language)
    return [
        header,
        *(
            Line("code", spans, depth=depth, quote=quote, language=language, last=index == end)
            for index, spans in enumerate(lines)
        ),
    ]


def _cut(line: str) -> Iterable[str]:
    return (line[start : start + LONGEST_PLAIN_LINE] for start in range(0, max(len(line), 1), LONGEST_PLAIN_LINE))


class BlockBuilder:
    """Walks over the tokens of one top-level piece of Markdown.

    Args:
        growing: more text will follow, so code is highlighted piece by piece.
    """

    def __init__(self, *, growing: bool = False) -> None:
        self._growing = growing
        self._blocks: list[Block] = []
        self._depth = 0
        self._quote = 0
        self._marker = ""
        self._hidden = False
        self._heading = 0
        self._rows: list[list[Cell]] | None = None
        self._alignments: list[Alignment] = []
        self._handlers: dict[str, Callable[[Token], None]] = {
            "inline": self._on_inline,
            "paragraph_open": self._on_paragraph,
            "heading_open": self._on_heading,
            "fence": self._on_code,
            "code_block": self._on_code,
            "hr": self._on_rule,
            "bullet_list_open": self._on_list,
            "ordered_list_open": self._on_list,
            "bullet_list_close": self._on_list,
            "ordered_list_close": self._on_list,
            "list_item_open": self._on_item,
            "list_item_close": self._on_item_end,
            "blockquote_open": self._on_quote,
            "blockquote_close": self._on_quote,
            "table_open": self._on_table,
            "table_close": self._on_table_end,
            "tr_open": self._on_row,
            "th_open": self._on_header_cell,
        }

    def build(self, tokens: Iterable[Token]) -> tuple[Block, ...]:
        """The blocks of one piece, in order."""
        for token in tokens:
            handler = self._handlers.get(token.type)
            if handler is not None:
                handler(token)
        return tuple(self._blocks)

    def _add(self, line: Line) -> None:
        self._blocks.append(replace(line, depth=self._depth, quote=self._quote, marker=self._marker))
        self._marker = ""

    def _on_paragraph(self, token: Token) -> None:
        self._heading = 0
        self._hidden = token.hidden

    def _on_heading(self, token: Token) -> None:
        self._heading = int(token.tag[1:])

    def _on_inline(self, token: Token) -> None:
        spans = inline_spans(token.children or ())
        if self._rows is not None:
            self._rows[-1].append(spans)
        elif self._heading:
            self._add(Line("heading", spans, level=self._heading))
            self._heading = 0
        else:
            self._add_paragraph(spans)

    def _add_paragraph(self, spans: tuple[Span, ...]) -> None:
        task = _TASK.match(spans[0].text) if self._marker and spans else None
        if task:
            self._marker = _CHECK_BOXES[task.group(1)]
            spans = (replace(spans[0], text=spans[0].text[task.end() :]), *spans[1:])
        self._add(Line("paragraph", spans, tight=self._hidden and bool(self._blocks)))

    def _on_code(self, token: Token) -> None:
        if self._marker:
            self._add(Line("paragraph", tight=bool(self._blocks)))
        language = visible(token.info.split(maxsplit=1)[0])[:40] if token.info.strip() else ""
        code = token.content.removesuffix("\n")
        self._blocks += code_blocks(code, language, growing=self._growing, depth=self._depth, quote=self._quote)

    def _on_rule(self, _token: Token) -> None:
        self._add(Line("rule"))

    def _on_list(self, token: Token) -> None:
        self._depth += token.nesting

    def _on_item(self, token: Token) -> None:
        self._flush_marker()
        self._marker = f"{token.info}{token.markup}" if token.info else _BULLETS[min(self._depth, len(_BULLETS)) - 1]

    def _on_item_end(self, _token: Token) -> None:
        self._flush_marker()

    def _flush_marker(self) -> None:
        """An item that begins with something else than a paragraph keeps its marker on a line of its own."""
        if self._marker:
            self._add(Line("paragraph", tight=bool(self._blocks)))

    def _on_quote(self, token: Token) -> None:
        self._flush_marker()
        self._quote += token.nesting

    def _on_table(self, _token: Token) -> None:
        self._flush_marker()
        self._rows, self._alignments = [], []

    def _on_row(self, _token: Token) -> None:
        if self._rows is not None:
            self._rows.append([])

    def _on_header_cell(self, token: Token) -> None:
        self._alignments.append(_ALIGNMENTS.get(str(token.attrGet("style")), "left"))

    def _on_table_end(self, _token: Token) -> None:
        rows, self._rows = self._rows or [], None
        columns = len(self._alignments)
        if columns > MOST_COLUMNS or len(rows) * columns > MOST_CELLS:
            self._blocks += plain_blocks("\n".join(_row_text(row) for row in rows))
            return
        cells = tuple(tuple(row) for row in rows)
        self._blocks.append(Table(cells, tuple(self._alignments), depth=self._depth, quote=self._quote))


def _row_text(row: Iterable[Cell]) -> str:
    return " | ".join("".join(span.text for span in cell) for cell in row)
