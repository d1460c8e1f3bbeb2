"""Builds blocks from the tokens of the Markdown parser."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from markdown_it.token import Token

from tether_desktop.ui.markdown.blocks import LINE_BREAK, Alignment, Block, Cell, Line, Span, Table
from tether_desktop.ui.markdown.hidden_text import all_marked, visible
from tether_desktop.ui.markdown.highlight import code_lines
from tether_desktop.ui.markdown.shortened import rest_line
from tether_desktop.ui.markdown.spans import inline_spans, math_span
from tether_desktop.ui.number_text import whole
from tether_desktop.ui.translation import translate

LONGEST_PLAIN_LINE = 4_000
"""Characters after which a line that is shown as written continues in the next one: one layout of it stays cheap."""
MOST_CODE_LINES = 200
"""Lines of one block of code that are shown; the rest is a click away, and copied with it."""
MOST_ROWS = 100
"""Rows of one table that are shown."""
MOST_CELLS = 800
MOST_COLUMNS = 24
MOST_SPANS = 120
MOST_BREAKS = 60
"""Line breaks in one paragraph after which it goes on in another one."""

_TASK = re.compile(r"\[([ xX])\]\s+")
_CHECK_BOXES = {" ": "☐", "x": "☑", "X": "☑"}
_BULLETS = "•◦▪"
_ALIGNMENTS: dict[str, Alignment] = {"text-align:center": "center", "text-align:right": "right"}


def plain_blocks(text: str, *, first: bool = True) -> tuple[Block, ...]:
    """The text as it was written, one block for each line; ``first`` says that nothing comes before it."""
    pieces = (all_marked([Span(piece)]) for line in text.split("\n") for piece in _cut(line))
    return tuple(
        Line("paragraph", spans if spans[0].text else (), tight=index > 0 or not first)
        for index, spans in enumerate(pieces)
    )


def code_blocks(code: str, language: str, *, growing: bool = False, depth: int = 0, quote: int = 0) -> list[Block]:
    """The lines of one block of code; of very many, the first ones and a line that offers the rest."""
    count = code.count("\n") + 1
    shown = code if count <= MOST_CODE_LINES else "\n".join(code.split("\n", MOST_CODE_LINES)[:MOST_CODE_LINES])
    lines = [all_marked(spans) for spans in code_lines(shown, language, growing=growing)]
    end = len(lines) - 1 if count <= MOST_CODE_LINES else -1
    header = Line("code_header", depth=depth, quote=quote, language=language)
    blocks: list[Block] = [
        header,
        *(
            Line("code", spans, depth=depth, quote=quote, language=language, last=index == end)
            for index, spans in enumerate(lines)
        ),
    ]
    if end < 0:
        words = translate("Markdown", "Show all {count} lines").format(count=whole(count))
        rest = rest_line(words, code, kind="code")
        blocks.append(replace(rest, depth=depth, quote=quote, language=language, last=True))
    return blocks


def _cut(line: str) -> Iterable[str]:
    return (line[start : start + LONGEST_PLAIN_LINE] for start in range(0, max(len(line), 1), LONGEST_PLAIN_LINE))


def _paragraphs(spans: tuple[Span, ...]) -> Iterator[tuple[Span, ...]]:
    """The paragraph, cut into several where laying it out as one would be felt; what is before a cut never changes."""
    if sum(span.text.count(LINE_BREAK) for span in spans) > MOST_BREAKS:
        yield from _cut_at_breaks(spans)
    elif len(spans) > MOST_SPANS or sum(len(span.text) for span in spans) > LONGEST_PLAIN_LINE:
        yield from _cut_anywhere(spans)
    else:
        yield spans


def _cut_anywhere(spans: Iterable[Span]) -> Iterator[tuple[Span, ...]]:
    held: list[Span] = []
    length = 0
    for span in spans:
        pieces = _cut(span.text) if not span.source else (span.text,)
        for piece in pieces:
            if held and (len(held) >= MOST_SPANS or length + len(piece) > LONGEST_PLAIN_LINE):
                yield tuple(held)
                held, length = [], 0
            held.append(span.with_text(piece))
            length += len(piece)
    yield tuple(held)


def _cut_at_breaks(spans: Iterable[Span]) -> Iterator[tuple[Span, ...]]:
    held: list[Span] = []
    breaks = 0
    for span in spans:
        first, *rest = span.text.split(LINE_BREAK) if not span.source else [span.text]
        held.append(span.with_text(first))
        for line in rest:
            breaks += 1
            if breaks % MOST_BREAKS:
                held.append(span.with_text(LINE_BREAK + line))
            else:
                yield _merged(held)
                held = [span.with_text(line)]
    yield _merged(held)


def _merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    merged: list[Span] = []
    for span in spans:
        if merged and merged[-1].style == span.style and not span.source:
            merged[-1] = span.with_text(merged[-1].text + span.text)
        elif span.text:
            merged.append(span)
    return tuple(merged)


class BlockBuilder:
    """Walks over the tokens of one top-level piece of Markdown.

    Args:
        lines: those of the text that the tokens are of.
        growing: more text will follow, so code is highlighted piece by piece.
        tight: the first line follows the one before without the space between paragraphs.
    """

    def __init__(self, lines: Sequence[str] = (), *, growing: bool = False, tight: bool = False) -> None:
        self._lines = lines
        self._growing = growing
        self._tight = tight
        self._blocks: list[Block] = []
        self._depth = 0
        self._quote = 0
        self._marker = ""
        self._hidden = False
        self._heading = 0
        self._rows: list[list[Cell]] | None = None
        self._alignments: list[Alignment] = []
        self._table_lines = [0, 0]
        self._handlers: dict[str, Callable[[Token], None]] = {
            "inline": self._on_inline,
            "paragraph_open": self._on_paragraph,
            "heading_open": self._on_heading,
            "math_block": self._on_math,
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
        first = token.map[0] if token.map else 0
        # Of what is before alone: whether a blank line follows somewhere in the list is not known while it grows.
        self._hidden = self._depth > 0 and (self._lines[first - 1].strip() != "" if first else self._tight)

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
        for index, part in enumerate(_paragraphs(spans)):
            tight = self._hidden and (bool(self._blocks) or self._tight)
            self._add(Line("paragraph", part, tight=index > 0 or tight))

    def _on_math(self, token: Token) -> None:
        self._flush_marker()
        self._add(Line("math", (math_span(token),)))

    def _on_code(self, token: Token) -> None:
        if self._marker:
            self._add(Line("paragraph", tight=bool(self._blocks) or self._tight))
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
            self._add(Line("paragraph", tight=bool(self._blocks) or self._tight))

    def _on_quote(self, token: Token) -> None:
        self._flush_marker()
        self._quote += token.nesting

    def _on_table(self, token: Token) -> None:
        self._flush_marker()
        self._rows, self._alignments = [], []
        self._table_lines = token.map or [0, 0]

    def _on_row(self, _token: Token) -> None:
        if self._rows is not None:
            self._rows.append([])

    def _on_header_cell(self, token: Token) -> None:
        self._alignments.append(_ALIGNMENTS.get(str(token.attrGet("style")), "left"))

    def _on_table_end(self, _token: Token) -> None:
        rows, self._rows = self._rows or [], None
        columns = len(self._alignments)
        most = min(MOST_ROWS, MOST_CELLS // max(columns, 1))
        if columns > MOST_COLUMNS:
            self._blocks += plain_blocks("\n".join(_row_text(row) for row in rows))
            return
        cells = tuple(tuple(row) for row in rows[: most + 1])
        self._blocks.append(Table(cells, tuple(self._alignments), depth=self._depth, quote=self._quote))
        if len(rows) > most + 1:
            first, last = self._table_lines
            rest = rows_line("\n".join(self._lines[first:last]), len(rows) - 1)
            self._blocks.append(replace(rest, depth=self._depth, quote=self._quote))


def rows_line(table: str, rows: int) -> Line:
    """Offers the rows of a table, its header not counted, that are not shown."""
    words = translate("Markdown", "Show all {count} rows").format(count=whole(rows))
    return rest_line(words, table.rstrip("\n"))


def _row_text(row: Iterable[Cell]) -> str:
    return " | ".join("".join(span.text for span in cell) for cell in row)
