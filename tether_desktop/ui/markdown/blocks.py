"""What a message's text is made of once it is parsed: lines, tables and styled spans, as values without Qt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from unicodedata import bidirectional

LINE_BREAK = "\u2028"
"""A break inside a line's own paragraph, as QTextDocument spells it."""

Alignment = Literal["left", "center", "right"]


@dataclass(frozen=True, slots=True)
class Span:
    """A run of text in one style.

    Attributes:
        link: where it leads, when it is a link; always http, https or mailto.
        syntax: the kind of token in highlighted code, a field name of ``SyntaxColors``.
        source: what it stands for when that is not its text: a formula, or a character that nobody would see.
    """

    text: str
    bold: bool = False
    italic: bool = False
    strike: bool = False
    code: bool = False
    link: str = ""
    syntax: str = ""
    source: str = ""

    @property
    def style(self) -> tuple[bool, bool, bool, bool, str, str, str]:
        """All but the text."""
        return self.bold, self.italic, self.strike, self.code, self.link, self.syntax, self.source

    @property
    def original(self) -> str:
        """What was written."""
        return self.source or self.text

    def with_text(self, text: str) -> Span:
        """Another text in the same style."""
        return Span(text, *self.style)


@dataclass(frozen=True, slots=True)
class Line:
    """One paragraph, heading, rule or line of code; a code header is the room above the code for its language.

    Attributes:
        level: 1..6 of a heading.
        depth: how many lists it lies in.
        quote: how many quotations it lies in.
        marker: bullet, number or check box of the list item that begins here.
        tight: it follows the line before without the space between paragraphs.
        language: of the code, as the model named it.
        last: the last line of its code block.
        whole: all of the code, table or text of which only the beginning is shown; this line offers the rest.
    """

    kind: Literal["paragraph", "heading", "rule", "code_header", "code", "math"]
    spans: tuple[Span, ...] = ()
    level: int = 0
    depth: int = 0
    quote: int = 0
    marker: str = ""
    tight: bool = False
    language: str = ""
    last: bool = False
    whole: str = ""

    @property
    def text(self) -> str:
        """The characters without their styles."""
        return "".join(span.text for span in self.spans)

    @property
    def right_to_left(self) -> bool:
        """Whether it is written from the right, as its first letter says; code never is."""
        return self.kind in {"paragraph", "heading"} and _begins_right(self.text)

    @property
    def original(self) -> str:
        """What was written, without its styles."""
        return "".join(span.original for span in self.spans)


def _begins_right(text: str) -> bool:
    strong = (side for side in map(bidirectional, text) if side in {"L", "R", "AL"})
    return not text.isascii() and next(strong, "L") != "L"


Cell = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells, the header first; all rows are as long as ``alignments``."""

    rows: tuple[tuple[Cell, ...], ...]
    alignments: tuple[Alignment, ...]
    depth: int = 0
    quote: int = 0


Block = Line | Table
