"""Results made into text: always text, always printable, never too long."""

from __future__ import annotations

import datetime
import itertools
import json
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tether_desktop.tools.answer import LONGEST_ANSWER, answer_of, shortened, with_note
from tether_desktop.tools.tool import ToolOutput


@dataclass
class Point:
    x: float
    y: float


class Mute:
    def __str__(self) -> str:
        raise OSError("mute")


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ("ünï\n", "ünï\n"),
        ("", ""),
        (None, "(no result)"),
        (True, "true"),
        (3, "3"),
        (float("nan"), '"NaN"'),
        (float("-inf"), '"-Infinity"'),
        ({"a": [1, float("nan")]}, '{"a":[1,"NaN"]}'),
        (b"\x00\xff", "(binary, 2 bytes)"),
        (memoryview(bytes(2000)), "(binary, 2,000 bytes)"),
        (Point(1.5, 2.0), '{"x":1.5,"y":2.0}'),
        (datetime.date(2026, 1, 2), '"2026-01-02"'),
        (PurePosixPath("/a"), '"/a"'),
        ({"b"}, '["b"]'),
        ((n * n for n in range(4)), "[0,1,4,9]"),
        ("half \ud800, nothing \0", "half \ufffd, nothing \ufffd"),
        (["half \ud800", float("nan"), b"x"], '["half \ufffd","NaN","eA=="]'),
        ({1: {"nested": b"\xff"}}, '{"1":{"nested":"_w=="}}'),
    ],
)
def test_each_kind_of_result_has_its_text(result: Any, text: str) -> None:
    output = answer_of(result)
    assert not output.is_error
    assert output.text == text


def test_a_result_that_has_no_text_is_a_type_error() -> None:
    endless: list[Any] = []
    endless.append(endless)
    for result in (Mute(), endless):
        with pytest.raises(TypeError, match="has no form as text"):
            answer_of(result)


def test_an_endless_result_ends() -> None:
    assert len(json.loads(answer_of(itertools.repeat(1)).text)) == 100_000


def test_a_long_result_keeps_its_beginning_and_counts_the_rest() -> None:
    output = shortened(answer_of("x" * (LONGEST_ANSWER + 5)), 10)
    assert output == ToolOutput("x" * 10, left_out=LONGEST_ANSWER - 5)
    note = "[The result was too long: 1,048,571 characters after these 10 are left out.]"
    assert with_note(output).text == f"{'x' * 10}\n{note}"


def test_a_short_result_gets_no_note() -> None:
    assert with_note(shortened(ToolOutput("ok"), 2)).text == "ok"


def test_an_error_stays_one() -> None:
    assert answer_of(ToolOutput("no", is_error=True)).is_error


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)) | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(values)
@settings(derandomize=True, max_examples=150, deadline=None)
def test_no_plain_value_is_without_text(value: Any) -> None:
    answer_of(value).text.encode()
