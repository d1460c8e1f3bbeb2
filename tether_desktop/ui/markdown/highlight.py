"""Code told apart into coloured spans, by Pygments."""

from __future__ import annotations

from functools import lru_cache

from pygments.lexer import Lexer
from pygments.lexers import get_all_lexers, get_lexer_by_name
from pygments.token import Token, _TokenType

from tether_desktop.ui.markdown.blocks import Span

LONGEST_CODE = 200_000
"""Characters above which code is shown in one colour: nobody reads that much of it."""
LONGEST_LINE = 2_000
LONGEST_WHOLE = 8_000
"""Characters up to which complete code is lexed in one go, so that a string over many lines is seen as one."""
CHUNK_LINES = 32
"""Longer code, and code that still grows, is lexed in pieces of this many lines, which are remembered: adding a line
costs the same however long the code is."""

_SYNTAX = {
    Token.Keyword: "keyword",
    Token.Keyword.Type: "builtin",
    Token.Name.Function: "name",
    Token.Name.Class: "name",
    Token.Name.Decorator: "name",
    Token.Name.Namespace: "name",
    Token.Name.Tag: "keyword",
    Token.Name.Attribute: "name",
    Token.Name.Builtin: "builtin",
    Token.Name.Exception: "builtin",
    Token.Name.Constant: "number",
    Token.Literal.String: "string",
    Token.Literal.Number: "number",
    Token.Comment: "comment",
    Token.Operator: "operator",
    Token.Operator.Word: "keyword",
    Token.Generic.Inserted: "added",
    Token.Generic.Deleted: "removed",
    Token.Generic.Heading: "name",
    Token.Generic.Prompt: "comment",
}

SpanLine = tuple[Span, ...]


def code_lines(code: str, language: str, *, growing: bool = False) -> list[SpanLine]:
    """The lines of ``code`` as spans; in one colour when the language is unknown or the code is huge.

    Colours of ``growing`` code may change when it is complete, where a string spans pieces; the text never does.
    """
    lines = code.split("\n")
    if len(code) > LONGEST_CODE or max(map(len, lines)) > LONGEST_LINE or language.lower() not in _aliases():
        return [_plain(line) for line in lines]
    if len(lines) <= CHUNK_LINES or (not growing and len(code) <= LONGEST_WHOLE):
        return list(_lexed(code, language.lower()))
    pieces = ["\n".join(lines[start : start + CHUNK_LINES]) for start in range(0, len(lines), CHUNK_LINES)]
    return [line for piece in pieces for line in _lexed(piece, language.lower())]


def prewarm() -> None:
    """Import and build what the first highlighted block would otherwise wait for; may run in any thread."""
    for language in ("python", "javascript", "bash", "json", "html"):
        _lexed("x = 1", language)


def _plain(line: str) -> SpanLine:
    return (Span(line, code=True),) if line else ()


@lru_cache(maxsize=1)
def _aliases() -> frozenset[str]:
    """Pygments' own languages: a name it does not know would make it search every installed package for plugins."""
    return frozenset(alias for _, aliases, _, _ in get_all_lexers(plugins=False) for alias in aliases)


@lru_cache(maxsize=64)
def _lexer(language: str) -> Lexer:
    return get_lexer_by_name(language, stripnl=False, ensurenl=False)


@lru_cache(maxsize=512)
def _syntax(kind: _TokenType) -> str:
    while kind is not Token:
        if kind in _SYNTAX:
            return _SYNTAX[kind]
        kind = kind.parent
    return ""


@lru_cache(maxsize=512)
def _lexed(code: str, language: str) -> tuple[SpanLine, ...]:
    lines: list[list[Span]] = [[]]
    for kind, text in _lexer(language).get_tokens(code):
        syntax = _syntax(kind)
        first, *rest = text.split("\n")
        _append(lines[-1], first, syntax)
        for part in rest:
            lines.append([])
            _append(lines[-1], part, syntax)
    return tuple(map(tuple, lines))


def _append(line: list[Span], text: str, syntax: str) -> None:
    """Add text, joined with the span before when both look the same: fewer spans are faster to lay out."""
    if not text:
        return
    if line and (line[-1].syntax == syntax or not text.strip()):
        text, syntax = line[-1].text + text, line[-1].syntax
        line.pop()
    line.append(Span(text, code=True, syntax=syntax))
