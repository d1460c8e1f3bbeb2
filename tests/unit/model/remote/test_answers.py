"""Whatever JSON a server sends is a piece of a reply, an error, or refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tether_desktop.messages import Usage
from tether_desktop.model.remote.answers import Delta, parse_json, read_delta, read_refusal
from tether_desktop.model.remote.faults import Faults, Refusal
from tether_desktop.model.remote.keys import Key
from tether_desktop.model.remote.listing import ListedModel, parse_models
from tether_desktop.model.remote.servers import Server

FAULTS = Faults(Server("test", "http://127.0.0.1:1/v1"), Key("sk-1"))
NAMES = ("choices", "delta", "message", "content", "finish_reason", "usage", "error", "code", "logprobs", "data", "id")
NAMES += ("tool_calls", "function_call", "function", "name", "arguments", "index")
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)


@settings(derandomize=True, max_examples=300, deadline=None)
@given(VALUES)
def test_no_value_whatsoever_makes_reading_fail_in_another_way(value: Any) -> None:
    try:
        delta = read_delta({"choices": [value], "usage": value}, FAULTS)
        assert isinstance(delta, Delta)
        read_delta(value, FAULTS)
    except (Refusal, ValueError):
        pass
    assert isinstance(read_refusal(400, value, json.dumps(value), FAULTS), Refusal)
    assert parse_models({"data": [value]}) is not None


@pytest.mark.parametrize(
    ("value", "said", "code"),
    [
        ({"error": {"message": "No", "code": "bad", "type": "x"}}, "No", "bad"),
        (
            {"error": {"message": "No", "code": 400, "type": "exceed_context_size_error"}},
            "No",
            "exceed_context_size_error",
        ),
        ({"error": "model 'x' not found"}, "model 'x' not found", ""),
        ({"object": "error", "message": "No", "type": "BadRequestError"}, "No", "BadRequestError"),
        ({"detail": "Not Found"}, "Not Found", ""),
        ({"detail": [{"loc": ["body", "top_k"], "msg": "extra"}]}, '[{"loc": ["body", "top_k"], "msg": "extra"}]', ""),
        ({"error": {"message": "Key sk-1 is wrong"}}, "Key [key] is wrong", ""),
        ({"error": {}}, "", ""),
    ],
)
def test_errors_are_found_where_servers_put_them(value: Any, said: str, code: str) -> None:
    refusal = read_refusal(400, value, "", FAULTS)
    assert (refusal.said, refusal.code) == (said, code)


def test_an_error_that_is_text_is_quoted_and_a_page_is_not() -> None:
    assert read_refusal(500, None, "Out of\x00 memory\n" + "!" * 999, FAULTS).said.startswith("Out of memory !!!")
    assert len(read_refusal(500, None, "x" * 999, FAULTS).said) == 300
    assert read_refusal(500, None, "<!doctype html><p>No", FAULTS).said == ""


def test_json_that_is_nested_without_an_end_is_refused() -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        parse_json("[" * 100_000)


@pytest.mark.parametrize("count", [-1, True, "7", 1 << 50, 1.5, None])
def test_counts_that_cannot_be_are_none(count: object) -> None:
    delta = read_delta({"usage": {"prompt_tokens": count, "completion_tokens": 3}}, FAULTS)
    assert delta.usage == Usage(0, 0, 3)


def test_content_may_come_in_parts() -> None:
    parts = [{"type": "text", "text": "Hel"}, {"type": "image"}, {"type": "text", "text": "lo"}]
    assert read_delta({"choices": [{"delta": {"content": parts}}]}, FAULTS).text == "Hello"


def test_another_choice_than_the_one_we_asked_for_is_left_out() -> None:
    choices = [{"index": 1, "delta": {"content": "B"}}, {"index": 0, "delta": {"content": "A"}}]
    assert read_delta({"choices": choices}, FAULTS).text == "A"


def test_models_are_listed_with_what_servers_tell_of_them() -> None:
    listed = [
        {"id": "vllm", "max_model_len": 32768, "owned_by": "vllm"},
        {"id": "llama", "owned_by": "llamacpp", "meta": {"n_ctx_train": 8192, "n_ctx": 4096}},
        {"id": "trained", "meta": {"n_ctx_train": 8192}},
        {"id": "router", "context_length": 128000},
        {"id": "lies", "max_model_len": -5, "owned_by": 7},
    ]
    assert parse_models({"object": "list", "data": listed}) == [
        ListedModel("vllm", 32768, 0, "vllm"),
        ListedModel("llama", 4096, 8192, "llamacpp"),
        ListedModel("trained", 0, 8192),
        ListedModel("router", 128000),
        ListedModel("lies"),
    ]


def test_names_that_nobody_could_show_are_not_listed() -> None:
    names = ["", " x", "a\x1b[0m", "x" * 201, 7, None, "good", "good"]
    assert [model.id for model in parse_models([{"id": name} for name in names]) or []] == ["good"]
    assert len(parse_models([{"id": str(number)} for number in range(5000)]) or []) == 2000
    assert parse_models({"models": []}) is None
