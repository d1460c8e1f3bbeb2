"""Judges titles that a model has found: the smallest ones write anything but a title."""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet

from tether_desktop.context.words import words_of
from tether_desktop.protocol.titles import LONGEST_TITLE
from tether_desktop.protocol.tool_section import SILENT_WORDS

_MOST_WORDS = 8
_VARIED = 0.7
"""Part of its words that are different."""

_STEM = 4
"""Letters by which words are compared, so that their endings do not matter."""

_READ = 4000
"""Characters of question and answer in which its words are looked for."""

_QUOTES = ('""', "''", "“”", "„“", "«»", "**", "__", "「」", "‘’")
_UNFIT = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\"“”„«»*_#<>`|\[\]{}\\]|\.{2,}|…")
"""Control characters, quotes, and the marks of Markdown and HTML."""

_NO_TITLE = re.compile(
    r"(?:title|subject|topic|answer|user|assistant)\b\s*:|"
    r"(?:here(?:'s| is| are)?|sure|certainly|of course|okay|ok|sorry|unfortunately|as an|i|i'm|i'll|i'd|you|your|my|we|"
    r"this|that|these|it|it's|in this|the (?:conversation|chat|user|assistant|question|title|person|given|provided))\b",
    re.IGNORECASE,
)
"""How answers, excuses and sentences about the conversation begin."""

_ABOUT_THE_TASK = re.compile(r"\b(?:title|conversation|two to five|words?)\b", re.IGNORECASE)


def fit_title(said: str, question: str, answer: str) -> str:
    """What a model has said as a title; empty when it is none, or no better than the question's own words.

    Args:
        said: in reply to the request for a title, to its end.
        question: the first one of the conversation.
        answer: to it.
    """
    title = _unwrapped(said.strip()).rstrip(" ,;:-–—").strip()
    words = title.casefold().split()
    if not words or len(title) > LONGEST_TITLE or len(words) > _MOST_WORDS or title.endswith((".", "!", "。")):
        return ""
    if len(set(words)) < _VARIED * len(words):
        return ""
    if _UNFIT.search(title) or _NO_TITLE.match(title) or _ABOUT_THE_TASK.search(title):
        return ""
    if answer.strip().casefold().startswith(title.casefold()):
        return ""
    return title[:1].upper() + title[1:] if _is_about(title, question[:_READ], answer[:_READ]) else ""


def _unwrapped(title: str) -> str:
    for quotes in _QUOTES:
        if len(title) > 2 and title[0] == quotes[0] and title[-1] == quotes[-1]:
            return title[1:-1].strip("*_ ")
    return title


def _is_about(title: str, question: str, answer: str) -> bool:
    """Whether it takes up the question, and at least half of what it says was spoken of."""
    named, asked = _stems(title), _stems(question)
    spoken = asked | _stems(answer)
    return _among(named, asked) > 0 and 2 * _among(named, spoken) >= len(named)


def _among(words: AbstractSet[str], others: AbstractSet[str]) -> int:
    """How many of them are among the others, or begin so, or are the beginning of one."""
    return sum(any(word.startswith(other) or other.startswith(word) for other in others) for word in words)


def _stems(text: str) -> AbstractSet[str]:
    telling = (word for word in words_of(text) if word not in SILENT_WORDS)
    return {word[:_STEM] for word in telling if len(word) > 2 or not word.isascii()}
