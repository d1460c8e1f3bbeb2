"""Weighs what a chat template makes: each value has a largest size, and all of them together a budget.

Sizes are bytes, about. A value counts with all that is in it, as often as it is in it, because that is how long it
takes to compare it, to hash it or to write it down.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from jinja2.exceptions import SecurityError
from jinja2.runtime import LoopContext

_LARGEST = 8_000_000
_BUDGET = 256_000_000
_SPARE_OF_INPUT, _BUDGET_OF_INPUT = 4, 64
"""A conversation may be longer than any template needs to be, so that limits grow with it."""

_DEEPEST = 100
_LARGEST_NUMBER_BITS = 4096
_OTHER = 64
"""Size of objects whose text is short."""

_NOTE = 200
"""Size of what is noted of a container."""

_VIEWS: tuple[type, ...] = (type({}.keys()), type({}.values()), type({}.items()))
_CONTAINERS = (list, tuple, dict, *_VIEWS)


class Meter:
    """Weighs the values of one rendering.

    Attributes:
        largest: size that one value may have.
    """

    def __init__(self, messages: object = ()) -> None:
        """Prepare for rendering these messages."""
        self._known: dict[int, tuple[object, int, int]] = {}
        self.largest, self._left = sys.maxsize, sys.maxsize
        size = self.size(messages)
        self.largest = _LARGEST + _SPARE_OF_INPUT * size
        self._left = _BUDGET + _BUDGET_OF_INPUT * size

    def take(self, value: Any) -> Any:
        """The value, weighed and paid for; what an iterator gives, as a list.

        Raises:
            SecurityError: it is too large, or all values together are.
        """
        if type(value) is not str and isinstance(value, Iterator) and not isinstance(value, LoopContext):
            # A chain of thousands, each made of the one before, is more than the interpreter can take apart.
            value = list(value)
        size = self.size(value)
        if isinstance(value, str):
            self.spend(size)
        return value

    def size(self, value: object) -> int:
        """Size of a value.

        Raises:
            SecurityError: it is too large.
        """
        size = sys.getsizeof(value) if type(value) is str else self._weigh(value)[0]
        if size > self.largest:
            raise too_large()
        return size

    def spend(self, size: int) -> None:
        """Pay for something new.

        Raises:
            SecurityError: all values together are too large.
        """
        self._left -= size
        if self._left < 0:
            raise too_large()

    def foresee(self, size: int) -> None:
        """Refuse to make something of that size.

        Raises:
            SecurityError: it would be too large.
        """
        if size > self.largest:
            raise too_large()

    def joined(self, pieces: Iterable[Any], separator: str = "") -> str:
        """The pieces as one text.

        Raises:
            SecurityError: it grows too large.
        """
        kept: list[str] = []
        size, between = 0, self.size(separator)
        for piece in pieces:
            size += self.size(piece) + between
            if size > self.largest:
                raise too_large()
            kept.append(str(piece))
        text = separator.join(kept)
        self.spend(self.size(text))
        return text

    def _weigh(self, value: object) -> tuple[int, int]:
        """Size and depth."""
        if isinstance(value, _CONTAINERS):
            return self._weigh_container(value)
        if isinstance(value, int) and value.bit_length() > _LARGEST_NUMBER_BITS:
            raise too_large()
        return sys.getsizeof(value) if isinstance(value, str | int) else _OTHER, 0

    def _weigh_container(self, value: Any) -> tuple[int, int]:
        known = self._known.get(id(value))
        if known is not None:
            return known[1], known[2]
        size, depth = sys.getsizeof(value), 1
        for child in _children(value):
            if type(child) is str:  # most are; each further call is seen by the trace function as well
                size += sys.getsizeof(child)
            else:
                child_size, child_depth = self._weigh(child)
                size, depth = size + child_size, max(depth, child_depth + 1)
        if size > self.largest or depth > _DEEPEST:
            raise too_large()
        self.spend(sys.getsizeof(value) + _NOTE)
        # With the value itself, so that its id stays its own.
        self._known[id(value)] = value, size, depth
        return size, depth


def too_large() -> SecurityError:
    """The error of a value that grows too large."""
    return SecurityError("a value grows too large")


def refuse_if(excessive: bool) -> None:
    """Refuse what grows too large.

    Raises:
        SecurityError: it does.
    """
    if excessive:
        raise too_large()


def _children(value: Any) -> Iterable[Any]:
    if isinstance(value, list | tuple):
        return value
    mapping = value if isinstance(value, dict) else value.mapping
    return chain(mapping.keys(), mapping.values())
