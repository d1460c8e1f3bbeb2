"""The geometry of a long conversation."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tether_desktop.ui.chat.column import Column


def naive_tops(heights: list[int], gap: int, margin: int) -> list[int]:
    tops, top = [], margin
    for height in heights:
        tops.append(top)
        top += height + gap
    return tops


def test_an_empty_column_has_only_margins() -> None:
    column = Column(gap=5, margin=10)
    assert column.total() == 20
    assert column.at(100) == 0
    assert len(column) == 0


def test_a_height_that_stays_is_not_a_change() -> None:
    column = Column(5, 10)
    column.append(30)
    assert not column.set_height(0, 30)
    assert column.set_height(0, 31)
    assert column.height(0) == 31


CHANGES = st.lists(st.tuples(st.sampled_from(["set", "append", "reset", "look"]), st.integers(0, 40)), max_size=40)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 50), max_size=20), CHANGES)
def test_positions_are_those_of_adding_everything_up(heights: list[int], changes: list[tuple[str, int]]) -> None:
    column = Column(gap=3, margin=7)
    column.reset(heights)
    heights = list(heights)
    for what, value in changes:
        if what == "append":
            column.append(value)
            heights.append(value)
        elif what == "reset":
            column.reset(heights[:value])
            del heights[value:]
        elif what == "set" and heights:
            column.set_height(value % len(heights), value)
            heights[value % len(heights)] = value
        elif heights:
            assert column.top(value % len(heights)) == naive_tops(heights, 3, 7)[value % len(heights)]
    tops = naive_tops(heights, 3, 7)
    assert [column.top(index) for index in range(len(heights))] == tops
    assert column.total() == (tops[-1] + heights[-1] + 7 if heights else 14)
    for position in range(0, column.total(), 11):
        assert column.at(position) == max([index for index, top in enumerate(tops) if top <= position], default=0)
