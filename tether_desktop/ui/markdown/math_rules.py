"""Where mathematics begins and ends in Markdown: between dollars, or between brackets after backslashes."""

from __future__ import annotations

import re

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline

from tether_desktop.ui.markdown.math_text import LONGEST_FORMULA, math_text

_CLOSINGS = {"$$": "$$", "\\[": "\\]", "\\(": "\\)", "$": "$"}
_OPENING = re.compile(r"\$\$|\\\[|\\\(|\$")
_MATHEMATICAL = re.compile(r"[\\^_=<>+/*{}|]|[A-Za-z]")
_PLAIN_WORDS = re.compile(r"[A-Za-z]{2,}")


def enable_math(md: MarkdownIt) -> None:
    """Let a parser find mathematics; its tokens are ``math_inline`` and ``math_block``, their source is in markup."""
    md.inline.ruler.before("escape", "math_inline", _inline)
    md.block.ruler.before("fence", "math_block", _block, {"alt": ["paragraph", "reference", "blockquote", "list"]})


def _inline(state: StateInline, silent: bool) -> bool:
    found = _OPENING.match(state.src, state.pos, state.posMax)
    if found is None:
        return False
    opening = found.group()
    closing = _CLOSINGS[opening]
    start = found.end()
    end = state.src.find(closing, start, min(state.posMax, start + LONGEST_FORMULA))
    if end < 0 or not _is_formula(state.src, opening, start, end):
        return False
    shown = math_text(state.src[start:end].replace("\n", " ").strip())
    if shown is None:
        return False
    if not silent:
        token = state.push("math_inline", "", 0)
        token.content = shown
        token.markup = state.src[state.pos : end + len(closing)]
    state.pos = end + len(closing)
    return True


def _is_formula(text: str, opening: str, start: int, end: int) -> bool:
    """Whether dollars are meant as marks, and not as money: the rules of Pandoc, and a little more care."""
    inner = text[start:end]
    if not inner.strip():
        return False
    if opening != "$":
        return True
    before, after = text[start - 2 : start - 1], text[end + 1 : end + 2]
    if inner[0].isspace() or inner[-1].isspace() or "\n\n" in inner or before.isalnum() or after.isalnum():
        return False
    if inner[0].isdigit() and _PLAIN_WORDS.search(inner) and not re.search(r"[\\^_={}]", inner):
        return False
    return _MATHEMATICAL.search(inner) is not None or inner.replace(".", "").replace(",", "").isdigit()


def _block(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """A formula on lines of its own: up to its closing mark, or as an ordinary paragraph up to a blank line.

    How far it reaches never depends on what follows a blank line, so that a text that grows keeps its pieces.
    """
    if state.is_code_block(start):
        return False
    opening = _line(state, start)[:2]
    if opening not in {"$$", "\\["}:
        return False
    if silent:
        return True
    line, closed = _reach(state, start, end, _CLOSINGS[opening])
    source = state.getLines(start, line, state.blkIndent, False).strip()
    inner = source[2:-2].replace("\n", " ").strip() if closed else ""
    shown = math_text(inner) if inner else None
    state.line = line
    if shown is None:
        _push_paragraph(state, source, start, line)
        return True
    token = state.push("math_block", "", 0)
    token.content, token.markup, token.map = shown, source, [start, line]
    return True


def _reach(state: StateBlock, start: int, end: int, closing: str) -> tuple[int, bool]:
    """One past the last line of the formula, and whether that one closes it."""
    line = start
    while line < end and not state.isEmpty(line) and (line == start or state.sCount[line] >= state.blkIndent):
        text = _line(state, line)[2 if line == start else 0 :].rstrip()
        line += 1
        if text.endswith(closing):
            return line, True
    return line, False


def _line(state: StateBlock, line: int) -> str:
    return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]]


def _push_paragraph(state: StateBlock, source: str, start: int, line: int) -> None:
    state.push("paragraph_open", "p", 1).map = [start, line]
    token = state.push("inline", "", 0)
    token.content, token.map, token.children = source, [start, line], []
    state.push("paragraph_close", "p", -1)
