"""Stop strings end a reply at the same place however the text comes."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tether_desktop.model.tvm.stop_matcher import StopMatcher


def shown(stops: list[str], pieces: list[str]) -> tuple[str, bool]:
    matcher = StopMatcher(stops)
    text = "".join(matcher.add(piece) for piece in pieces)
    return text + matcher.finish(), matcher.stopped


def test_without_stop_strings_everything_is_shown_at_once() -> None:
    assert StopMatcher([]).add("text") == "text"
    assert StopMatcher([""]).add("text") == "text"


def test_a_stop_string_is_not_part_of_the_reply_and_nothing_comes_after_it() -> None:
    assert shown(["User:"], ["Hi.\nUs", "er: I", " said"]) == ("Hi.\n", True)


def test_only_what_may_become_a_stop_string_is_held_back() -> None:
    matcher = StopMatcher(["###", "END"])
    assert [matcher.add(piece) for piece in ("abc#", "d", "#", "#", "x E", "N", "E")] == [
        "abc",
        "#d",
        "",
        "",
        "##x ",
        "",
        "EN",
    ]
    assert matcher.finish() == "E"


def test_text_held_back_is_given_out_at_the_end() -> None:
    assert shown(["STOP"], ["so ST", "O"]) == ("so STO", False)


@pytest.mark.parametrize("cut", range(1, 5))
def test_of_two_stop_strings_the_one_complete_first_counts(cut: int) -> None:
    text = "xabcd"
    assert shown(["abcd", "bc"], [text[:cut], text[cut:]]) == ("xa", True)


@given(
    st.text("ab#", max_size=40),
    st.lists(st.text("ab#", min_size=1, max_size=4), max_size=3),
    st.lists(st.integers(0, 40), max_size=10),
)
def test_the_result_does_not_depend_on_how_the_text_is_cut(text: str, stops: list[str], cuts: list[int]) -> None:
    borders = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    pieces = [text[start:end] for start, end in pairwise(borders)]
    ends = [text.find(stop) + len(stop) for stop in stops if stop in text]
    if ends:
        starts = [min(ends) - len(stop) for stop in stops if text[: min(ends)].endswith(stop)]
        assert shown(stops, pieces) == (text[: min(starts)], True)
    else:
        assert shown(stops, pieces) == (text, False)
