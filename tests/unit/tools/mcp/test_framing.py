"""Lines out of bytes."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from tether_desktop.tools.mcp.framing import LineSplitter

BYTES = st.lists(st.sampled_from([b"{}", b"\n", b"long line", b"\r\n", b" ", b"\xff"]), max_size=30).map(b"".join)


def whole(data: bytes, longest: int) -> list[bytes | None]:
    lines = data.split(b"\n")[:-1]
    return [line if len(line) <= longest else None for line in lines if line.strip() or len(line) > longest]


@given(BYTES, st.lists(st.integers(0, 200), max_size=8), st.integers(1, 12))
@settings(derandomize=True, max_examples=300)
def test_lines_are_the_same_however_the_bytes_come(data: bytes, cuts: list[int], longest: int) -> None:
    ends = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    splitter = LineSplitter(longest)
    lines = [line for start, end in pairwise(ends) for line in splitter.feed(data[start:end])]
    assert lines == whole(data, longest)


def test_of_a_line_without_end_nothing_is_kept() -> None:
    splitter = LineSplitter(100)
    for _ in range(50):
        assert list(splitter.feed(b"x" * 60)) == []
        assert len(splitter._rest) <= 100
    assert list(splitter.feed(b"x\nshort\n")) == [None, b"short"]
