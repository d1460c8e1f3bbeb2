"""Events are the same however their bytes are cut, and nothing that comes can do harm."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tether_desktop.model.remote.sse import EventDecoder, EventTooLarge


def events(*pieces: bytes, largest: int = 1000) -> list[str]:
    decoder = EventDecoder(largest)
    return [event for piece in pieces for event in decoder.feed(piece)] + decoder.finish()


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_lines_end_in_three_ways(end: bytes) -> None:
    assert events(b"data: one" + end + end + b"data:two" + end + end) == ["one", "two"]


def test_several_lines_of_data_are_one_event() -> None:
    assert events(b"data: one\ndata:  two\ndata\n\n") == ["one\n two\n"]


def test_comments_and_other_fields_mean_nothing() -> None:
    assert events(b": hello\n\nevent: message\nid: 7\nretry: 10\n\n:\ndata: x\nnonsense\n\n") == ["x"]


def test_errors_of_older_servers_are_events_too() -> None:
    assert events(b'error: {"message": "no"}\n\n') == ['{"message": "no"}']


def test_an_event_without_its_empty_line_counts_at_the_end() -> None:
    assert events(b"data: [DONE]") == ["[DONE]"]
    assert events(b"data: [DONE]\n") == ["[DONE]"]
    assert events(b"") == []


def test_a_mark_of_the_byte_order_is_left_out_and_wrong_bytes_are_replaced() -> None:
    assert events(b"\xef\xbb\xbfdata: \xffx\n\n") == ["\ufffdx"]


def test_an_event_may_not_grow_for_ever() -> None:
    with pytest.raises(EventTooLarge):
        events(b"data: " + b"x" * 1000)
    with pytest.raises(EventTooLarge):
        events(*[b"data: x\n"] * 200)


def test_comments_that_keep_a_connection_alive_do_not_add_up() -> None:
    assert events(*[b": still here\n"] * 500, b"data: x\n\n") == ["x"]


@settings(derandomize=True, max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from([b"data:", b" ", b"x", b"\xc3\xa9", b"\r", b"\n", b":", b"\xf0"]), max_size=30), st.data()
)
def test_cuts_change_nothing(parts: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=6)))
    pieces = [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    assert events(*pieces) == events(whole)
