"""Inline Markdown to styled spans, safe to show: links checked, images as words, hidden characters spelled out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from urllib.parse import urlsplit

from markdown_it.token import Token

from tether_desktop.ui.markdown.blocks import LINE_BREAK, Span
from tether_desktop.ui.markdown.hidden_text import all_marked, visible
from tether_desktop.ui.translation import translate

MATH = "math"
"""The ``syntax`` of a span that stands for a formula."""

IMAGE = "image"
"""The ``syntax`` of a span that stands for an image."""

LONGEST_ADDRESS = 80
"""Characters of an image's address that are shown; copying takes all of them."""

ALLOWED_SCHEMES = frozenset({"http", "https", "mailto"})

_URL = re.compile(r"https?://[^\s<>\"'`{}|\\^\[\]]*[^\s<>\"'`{}|\\^\[\].,;:!?)*_]")
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


def inline_spans(tokens: Iterable[Token]) -> tuple[Span, ...]:
    """The spans of one paragraph, from the children of its inline token."""
    return tuple(_joined(span for span in all_marked(_spans(tokens)) if span.text))


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
        yield replace(style, text=token.content, code=True)
    elif token.type == "math_inline":
        yield math_span(token, style)
    elif token.type == "image":
        yield _image(token, style)
    else:
        yield from linked(style.with_text(token.content))


def math_span(token: Token, style: Span = Span("")) -> Span:  # noqa: B008  (frozen)
    """A formula as text, which is copied as it was written."""
    return replace(style, text=token.content.replace("\n", LINE_BREAK), syntax=MATH, source=token.markup)


def _image(token: Token, style: Span) -> Span:
    """An image is never loaded: its words and its address stand for it."""
    address, name = str(token.attrGet("src") or ""), token.content or translate("Markdown", "image")
    shown = address if len(address) <= LONGEST_ADDRESS else f"{address[:LONGEST_ADDRESS]}…"
    source = "" if shown == address else f"{name} ({address})"
    text = visible(f"{name} ({shown})")
    return replace(style, text=text, link=style.link or address, syntax=IMAGE, source=source)


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
        if held is not None and held.style == span.style and not span.source:
            held = held.with_text(held.text + span.text)
            continue
        if held is not None:
            yield held
        held = span
    if held is not None:
        yield held
