"""JSON objects among the bytes of a native library, which is read and never loaded."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

T = TypeVar("T")

_BLOCK = 1 << 20
_LARGEST_FILE = 512 << 20
_MOST_TRIES = 4
"""A file full of beginnings is not worth reading to its end."""


def first_object(path: Path, marker: bytes, parse: Callable[[dict[str, Any]], T], largest: int) -> T | None:
    """What ``parse`` makes of the first JSON object that begins with ``marker`` and that it accepts.

    Args:
        path: a file of any content; beyond half a gigabyte it is not looked at.
        marker: ``{`` and the first key.
        parse: raises KeyError, TypeError, ValueError or AttributeError for an object of another kind.
        largest: bytes that an object may have.

    Returns:
        None when there is no such object.

    Raises:
        OSError: the file cannot be read.
    """
    # Not memory-mapped: a file that is cut short meanwhile would end the program.
    with path.open("rb") as file:
        if file.seek(0, 2) > _LARGEST_FILE:
            return None
        for offset in islice(_occurrences(file, marker), _MOST_TRIES):
            file.seek(offset)
            parsed = _try_parse(file.read(largest), parse)
            if parsed is not None:
                return parsed
    return None


def _occurrences(file: BinaryIO, marker: bytes) -> Iterator[int]:
    """Offsets of the marker; the file may be moved between two of them."""
    start = 0
    while True:
        file.seek(start)
        block = file.read(_BLOCK)
        at = block.find(marker)
        while at >= 0:
            yield start + at
            at = block.find(marker, at + 1)
        if len(block) < _BLOCK:
            return
        start += _BLOCK - len(marker) + 1


def _try_parse(text: bytes, parse: Callable[[dict[str, Any]], T]) -> T | None:
    try:
        # Latin-1 keeps one character per byte whatever follows the object; the JSON itself is ASCII.
        fields, _ = json.JSONDecoder().raw_decode(text.decode("latin-1"))
        return parse(fields)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
