"""Characters that nobody sees, or that make others appear in another order: shown as marks that say what they are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from tether_desktop.ui.markdown.blocks import LINE_BREAK, Span

MARK = "hidden"
"""The ``syntax`` of a span that stands for such characters."""

# What a text document would take for its own marks: paragraph separator, frame ends, lone surrogates, controls.
_UNSHOWABLE = re.compile("[\u2029\ufdd0\ufdd1\ud800-\udfff\x00-\x08\x0b-\x1f\x7f]")
_REORDERING = "\u202a-\u202e\u2066-\u2069"
_INVISIBLE = "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180e\u2060-\u2064\u206a-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb"
# Tags spell a few flags after a black one; anywhere else they only carry what is not to be read.
_TAGS = "\U000e0000-\U000e007f"
_FLAG = "\U0001f3f4[\U000e0030-\U000e007a]{4,6}\U000e007f"
# Joiners belong to the scripts and signs that need them; after a Latin letter they only hide.
_JOINERS = "(?<![^\x00-\u024f])[\u200b-\u200d]"
_UNSEEN = re.compile(f"{_FLAG}|((?:[{_REORDERING}{_INVISIBLE}{_TAGS}]|{_JOINERS})+)")
# In code nothing may be taken on trust: marks of direction belong to texts.
_UNSEEN_IN_CODE = re.compile(f"([{_REORDERING}{_INVISIBLE}{_TAGS}\u061c\u200b-\u200f]+)")


def visible(text: str) -> str:
    """The text with nothing hidden in it, for labels: what nobody would see is spelled out."""
    return "".join(span.text for span in marked(Span(text, code=True)))


def storable(text: str) -> str:
    """The text without what a document would take for its own marks; as long as it was."""
    return _UNSHOWABLE.sub(_stand_in, text)


def marked(span: Span) -> Iterator[Span]:
    """The span, cut where characters hide; each run of them becomes a mark that keeps them as its source."""
    text = span.text if span.text.isascii() and span.text.isprintable() else storable(span.text)
    if text.isascii():
        yield span.with_text(text)
        return
    end = 0
    for found in (_UNSEEN_IN_CODE if span.code else _UNSEEN).finditer(text):
        if found.group(1) is None:
            continue
        if found.start() > end:
            yield span.with_text(text[end : found.start()])
        yield replace(span, text=_label(found.group()), syntax=MARK, source=found.group())
        end = found.end()
    if end < len(text) or not text:
        yield span.with_text(text[end:])


def all_marked(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The spans with nothing hidden in them."""
    return tuple(part for span in spans for part in marked(span))


def _label(run: str) -> str:
    first = f"U+{ord(run[0]):04X}"
    return first if len(run) == 1 else f"{first} +{len(run) - 1}"


def _stand_in(found: re.Match[str]) -> str:
    code = ord(found.group())
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    return LINE_BREAK if code == 0x2029 else "\ufffd"
