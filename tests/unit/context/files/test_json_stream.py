"""Long JSON documents: read piece by piece, whatever the pieces they come in."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tether_desktop.context.files import json_stream
from tether_desktop.context.files.json_stream import read_elements

VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(), inner, max_size=4)),
    max_leaves=12,
)


def read(document: bytes) -> list[tuple[str | None, Any]]:
    return list(read_elements(io.BytesIO(document), listed="items"))


def expected(document: Any) -> list[tuple[str | None, Any]]:
    if isinstance(document, list):
        return [(None, element) for element in document]
    found: list[tuple[str | None, Any]] = []
    for name, value in document.items() if isinstance(document, dict) else ():
        if name == "items" and isinstance(value, list):
            found += [(name, []), *((None, element) for element in value)]
        else:
            found.append((name, value))
    return found


@settings(derandomize=True, deadline=None, max_examples=60)
@given(
    st.one_of(VALUES, st.lists(VALUES), st.dictionaries(st.text() | st.just("items"), VALUES)),
    st.integers(1, 40),
    st.booleans(),
    st.sampled_from((None, 1)),
)
def test_what_is_read_is_what_is_there(document: Any, chunk: int, ascii_only: bool, indent: int | None) -> None:
    text = json.dumps(document, ensure_ascii=ascii_only, indent=indent)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_stream, "_CHUNK", chunk + 3)
        assert read(text.encode()) == expected(document)


def test_only_what_is_asked_for_is_read() -> None:
    file = io.BytesIO(json.dumps([{"text": "x" * 100_000}] * 50).encode())
    elements = read_elements(file, listed="items")
    next(elements)
    assert file.tell() < 1_000_000


def test_white_space_without_end_is_passed_without_being_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_stream, "LONGEST_VALUE", 200_000)
    assert read(b"[" + b" \n\t\r" * 500_000 + b"1" + b" " * 2_000_000 + b"]") == [(None, 1)]
