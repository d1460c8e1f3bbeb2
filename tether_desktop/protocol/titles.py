"""Names a conversation after its first question."""

from __future__ import annotations

import re
from pathlib import PurePath

from tether_desktop.messages import Message

LONGEST_TITLE = 48
_TELLING = 12
_READ_AHEAD = 2000

_CODE_BLOCK = re.compile(r"(```|~~~).*?(\1|\Z)", re.DOTALL)
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_BLOCK_MARK = re.compile(r"^\s*(?:(?:#{1,6}|>|[-*+]|\d{1,3}[.)])\s+)+", re.MULTILINE)
_HTML_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
_EMPHASIS = re.compile(r"(?<!\w)([*_]{1,3}|~~|`+)(\S(?:.*?\S)?)\1(?!\w)")
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+(?![a-z])|(?<=[。！？])|\n")
_CLAUSE_END = re.compile(r"[,;:—–]\s|\s[-–—]\s|[，、；：]")
_TRAILING = " \t.,;:!?…-–—。，、；：！？\"'`*_([{"
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u200b\u2028-\u202e\u2066-\u2069\ufeff]")


def title_from(question: str) -> str:
    """A title of at most 48 characters; empty when the question has no words in it.

    The first sentence without its Markdown, cut at a clause or, failing that, between two words.
    """
    beginning = question[:_READ_AHEAD]
    words = _plain(_CODE_BLOCK.sub("\n", beginning)) or _plain(beginning)
    title = _shorten(_first_sentence(words)).strip(_TRAILING)
    return title[:1].upper() + title[1:] if any(map(str.isalnum, title)) else ""


def title_of(question: Message) -> str:
    """A title after what was typed, else after the file that came with nothing; empty when there are no words."""
    names = (PurePath(file.name).stem.replace("_", " ") for file in question.attachments)
    return title_from(question.text) or next(filter(None, map(title_from, names)), "")


def _plain(markdown: str) -> str:
    text = _LINK.sub(r"\1", _CONTROL.sub(" ", markdown))
    text = _EMPHASIS.sub(r"\2", _HTML_TAG.sub(" ", _BLOCK_MARK.sub("", text)))
    return "\n".join(" ".join(line.split()) for line in text.splitlines() if any(map(str.isalnum, line)))


def _first_sentence(text: str) -> str:
    """The first sentence, and the next one too while it is only a greeting."""
    for end in _SENTENCE_END.finditer(text):
        if end.start() >= _TELLING:
            return text[: end.start()].replace("\n", " ")
    return text.replace("\n", " ")


def _shorten(sentence: str) -> str:
    if len(sentence) <= LONGEST_TITLE:
        return sentence
    clauses = [match.start() for match in _CLAUSE_END.finditer(sentence, LONGEST_TITLE // 3, LONGEST_TITLE + 1)]
    space = sentence.rfind(" ", LONGEST_TITLE // 3, LONGEST_TITLE + 1)
    return sentence[: clauses[-1] if clauses else space if space > 0 else LONGEST_TITLE]
