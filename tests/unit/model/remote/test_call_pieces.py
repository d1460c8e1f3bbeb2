"""Calls of tools come out whole, however a server cuts, numbers and names them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.openai_server import call
from tether_desktop.model.engine import RequestedCall
from tether_desktop.model.remote.call_pieces import (
    LARGEST_CALLS,
    MOST_CALLS,
    CallCollector,
    CallPiece,
    TooManyCalls,
    read_calls,
)

NAMES = ("clock", "get_time", "get", "search")
CLOCK = '{"zone": "Europe/Berlin", "said": "}{\\"["}'
SEARCH = '{"words": ["a", "b"]}'


def collected(*deltas: Any, at_once: bool = False) -> list[tuple[str, str]]:
    return [(each.name, each.arguments) for each in whole(*deltas, at_once=at_once)]


def whole(*deltas: Any, at_once: bool = False) -> tuple[RequestedCall, ...]:
    collector = CallCollector(NAMES)
    for delta in deltas:
        listed = delta if isinstance(delta, list) else [delta]
        collector.add(read_calls({"tool_calls": listed}, at_once=at_once))
    return collector.calls()


BOTH = [("clock", CLOCK), ("search", SEARCH)]
STREAMS: dict[str, list[Any]] = {
    "as the API has it": [
        call(0, "1", "clock", ""),
        *(call(0, arguments=character) for character in CLOCK),
        call(1, "2", "search", ""),
        call(1, arguments=SEARCH[:5]),
        call(1, arguments=SEARCH[5:]),
    ],
    "pieces of two calls in turn": [
        [call(0, "1", "clock", CLOCK[:3]), call(1, "2", "search", SEARCH[:4])],
        [call(1, arguments=SEARCH[4:]), call(0, arguments=CLOCK[3:])],
    ],
    "whole calls, all numbered 0": [call(0, "1", "clock", CLOCK), call(0, "2", "search", SEARCH)],
    "whole calls, all numbered 0, in one piece": [[call(0, "1", "clock", CLOCK), call(0, "2", "search", SEARCH)]],
    "whole calls, all numbered 0, without ids": [call(0, None, "clock", CLOCK), call(0, None, "search", SEARCH)],
    "whole calls without numbers": [call(None, "1", "clock", CLOCK), call(None, "2", "search", SEARCH)],
    "whole calls without numbers, in one piece": [[call(None, "", "clock", CLOCK), call(None, "", "search", SEARCH)]],
    "pieces without numbers, with ids": [
        *(call(None, "1", "clock", each) for each in (CLOCK[:9], CLOCK[9:])),
        *(call(None, "2", "search", each) for each in (SEARCH[:9], SEARCH[9:])),
    ],
    "pieces without numbers and ids": [
        call(None, "1", "clock"),
        *(call(None, arguments=each) for each in (CLOCK[:9], CLOCK[9:])),
        call(None, "2", "search", SEARCH[:2]),
        call(None, arguments=SEARCH[2:]),
    ],
    "name and id repeated in every piece": [
        *(call(0, "1", "clock", each) for each in ("", *CLOCK)),
        *(call(1, "2", "search", each) for each in ("", *SEARCH)),
    ],
    "the name repeated, without ids": [
        *(call(0, None, "clock", each) for each in CLOCK),
        *(call(0, None, "search", each) for each in SEARCH),
    ],
    "another id in every piece": [
        call(0, "a", "clock"),
        *(call(0, f"b{at}", None, each) for at, each in enumerate(CLOCK)),
        call(1, "c", "search"),
        *(call(1, f"d{at}", None, each) for at, each in enumerate(SEARCH)),
    ],
    "another id, and the name, in every piece": [
        *(call(0, f"a{at}", "clock", each) for at, each in enumerate(["", *CLOCK, "\n", " "])),
        *(call(1, f"b{at}", "search", each) for at, each in enumerate(["", *SEARCH, ""])),
    ],
    "the name repeated, without numbers and ids": [
        *(call(None, None, "clock", each) for each in ("", *CLOCK)),
        *(call(None, None, "search", each) for each in ("", *SEARCH)),
    ],
    "another number in every piece, with the same id": [
        *(call(at, "1", "clock", each) for at, each in enumerate(CLOCK)),
        *(call(100 + at, "2", "search", each) for at, each in enumerate(SEARCH)),
    ],
    "the number left out at first": [
        call(None, "1", "clock"),
        call(0, arguments=CLOCK),
        call(1, "2", "search", SEARCH),
    ],
    "the name in two": [
        call(0, "1", "clo"),
        call(0, None, "ck", CLOCK),
        call(1, "2", "sea"),
        call(1, None, "rch"),
        call(1, None, None, SEARCH),
    ],
    "with what does not belong there": [
        [None, 7, call(0, "1", "clock", CLOCK)],
        [{"index": "1", "id": 2, "function": {"name": "search", "arguments": SEARCH}}],
        [{"index": 5, "function": None}, {}],
    ],
}


@pytest.mark.parametrize("stream", STREAMS.values(), ids=list(STREAMS))
def test_two_calls_are_two_calls_in_whatever_way_they_come(stream: list[Any]) -> None:
    assert [(name, arguments.strip()) for name, arguments in collected(*stream)] == BOTH
    ids = [each.id for each in whole(*stream)]
    assert len(set(ids)) == 2
    assert all(ids)


def test_a_name_in_two_that_begins_with_that_of_another_tool_is_joined() -> None:
    assert collected(call(0, "1", "get"), call(0, None, "_time", "{}")) == [("get_time", "{}")]
    assert collected(call(None, "1", "get"), call(None, None, "_time", "{}")) == [("get_time", "{}")]


def test_calls_without_arguments_are_told_apart_by_their_names() -> None:
    assert collected(call(None, None, "clock"), call(None, None, "search")) == [("clock", "{}"), ("search", "{}")]
    assert collected(call(0, "1", "clock"), call(0, "2", "search")) == [("clock", "{}"), ("search", "{}")]


def test_the_same_tool_may_be_called_twice() -> None:
    twice = [("clock", CLOCK), ("clock", "{}")]
    assert collected(call(0, "1", "clock", CLOCK), call(0, "2", "clock", "{}")) == twice
    assert collected(call(None, "1", "clock", CLOCK), call(None, "2", "clock", "{}")) == twice
    assert collected(call(None, None, "clock", CLOCK), call(None, None, "clock", "{}")) == twice
    assert collected(call(0, "1", "clock", CLOCK), call(1, "2", "clock", ""), call(1, arguments="{}")) == twice
    assert collected(call(None, "1", "clock", CLOCK), call(None, "2", "clock"), call(None, arguments="{}")) == twice


def test_a_reply_that_comes_at_once_has_whole_calls_only() -> None:
    listed = [call(0, "1", "clock", CLOCK), call(0, "1", "clock", CLOCK)]
    first, second = whole(listed, at_once=True)
    assert (first.name, second.name) == ("clock", "clock")
    assert first.id == "1" != second.id


@pytest.mark.parametrize(("told", "meant"), [({"zone": "UTC"}, '{"zone": "UTC"}'), ([1], "[1]"), (None, "{}")])
def test_arguments_that_are_no_text_become_text(told: Any, meant: str) -> None:
    assert collected(call(0, "1", "clock", told)) == [("clock", meant)]


@pytest.mark.parametrize("told", ["", " ", "null"])
def test_no_arguments_are_an_empty_object(told: str) -> None:
    assert collected(call(0, "1", "clock", told)) == [("clock", "{}")]


def test_arguments_that_break_off_stay_as_they_are() -> None:
    assert collected(call(0, "1", "clock", '{"zone": "Eu')) == [("clock", '{"zone": "Eu')]


def test_the_call_that_was_there_before_tools_is_one_and_counts_only_by_itself() -> None:
    pieces = [{"name": "clock", "arguments": ""}, {"arguments": CLOCK[:7]}, {"arguments": CLOCK[7:]}]
    collector = CallCollector(NAMES)
    for each in pieces:
        collector.add(read_calls({"function_call": each}, at_once=False))
    assert [(each.name, each.arguments) for each in collector.calls()] == [("clock", CLOCK)]
    both = {"function_call": pieces[0], "tool_calls": [call(0, "1", "search", SEARCH)]}
    assert [each.name for each in read_calls(both, at_once=True)] == ["search"]


def test_ids_that_nobody_could_use_are_replaced() -> None:
    ids = [each.id for each in whole(*(call(at, id_, "clock", "{}") for at, id_ in enumerate(["x" * 999, "\x1b", ""])))]
    assert len(set(ids)) == 3
    assert all(len(id_) == 9 and id_.isalnum() for id_ in ids)


def test_what_has_neither_name_nor_arguments_is_no_call_and_what_has_only_arguments_is() -> None:
    assert collected(call(0, "1")) == []
    assert collected(call(0, "1", None, "{}")) == [("", "{}")]


def test_halves_of_a_character_in_two_pieces_are_joined() -> None:
    assert collected(call(0, "1", "clock", '{"a": "\ud83d'), call(0, arguments='\ude00\ud83d"}')) == [
        ("clock", '{"a": "\U0001f600\ufffd"}')
    ]


def test_calls_without_an_end_are_given_up() -> None:
    with pytest.raises(TooManyCalls):
        whole(*(call(at, None, "clock") for at in range(MOST_CALLS + 1)))
    half = CallPiece(0, "1", "clock", "x" * (LARGEST_CALLS // 2))
    with pytest.raises(TooManyCalls):
        CallCollector(NAMES).add([half] * 3)


ARGUMENTS = st.dictionaries(st.text(max_size=4), st.text(alphabet='{}[]"\\ aé', max_size=6) | st.integers(), max_size=3)


@settings(derandomize=True, max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(NAMES), ARGUMENTS), max_size=4), st.integers(1, 7), st.booleans())
def test_however_arguments_are_cut_they_are_the_same_in_the_end(
    wanted: list[tuple[str, dict[str, Any]]], size: int, repeats_names: bool
) -> None:
    deltas = []
    for index, (name, arguments) in enumerate(wanted):
        text = json.dumps(arguments)
        deltas.append(call(index, f"id{index}", name, ""))
        cut = [text[at : at + size] for at in range(0, len(text), size)]
        deltas += [call(index, None, name if repeats_names else None, each) for each in cut]
    assert [(name, json.loads(text)) for name, text in collected(*deltas)] == wanted


@settings(derandomize=True, max_examples=200, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                "index": st.integers(-1, 2) | st.text(max_size=1),
                "id": st.sampled_from(["", "a", "b"]) | st.none(),
                "function": st.fixed_dictionaries(
                    {},
                    optional={
                        "name": st.sampled_from([*NAMES, "", "x"]) | st.none(),
                        "arguments": st.text(alphabet='{}"\\', max_size=3) | st.dictionaries(st.text(), st.none()),
                    },
                )
                | st.none(),
            },
        ),
        max_size=8,
    )
)
def test_no_pieces_whatsoever_make_it_fail(pieces: list[Any]) -> None:
    calls = whole(pieces)
    assert len({each.id for each in calls}) == len(calls)
