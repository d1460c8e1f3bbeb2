"""Finds tags in a stream: those that are there, and text that more text may make one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache


def any_of(tags: Iterable[str], *, exact: bool = True) -> str:
    """A regular expression for any of these tags; ``exact`` ones in this very spelling, others in any case."""
    return _cased("|".join(map(re.escape, tags)), exact=exact)


def beginning_of(tags: Iterable[str], *, exact: bool = True) -> str:
    """A regular expression for what may still become one of these tags: a part of its beginning, at the text's end."""
    return rf"(?:{_cased('|'.join(map(_beginnings, tags)), exact=exact)})\Z"


@cache
def _beginnings(tag: str) -> str:
    nested = ""
    for character in reversed(tag[:-1]):
        nested = re.escape(character) + (f"(?:{nested})?" if nested else "")
    return nested or "(?!)"


def _cased(pattern: str, *, exact: bool) -> str:
    # ASCII, or the Turkish dotless i and the long s would match too, but only in one piece.
    return f"(?:{pattern or '(?!)'})" if exact else f"(?ai:{pattern or '(?!)'})"
