"""Markdown to blocks: CommonMark with tables, strikethrough, task lists and mathematics; no HTML, no images."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from tether_desktop.ui.markdown.block_builder import BlockBuilder, plain_blocks
from tether_desktop.ui.markdown.blocks import LINE_BREAK, Block
from tether_desktop.ui.markdown.highlight import prewarm as prewarm_highlight
from tether_desktop.ui.markdown.math_rules import enable_math
from tether_desktop.ui.markdown.spans import is_allowed_link

LONGEST_PARAGRAPH = 6_000
"""Characters above which emphasis and links in one paragraph are not looked for."""
MOST_BRACKETS = 300
"""Opening brackets in a paragraph above which links in it are not looked for: each may search all the rest."""
DEEPEST_NESTING = 210
"""Levels of lists and quotations (a list counts twice); what lies deeper is shown as it was written."""


def parse(text: str, *, growing: bool = False, after: str = "") -> list[Block]:
    """The blocks of ``text``, whose lines end in a single line feed.

    Args:
        text: the Markdown.
        growing: more text will follow the last block.
        after: the line before, where the text goes on with a list; empty where it does not, or that line is blank.
    """
    lines = text.split("\n")
    pieces = list(_pieces(_parser().parse(text)))
    return [
        block
        for number, piece in enumerate(pieces)
        for block in _blocks(
            piece, lines, growing=growing and piece is pieces[-1], tight=number == 0 and bool(after.strip())
        )
    ]


@dataclass(frozen=True, slots=True)
class Final:
    """How much of a text cannot change any more.

    Attributes:
        end: so many characters.
        in_list: what follows goes on with the list before it.
    """

    end: int = 0
    in_list: bool = False


def final(text: str, longest: int, most_lines: int) -> Final:
    """How much of ``text``, which ends with a line feed, are pieces that cannot change any more.

    Pieces are what stands at the top level, and the items of lists there. The last one may still grow; a piece of
    more than ``longest`` characters or ``most_lines`` lines is not among them, nor what follows it.
    """
    starts = list(_starts(_outline_parser().parse(text)))
    offsets = _offsets(text, [line for line, _ in starts])
    for index, (start, end) in enumerate(pairwise(offsets)):
        if end - start > longest or starts[index + 1][0] - starts[index][0] > most_lines:
            return Final(start, starts[index][1]) if index else Final()
    return Final(offsets[-1], starts[-1][1]) if len(starts) > 1 else Final()


def _starts(tokens: list[Token]) -> Iterator[tuple[int, bool]]:
    """The lines where pieces begin, and whether each is another item of a list."""
    for piece in _pieces(tokens):
        if not piece[0].map:
            continue
        yield piece[0].map[0], False
        items = [token.map[0] for token in piece if token.type == "list_item_open" and token.level == 1 and token.map]
        yield from ((line, True) for line in items[1:])


def _offsets(text: str, lines: list[int]) -> list[int]:
    """Where lines begin."""
    found, position, at = [], 0, 0
    for line in lines:
        for _ in range(line - at):
            position = text.index("\n", position) + 1
        at = line
        found.append(position)
    return found


def has_references(text: str) -> bool:
    """Whether links may be defined apart from where they are used, which changes what lies before."""
    return _REFERENCE.search(text) is not None


def prewarm() -> None:
    """Do once, in any thread, what the first message would otherwise wait for."""
    parse("**a** `b` $c^2$\n\n- c\n\n| d |\n|---|\n| e |")
    prewarm_highlight()


_REFERENCE = re.compile(r"^ {0,3}\[[^\]\n]+\]:", re.MULTILINE)


def _blocks(tokens: list[Token], lines: list[str], *, growing: bool, tight: bool) -> tuple[Block, ...]:
    if any(token.level >= DEEPEST_NESTING - 2 for token in tokens):
        first, last = tokens[0].map or (0, 0)
        return plain_blocks("\n".join(lines[first:last]).rstrip("\n"))
    return BlockBuilder(lines, growing=growing, tight=tight).build(tokens)


def _pieces(tokens: list[Token]) -> Iterator[list[Token]]:
    """Tokens from one top-level opening to its closing."""
    piece: list[Token] = []
    for token in tokens:
        piece.append(token)
        if token.level == 0 and token.nesting <= 0:
            yield piece
            piece = []


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    return _make_parser()


def _make_parser() -> MarkdownIt:
    md = MarkdownIt("commonmark", {"html": False, "maxNesting": DEEPEST_NESTING})
    md.enable(["table", "strikethrough"])
    # A dash below a line begins a list far more often than it underlines a heading, and while a reply streams every
    # list would flash as one.
    md.disable(["lheading", "html_block", "html_inline"])
    enable_math(md)
    md.validateLink = is_allowed_link  # type: ignore[method-assign]
    md.core.ruler.at("inline", _parse_inline)
    return md


def _is_worth_parsing(content: str) -> bool:
    if len(content) > LONGEST_PARAGRAPH or content.count("[") > MOST_BRACKETS:
        return False
    return _MARKED.search(content) is not None


@lru_cache(maxsize=1)
def _outline_parser() -> MarkdownIt:
    """Finds where pieces begin without looking into their paragraphs, which takes most of the time."""
    md = _make_parser()
    md.core.ruler.disable(["inline"])
    return md


_MARKED = re.compile(r"[*_`~\[\]<>!\\&$\n]")


def _parse_inline(state: StateCore) -> None:
    """Markdown-it's own rule, without the paragraphs that need no parsing or would take too long."""
    for token in state.tokens:
        if token.type != "inline":
            continue
        if not _is_worth_parsing(token.content):
            token.children = [Token("text", "", 0, content=token.content.replace("\n", LINE_BREAK))]
        else:
            token.children = token.children or []
            state.md.inline.parse(token.content, state.md, state.env, token.children)
