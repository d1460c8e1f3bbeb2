"""Events and their form on the wire, which clients rely on."""

from __future__ import annotations

import json
from typing import get_args

import pytest

from tether_desktop import events
from tether_desktop.events import Event, from_wire, to_ndjson, to_wire
from tether_desktop.messages import Timings, Usage

ON_THE_WIRE: list[tuple[Event, dict[str, object]]] = [
    (events.Token("Hi"), {"type": "token", "content": "Hi"}),
    (events.HiddenThought("hm"), {"type": "hidden_thought", "content": "hm", "phase": "pre_tool"}),
    (
        events.ToolStart("1", "w", {"a": [1]}),
        {"type": "tool_start", "id": "1", "name": "w", "arguments": {"a": [1]}, "text": ""},
    ),
    (events.ToolProgress("1", "half", 0.5), {"type": "tool_progress", "id": "1", "message": "half", "progress": 0.5}),
    (
        events.ToolEnd("1", "w", "rain", is_error=True, seconds=0.5),
        {"type": "tool_end", "id": "1", "name": "w", "result": "rain", "is_error": True, "seconds": 0.5},
    ),
    (
        events.ErrorEvent("It stopped.", "engine_died", "The engine stopped", "Try again."),
        {
            "type": "error",
            "message": "It stopped.",
            "code": "engine_died",
            "title": "The engine stopped",
            "hint": "Try again.",
        },
    ),
    (events.Cancelled(), {"type": "cancelled"}),
    (
        events.Done("stop", Usage(10, 4, 3), Timings(0.1, 0.2, 0.3, 0.4)),
        {
            "type": "done",
            "finish_reason": "stop",
            "usage": {"prompt_tokens": 10, "cached_tokens": 4, "completion_tokens": 3},
            "timings": {"queued_s": 0.1, "prefill_s": 0.2, "first_token_s": 0.3, "decode_s": 0.4},
        },
    ),
    (events.Status("queued"), {"type": "status", "stage": "queued", "progress": None}),
    (
        events.ToolApproval("1", "w", {}, "builtin"),
        {"type": "tool_approval", "id": "1", "name": "w", "arguments": {}, "origin": "builtin"},
    ),
    (
        events.ContextTrimmed(4, 900, 1024),
        {"type": "context_trimmed", "dropped_messages": 4, "kept_tokens": 900, "window": 1024, "summary": ""},
    ),
    (events.Title("Rain"), {"type": "title", "title": "Rain"}),
]


@pytest.mark.parametrize(("event", "wire"), ON_THE_WIRE, ids=lambda value: getattr(value, "type", ""))
def test_an_event_has_its_type_first_and_its_fields_in_order(event: Event, wire: dict[str, object]) -> None:
    assert list(to_wire(event).items()) == list(wire.items())


@pytest.mark.parametrize("event", [event for event, _ in ON_THE_WIRE])
def test_an_event_comes_back_as_it_was_sent_and_newer_fields_are_left_out(event: Event) -> None:
    assert from_wire(json.loads(to_ndjson(event)) | {"of a later version": 1}) == event


def test_every_event_is_covered() -> None:
    assert {type(event) for event, _ in ON_THE_WIRE} == set(get_args(Event))
    assert len({wire["type"] for _, wire in ON_THE_WIRE}) == len(ON_THE_WIRE)


def test_three_events_end_a_stream() -> None:
    assert {kind.type for kind in events.TERMINAL_EVENTS} == {"error", "cancelled", "done"}


@pytest.mark.parametrize("content", ["two\nlines\r\n", "\u2028", 'quote " and \\', "日本語 👩🏽‍🚀", "\0", ""])
def test_an_event_is_one_line_of_ndjson_whatever_it_says(content: str) -> None:
    line = to_ndjson(events.Token(content))
    assert line.endswith("}\n")
    assert line.count("\n") == 1
    assert json.loads(line) == {"type": "token", "content": content}


def test_ndjson_stays_readable() -> None:
    assert to_ndjson(events.Token("Zürich 東京")) == '{"type": "token", "content": "Zürich 東京"}\n'
