"""Text as search sees it: folded, so that ways of writing do not matter, and taken apart into words."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

_LONGEST = 40
"""Characters of a word that are kept: pasted keys and pictures are thousands long."""

_MOST_BYTES = 1_000_000
"""Of the different words of a message, with four more for each: PostgreSQL takes 1 MiB of them."""

_PRIVATE_USE = 0xE000
"""Where the marks of ASCII go: to SQLite's ``ascii`` tokenizer they separate words, what is above ASCII does not."""

_LIKE: Final = {"ı": "i", "ł": "l", "ø": "o", "đ": "d", "æ": "ae", "œ": "oe", "‘": "'", "’": "'", "“": '"', "”": '"'}
"""What Unicode does not take for variants, but a person who has another keyboard does."""

# Accents, and the vowel points that Hebrew and Arabic are written with or without. Not the marks of other scripts:
# they are vowels there, or make another letter.
_ACCENTS = re.compile("[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u1ab0-\u1aff\u1dc0-\u1dff]")

_WITHOUT_SPACES = (
    "\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3041-\u309f"
    "\u30a1-\u30fa\u30fc-\u30ff\u3100-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7ff\uf900-\ufaff"
    "\U00020000-\U0003ffff"
)
"""Thai, Lao, Burmese, Khmer, Chinese and Japanese, and Korean, whose words grow at their ends."""

_LETTER = f"(?![{_WITHOUT_SPACES}])[\\w\u0483-\u0489\u0900-\u0963\u0966-\u0dff]"
"""A letter or digit of a script with spaces; the vowel signs of Indian scripts are none to Python."""

_PIECES = re.compile(f"(?P<word>(?:{_LETTER})+)|(?P<run>[{_WITHOUT_SPACES}]+)|(?P<mark>\\S)")
_ENDS_IN_LETTER = re.compile(f"(?:{_LETTER})\\Z")
_BEGINS_WITH_LETTER = re.compile(_LETTER)


@dataclass(frozen=True, slots=True)
class Term:
    """What the index is asked for: a word, or all words that begin so."""

    word: str
    is_beginning: bool = False


def fold(text: str) -> str:
    """The text without regard to letter case, accents, width and ligatures; it may be shorter or longer."""
    return text.translate(_FOLDING)


def one_line(text: str) -> str:
    """The text with single spaces, and characters composed where that can be done."""
    return unicodedata.normalize("NFC", " ".join(text.split()))


def words_of(text: str) -> list[str]:
    """The different words that the index keeps of a text; none has a space or an ASCII mark in it.

    Scripts without spaces are kept as pairs of neighbours, and the last character of a run alone: so what stands
    anywhere within a run is found, and a single character as the beginning of pairs.
    """
    words = list(dict.fromkeys(_each_word(fold(one_line(text)))))
    sizes = accumulate(len(word.encode()) + 4 for word in words)
    return words[: bisect_right(list(sizes), _MOST_BYTES)]


def terms_of(query_words: list[str]) -> list[Term]:
    """What a text has in the index if it has all of these folded words; the last may be a beginning."""
    last = len(query_words) - 1
    return [term for place, word in enumerate(query_words) for term in _terms(word, is_last=place == last)]


def patterns_of(query_words: list[str]) -> list[re.Pattern[str]]:
    """What finds each of the folded words in a folded text; the last may go on."""
    last = len(query_words) - 1
    return [
        re.compile(
            (f"(?<!{_LETTER})" if _BEGINS_WITH_LETTER.match(word) else "")
            + re.escape(word)
            + (f"(?!{_LETTER})" if place < last and _ENDS_IN_LETTER.search(word) else "")
        )
        for place, word in enumerate(query_words)
    ]


def _each_word(folded: str) -> Iterator[str]:
    for piece in _PIECES.finditer(folded):
        text = piece.group()
        if piece.lastgroup == "run":
            yield from (text[place : place + 2] for place in range(len(text)))
        else:
            yield text[:_LONGEST]


def _terms(word: str, *, is_last: bool) -> Iterator[Term]:
    for piece in _PIECES.finditer(word):
        text = piece.group()
        if piece.lastgroup == "run":
            pairs = [Term(text[place : place + 2]) for place in range(len(text) - 1)]
            yield from pairs or [Term(text, is_beginning=True)]
        else:
            goes_on = is_last and piece.lastgroup == "word" and piece.end() == len(word)
            yield Term(text[:_LONGEST], is_beginning=goes_on and len(text) < _LONGEST)


class _Folding(dict[int, str]):
    """What ``str.translate`` makes of each character, found out when it is first met."""

    def __missing__(self, code: int) -> str:
        folded = self[code] = _fold_character(chr(code))
        return folded


_FOLDING = _Folding()


def _fold_character(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Cf" or "\ufe00" <= character <= "\ufe0f":  # what only joins, parts or colours its neighbours
        return ""
    if category == "Cs":
        return "\N{REPLACEMENT CHARACTER}"
    plain = unicodedata.normalize("NFKD", character.casefold())
    if " " in plain:  # an accent that stands alone
        return character
    plain = unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFKD", plain.casefold())))
    return "".join(_indexable(like) for each in plain for like in _LIKE.get(each, each))


def _indexable(character: str) -> str:
    if character == " " or character.isalnum() or not character.isascii():
        return character
    return chr(_PRIVATE_USE + ord(character))
