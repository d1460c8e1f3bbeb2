"""Reads a long JSON document one conversation at a time, from a file that may be larger than the memory."""

from __future__ import annotations

import codecs
import json
import math
import re
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

from tether_desktop.context.files import import_faults
from tether_desktop.errors import ImportProblem

LONGEST_VALUE: Final = 128_000_000
"""Characters of one conversation, and so of what is in memory at a time; empty lists take twenty times that there."""

_CHUNK = 1 << 16
_WHITE_SPACE = re.compile(r"[ \t\r\n]*")
_CUT_OFF = re.compile(
    r"""\s*(?:"(?:[^"\\]++|\\.)*+\\?|t|tr|tru|f|fa|fal|fals|n|nu|nul|-|[.eE][-+]?|u[0-9a-fA-F]{0,4}|)""", re.DOTALL
)
"""What is left of a document that ends in the middle, from the place on where it cannot be read."""

_LONGEST_TOKEN = 32
"""Characters after which an error is no matter of what comes next: longer than names and escapes, if not texts."""


def read_elements(file: BinaryIO, listed: str) -> Iterator[tuple[str | None, Any]]:
    """What a document consists of, in its order, each read when it is asked for.

    Args:
        file: at its start; UTF-8, or UTF-16 or UTF-32 with its mark.
        listed: the name of the member whose array is given element by element.

    Yields:
        (None, element) for an element of the document's array, or of the listed member's after (name, []) for itself;
        (name, value) for every other member of the document's object.

    Raises:
        ImportProblem: it is no JSON, or too much of it.
    """
    try:
        reader = _JsonReader(file)
        if reader.peek() == "{":
            yield from _members(reader, listed)
        elif reader.peek() == "[":
            yield from _array(reader)
        else:
            reader.value()
        reader.end()
    except UnicodeDecodeError as error:
        raise import_faults.not_text() from error


def _members(reader: _JsonReader, listed: str) -> Iterator[tuple[str | None, Any]]:
    for _ in reader.items("{", "}"):
        if reader.peek() != '"':
            raise reader.fault()
        member = reader.value()
        reader.take(":")
        if member == listed and reader.peek() == "[":
            yield member, []
            yield from _array(reader)
        else:
            yield member, reader.value()


def _array(reader: _JsonReader) -> Iterator[tuple[None, Any]]:
    for _ in reader.items("[", "]"):
        yield None, reader.value()


class _JsonReader:
    """A place in a JSON text of which only the part around it is in memory."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        head = file.read(_CHUNK)
        self._decode = codecs.getincrementaldecoder(json.detect_encoding(head[:4]))().decode
        self._ended = len(head) < _CHUNK
        self._text, self._place = self._decoded(head), 0

    def peek(self) -> str:
        """The next character that is no white space; empty at the end."""
        while True:
            self._place = _WHITE_SPACE.match(self._text, self._place).end()  # type: ignore[union-attr]  # it always does
            if self._place < len(self._text):
                return self._text[self._place]
            if not self._more():
                return ""

    def take(self, expected: str) -> str:
        """Pass one of these characters, and tell which it was."""
        found = self.peek()
        if not found or found not in expected:
            raise self.fault()
        self._place += 1
        return found

    def items(self, opening: str, closing: str) -> Iterator[None]:
        """Stop at each item of an array or object; the caller reads it before asking for the next."""
        self.take(opening)
        if self.peek() == closing:
            self.take(closing)
            return
        while True:
            yield
            if self.take(f",{closing}") == closing:
                return

    def value(self) -> Any:
        """Pass a whole value."""
        self.peek()
        while True:
            try:
                value, end = STRICT_JSON.raw_decode(self._text, self._place)
            except json.JSONDecodeError as error:
                if not (self._may_go_on(error.pos) and self._more()):
                    raise self.fault(error.pos) from error
            except RecursionError as error:
                raise import_faults.nested_too_deeply() from error
            except ValueError as error:  # a number that is infinite, or of thousands of digits
                raise import_faults.not_json() from error
            else:
                # A number may go on, where no more than a point or an exponent without digits follows it yet.
                if end + len("e+") < len(self._text) or not self._more():
                    self._place = end
                    return value

    def end(self) -> None:
        """Make sure that nothing follows."""
        if self.peek():
            raise self.fault()

    def fault(self, place: int | None = None) -> ImportProblem:
        """What is wrong there: the text is over too early, or it is no JSON."""
        is_over = self._ended and _CUT_OFF.fullmatch(self._text, self._place if place is None else place)
        return import_faults.cut_off() if is_over else import_faults.not_json()

    def _may_go_on(self, place: int) -> bool:
        """Whether what is wrong at a place may be so because what follows is not there yet: of a text, or the end."""
        return place + _LONGEST_TOKEN > len(self._text) or self._text[place] == '"'

    def _more(self) -> bool:
        """Read as much again as is waiting; False at the end."""
        if self._ended:
            return False
        waiting = self._text[self._place :]
        if len(waiting) > LONGEST_VALUE:
            raise import_faults.too_large(LONGEST_VALUE // 1_000_000)
        wanted = max(_CHUNK, len(waiting))
        data = self._file.read(wanted)
        self._ended = len(data) < wanted
        self._text, self._place = waiting + self._decoded(data), 0
        return True

    def _decoded(self, data: bytes) -> str:
        return self._decode(data, final=self._ended)


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(digits)
    return number


def _refuse(constant: str) -> None:
    raise ValueError(constant)


STRICT_JSON: Final = json.JSONDecoder(parse_float=_finite, parse_constant=_refuse)
"""Takes no numbers that are infinite or none: they could not be written again."""
