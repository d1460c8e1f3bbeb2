"""What a hostile file may hold: bytes that lie, values that cannot be, names that lead elsewhere."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

Change = Callable[[bytes], bytes]

NAMES = (
    *("../outside", "/etc/passwd", "C:\\outside", "..", ".", "", "a\0b", "CON", "x" * 5000, "\u202etxt.exe", "\ud800"),
    *("a/b", "a\\b", "\x1b[2J"),
)
"""Names of files that lead out of a folder, that no file can have, or that hide what they are."""

_VALUES: tuple[Any, ...] = (
    *(0, -1, 1, 2**31, 2**32 - 1, 2**53, 2**63, 2**64, 10**400, 0.5, -0.0, 1e308, float("nan"), float("inf")),
    *(True, None, "", "a", "-1", "\x00", "\ud800", "\u202e", "../outside", "x" * 5000, "<|im_end|>"),
    *([], {}, [[]], {"a": {}}, [0] * 50, ["a", "a"]),
)
_NUMBERS = (0, 1, 9, 12, 13, 2**16, 2**31, 2**32 - 1, 2**63, 2**64 - 1)
_PLACES = st.integers(0, 1 << 20)


def byte_changes(within: int) -> st.SearchStrategy[Change]:
    """Changes of the first bytes of a file: some set, put in, taken out, overwritten by numbers, or cut off."""
    one = st.one_of(
        st.builds(_set_byte, _PLACES, st.integers(0, 255)),
        st.builds(_set_number, _PLACES, st.sampled_from(_NUMBERS), st.sampled_from((4, 8))),
        st.builds(_put_in, _PLACES, st.binary(min_size=1, max_size=40)),
        st.builds(_take_out, _PLACES, st.integers(1, 100)),
        st.builds(_cut, _PLACES),
    )
    return st.lists(one, min_size=1, max_size=4).map(lambda changes: _all_of(changes, within))


def json_changes() -> st.SearchStrategy[Change]:
    """Changes of a JSON document: some values replaced, taken away, copied elsewhere, or put a little off."""
    one = st.one_of(
        st.builds(_replace, _PLACES, st.sampled_from(_VALUES)),
        st.builds(_remove, _PLACES),
        st.builds(_copy, _PLACES, _PLACES),
        st.builds(_add, _PLACES, st.sampled_from((-32, -16, -1, 1, 16, 32))),
    )
    return st.lists(one, min_size=1, max_size=3).map(_edited)


def _set_byte(place: int, value: int) -> Callable[[bytearray, int], None]:
    def change(content: bytearray, within: int) -> None:
        content[place % within] = value

    return change


def _set_number(place: int, value: int, size: int) -> Callable[[bytearray, int], None]:
    def change(content: bytearray, within: int) -> None:
        start = place % within
        content[start : start + size] = struct.pack("<Q", value)[:size]

    return change


def _put_in(place: int, data: bytes) -> Callable[[bytearray, int], None]:
    def change(content: bytearray, within: int) -> None:
        content[place % within : place % within] = data

    return change


def _take_out(place: int, count: int) -> Callable[[bytearray, int], None]:
    def change(content: bytearray, within: int) -> None:
        del content[place % within : place % within + count]

    return change


def _cut(place: int) -> Callable[[bytearray, int], None]:
    def change(content: bytearray, within: int) -> None:
        del content[max(place % within, 1) :]

    return change


def _all_of(changes: Sequence[Callable[[bytearray, int], None]], within: int) -> Change:
    def change(content: bytes) -> bytes:
        changed = bytearray(content)
        for each in changes:
            if changed:
                each(changed, min(within, len(changed)))
        return bytes(changed)

    return change


def _places(document: Any) -> Iterator[tuple[Any, Any]]:
    """All containers in a document with all their keys."""
    items = document.items() if isinstance(document, dict) else enumerate(document)
    for key, value in list(items)[:60]:
        yield document, key
        if isinstance(value, dict | list):
            yield from _places(value)


def _at(document: Any, place: int) -> tuple[Any, Any]:
    places = list(_places(document))
    return places[place % len(places)] if places else ({"x": 0}, "x")


def _replace(place: int, value: Any) -> Callable[[Any], None]:
    def change(document: Any) -> None:
        container, key = _at(document, place)
        container[key] = value

    return change


def _remove(place: int) -> Callable[[Any], None]:
    def change(document: Any) -> None:
        container, key = _at(document, place)
        del container[key]

    return change


def _copy(place: int, source: int) -> Callable[[Any], None]:
    def change(document: Any) -> None:
        container, key = _at(document, place)
        other, other_key = _at(document, source)
        container[key] = json.loads(json.dumps(other[other_key]))

    return change


def _add(place: int, difference: int) -> Callable[[Any], None]:
    def change(document: Any) -> None:
        numbers = [(each, key) for each, key in _places(document) if type(each[key]) is int]
        if numbers:
            container, key = numbers[place % len(numbers)]
            container[key] += difference

    return change


def _edited(changes: Sequence[Callable[[Any], None]]) -> Change:
    def change(content: bytes) -> bytes:
        document = json.loads(content)
        for each in changes:
            each(document)
        return json.dumps(document).encode()

    return change


def change_header(change: Change) -> Change:
    """The same change, made to the header of a safetensors file, whose length is put right."""

    def changed(content: bytes) -> bytes:
        length = int.from_bytes(content[:8], "little")
        header = change(content[8 : 8 + length])
        return len(header).to_bytes(8, "little") + header + content[8 + length :]

    return changed


def edit_json(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the object in a JSON file; what ``change`` returns is ignored."""
    document = json.loads(path.read_text(encoding="utf-8"))
    change(document)
    path.write_text(json.dumps(document), encoding="utf-8")


def everything_below(folder: Path) -> list[str]:
    """Paths of all files and folders below a folder, hidden ones and links included, but for the installer's lock."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.name != ".install.lock")
