"""Code and tables of any length at the beginning of a text: found without looking at every character."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from tether_desktop.ui.markdown.block_builder import MOST_CELLS, MOST_COLUMNS, MOST_ROWS, code_blocks, rows_line
from tether_desktop.ui.markdown.blocks import Block, Table
from tether_desktop.ui.markdown.hidden_text import visible
from tether_desktop.ui.markdown.parser import parse

_FENCE = re.compile(r"(`{3,}|~{3,})([^\n]*)\n")
_TABLE = re.compile(r"[^\n]*\|[^\n]*\n {0,3}[|:-][ \t|:-]*\n")
# A line that begins so may be of another piece, which is for the parser to say.
_ROW = r"(?![ \t]*\n)(?! {0,3}(?:[#>`~*+$\\-]|\d+[.)]))(?! {4})(?!\t)[^\n]*\n"
_ROWS = re.compile(f"(?:{_ROW})*")


@dataclass(frozen=True, slots=True)
class LongPiece:
    """A piece of Markdown at the beginning of a text.

    Attributes:
        blocks: what is shown of it.
        end: how many characters it takes; None while it is not closed, so that all of the text is part of it.
    """

    blocks: list[Block]
    end: int | None


def take(text: str, *, growing: bool) -> LongPiece | None:
    """The code or the long table that a text begins with; None when it begins with something else."""
    return _take_code(text, growing=growing) or _take_table(text)


def _take_code(text: str, *, growing: bool) -> LongPiece | None:
    opening = _FENCE.match(text)
    if opening is None or (opening.group(1)[0] == "`" and "`" in opening.group(2)):
        return None
    fence, info = opening.groups()
    closing = re.compile(rf"\n {{0,3}}{re.escape(fence[0])}{{{len(fence)},}}[ \t]*\n").search(text, opening.end() - 1)
    body = text[opening.end() : closing.start() + 1] if closing else _unclosed(text[opening.end() :], fence)
    language = visible(info.split(maxsplit=1)[0])[:40] if info.strip() else ""
    code = body.removesuffix("\n").replace("\x00", "\ufffd")
    return LongPiece(
        code_blocks(code, language, growing=growing and closing is None), closing.end() if closing else None
    )


def _unclosed(body: str, fence: str) -> str:
    """The code so far; a last line that closes it, or may come to, is no part of it."""
    start = body.rfind("\n") + 1
    last = body[start:].strip(" \t")
    closes = len(last) >= len(fence) and not last.strip(fence[0]) and not body[start:].startswith("    ")
    return body[:start] if closes else body


def _take_table(text: str) -> LongPiece | None:
    head = _TABLE.match(text)
    if head is None:
        return None
    columns = head.group().split("\n")[1].strip().strip("|").count("|") + 1
    most = min(MOST_ROWS, MOST_CELLS // columns)
    shown = re.compile(f"(?:{_ROW}){{{most}}}").match(text, head.end())
    if shown is None or columns > MOST_COLUMNS:
        return None
    rest = _ROWS.match(text, shown.end())
    end = rest.end() if rest is not None else shown.end()
    rows = text.count("\n", head.end(), end)
    ended = text.find("\n", end) >= 0
    if rows == most or (ended and text[end : text.index("\n", end)].strip(" \t")):
        return None
    blocks = _parsed(text[: shown.end()])
    if len(blocks) != 1 or not isinstance(blocks[0], Table):
        return None
    return LongPiece([*blocks, rows_line(text[:end], rows)], end if ended else None)


@lru_cache(maxsize=4)
def _parsed(head: str) -> tuple[Block, ...]:
    return tuple(parse(head))
