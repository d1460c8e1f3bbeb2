"""What is shown of a message in which words were found."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tether_desktop.context.words import fold

_AROUND = 80

Marks = tuple[tuple[int, int], ...]
"""Places in a text, as (start, end)."""


def excerpt_of(text: str, patterns: Sequence[re.Pattern[str]]) -> tuple[str, Marks]:
    """The surroundings, in a text of one line, of the first place where one is found, and what is found there."""
    start, end = _first_place(text, patterns)
    left, right = max(0, start - _AROUND), min(len(text), end + _AROUND)
    left += len(text[left:right]) - len(text[left:right].lstrip())
    right -= len(text[left:right]) - len(text[left:right].rstrip())
    before, after = "…" if left else "", "…" if right < len(text) else ""
    shift = len(before) - left
    marks = tuple((start + shift, end + shift) for start, end in _places(text, left, right, patterns))
    return f"{before}{text[left:right]}{after}", marks


def _first_place(text: str, patterns: Sequence[re.Pattern[str]]) -> tuple[int, int]:
    folded = fold(text)
    start, end = min(found.span() for pattern in patterns if (found := pattern.search(folded)))
    return (start, end) if text.isascii() else (_place(text, start), _place(text, end - 1) + 1)


def _places(text: str, left: int, right: int, patterns: Sequence[re.Pattern[str]]) -> list[tuple[int, int]]:
    """Where between two places words are found, in order, none within another."""
    # One more character on each side tells whether a word begins or ends there.
    first, piece = max(0, left - 1), text[max(0, left - 1) : right + 1]
    origin = [first + place for place, character in enumerate(piece) for _ in fold(character)] + [first + len(piece)]
    folded = fold(piece)
    places: list[tuple[int, int]] = []
    for start, end in sorted(found.span() for pattern in patterns for found in pattern.finditer(folded)):
        place = max(left, origin[start]), min(right, max(origin[end], origin[end - 1] + 1))
        if place[0] < place[1] and (not places or place[0] >= places[-1][1]):
            places.append(place)
    return places


def _place(text: str, folded_place: int) -> int:
    """Where in a text the character is whose folded form lies there: "ß" folds to two letters."""
    passed = 0
    for place, character in enumerate(text):
        passed += len(fold(character))
        if passed > folded_place:
            return place
    return len(text) - 1
