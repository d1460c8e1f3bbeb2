"""Inline Markdown to styled spans, safe to show: links checked, images as words, hidden characters spelled out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from urllib.parse import urlsplit

from markdown_it.token import Token

from tether_desktop.ui.markdown.blocks import LINE_BREAK, Span

ALLOWED_SCHEMES = frozenset({"http", "https", "mailto"})

_URL = re.compile(r"https?://[^\s<>\"'`{}|\\^\[\]]*[^\s<>\"'`{}|\\^\[\].,;:!?)*_]")
_REORDERING = "\u202a-\u202e\u2066-\u2069"
# What a text document would take for its own marks: paragraph separator, frame ends, lone surrogates, controls.
_UNSHOWABLE = re.compile(f"[{_REORDERING}\u2029\ufdd0\ufdd1\ud800-\udfff\x00-\x08\x0b-\x1f\x7f]")
_Restyle = Callable[[Span, bool], Span]
_STYLES: dict[str, _Restyle] = {
    "strong": lambda span, on: replace(span, bold=on),
    "em": lambda span, on: replace(span, italic=on),
    "s": lambda span, on: replace(span, strike=on),
}


def is_allowed_link(url: str) -> bool:
    """Whether a link a model wrote may be followed: only http, https and mailto."""
    try:
        return urlsplit(url).scheme.lower() in ALLOWED_SCHEMES
    except ValueError:
        return False


def visible(text: str) -> str:
    """The text with nothing hidden in it: characters that reorder their neighbours and controls are spelled out."""
    return _UNSHOWABLE.sub(_spelled_out, text)


def _spelled_out(found: re.Match[str]) -> str:
    code = ord(found.group())
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x2029:
        return LINE_BREAK
    return f"⟨U+{code:04X}⟩" if code < 0xD800 else "\ufffd"


def inline_spans(tokens: Iterable[Token]) -> tuple[Span, ...]:
    """The spans of one paragraph, from the children of its inline token."""
    return tuple(_joined(span for span in _spans(tokens) if span.text))


def _spans(tokens: Iterable[Token]) -> Iterator[Span]:
    style = Span("")
    for token in tokens:
        name, _, side = token.type.partition("_")
        if name in _STYLES and side in {"open", "close"}:
            style = _STYLES[name](style, side == "open")
        elif token.type == "link_open":
            style = replace(style, link=str(token.attrGet("href") or ""))
        elif token.type == "link_close":
            style = replace(style, link="")
        else:
            yield from _leaf(token, style)


def _leaf(token: Token, style: Span) -> Iterator[Span]:
    if token.type in {"softbreak", "hardbreak"}:
        yield style.with_text(LINE_BREAK)
    elif token.type == "code_inline":
        yield replace(style, text=visible(token.content), code=True)
    elif token.type == "image":
        yield _image(token, style)
    else:
        yield from linked(style.with_text(visible(token.content)))


def _image(token: Token, style: Span) -> Span:
    """An image is never loaded: its words and its address stand for it."""
    address = str(token.attrGet("src") or "")
    return replace(style, text=visible(f"{token.content or 'image'} ({address})"), link=style.link or address)


def linked(span: Span) -> Iterator[Span]:
    """The span, cut so that bare web addresses in it become links."""
    if span.link or "://" not in span.text:
        yield span
        return
    end = 0
    for found in _URL.finditer(span.text):
        yield span.with_text(span.text[end : found.start()])
        yield replace(span, text=found.group(), link=found.group())
        end = found.end()
    yield span.with_text(span.text[end:])


def _joined(spans: Iterable[Span]) -> Iterator[Span]:
    """Neighbours of one style become one: fewer spans are faster to compare and to lay out."""
    held: Span | None = None
    for span in spans:
        if held is not None and held.style == span.style:
            held = held.with_text(held.text + span.text)
            continue
        if held is not None:
            yield held
        held = span
    if held is not None:
        yield held
