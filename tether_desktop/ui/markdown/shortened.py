"""Lines that offer what is too much to be shown at once."""

from __future__ import annotations

import zlib
from typing import Literal

from tether_desktop.ui.markdown.blocks import Line, Span

SCHEME = "whole"
"""Of the links of such lines; a model cannot write one, since its links are of the web and of mail."""


def rest_line(words: str, whole: str, *, kind: Literal["paragraph", "code"] = "paragraph") -> Line:
    """A line that says ``words`` and leads to all of a text."""
    return Line(kind, (Span(words, link=f"{SCHEME}:{_key(whole)}"),), whole=whole)


def whole_of(lines: list[Line], address: str) -> Line | None:
    """The line whose link this is; None when it is none of these."""
    key = address.removeprefix(f"{SCHEME}:")
    return next((line for line in lines if line.whole and _key(line.whole) == key), None)


def _key(whole: str) -> str:
    return f"{len(whole)}-{zlib.crc32(whole.encode('utf-8', 'replace')):08x}"
