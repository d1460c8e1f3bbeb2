"""Parameters of OpenAI's clients, and what stands in for those that are left out."""

from __future__ import annotations

from typing import Any

import pytest

from tether_desktop.model.engine import SamplingParams
from tether_desktop.protocol.api.openai.chat_request import read_chat
from tether_desktop.protocol.api.openai.errors import RequestRefused
from tether_desktop.protocol.api.openai.schemas import ChatBody
from tether_desktop.protocol.completions import ChatRequest
from tether_desktop.settings import Settings

SETTINGS = Settings(temperature=0.4, top_p=0.8, top_k=9, min_p=0.1, repetition_penalty=1.2, max_tokens=77)
SCHEMA = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}}
NAMED = {"type": "function", "function": {"name": "x"}}
CLOCK = {"type": "function", "function": {"name": "clock"}}


def read(**options: Any) -> ChatRequest:
    return read_chat(ChatBody(messages=[{"role": "user", "content": "Hi"}], **options), SETTINGS)  # type: ignore[list-item]


def params(**options: Any) -> SamplingParams:
    return read(**options).params


def test_what_is_left_out_is_as_the_settings_say() -> None:
    expected = SamplingParams(0.4, 0.8, 9, 0.1, 1.2, max_tokens=77)
    assert params() == expected
    assert params(temperature=None, top_p=None, top_k=None, stop=None, logit_bias=None, seed=None) == expected


def test_nothing_is_a_value_too() -> None:
    chosen = params(temperature=0, top_k=0, min_p=0, presence_penalty=0, seed=0)
    assert (chosen.temperature, chosen.top_k, chosen.min_p, chosen.seed) == (0, 0, 0, 0)


def test_a_top_p_of_nothing_keeps_the_likeliest_token() -> None:
    assert 0 < params(top_p=0).top_p < 1e-3


def test_other_servers_word_for_every_token_is_understood() -> None:
    assert params(top_k=-1).top_k == 0


@pytest.mark.parametrize(("stop", "texts"), [("\n", ("\n",)), (["a", "b"], ("a", "b")), ([], ()), ("", ())])
def test_a_reply_ends_at_any_of_the_texts(stop: Any, texts: tuple[str, ...]) -> None:
    assert params(stop=stop).stop == texts


@pytest.mark.parametrize("token", ["", "-1", "1.5", "٣", " 1", "1" * 30, "the"])
def test_a_bias_is_on_the_number_of_a_token(token: str) -> None:
    with pytest.raises(RequestRefused):
        params(logit_bias={token: 1.0})


@pytest.mark.parametrize(
    ("options", "thinking"),
    [
        ({}, None),
        ({"reasoning_effort": "none"}, False),
        ({"reasoning_effort": "low"}, True),
        ({"chat_template_kwargs": {"enable_thinking": False}}, False),
        ({"chat_template_kwargs": {}}, None),
    ],
)
def test_thinking_can_be_switched(options: dict[str, Any], thinking: bool | None) -> None:
    assert read(**options).thinking is thinking


def test_how_long_a_reply_may_be_has_two_names() -> None:
    assert params(max_tokens=5).max_tokens == params(max_completion_tokens=5).max_tokens == 5
    assert params(max_tokens=5, max_completion_tokens=5).max_tokens == 5


def test_numbers_without_end_are_cut_off() -> None:
    assert params(max_tokens=2**62).max_tokens == params(top_k=2**62).top_k == 2**31 - 1


def test_calls_that_shall_not_be_parallel_are_one_at_most() -> None:
    assert read(tools=[CLOCK], parallel_tool_calls=False).most_calls == 1
    assert read(tools=[CLOCK], parallel_tool_calls=True).most_calls == read(tools=[CLOCK]).most_calls > 1


def test_an_empty_name_of_a_model_is_none() -> None:
    assert read(model="").model is None


@pytest.mark.parametrize(
    ("options", "param"),
    [
        ({"tools": [CLOCK, CLOCK]}, "tools"),
        (
            {"tools": [CLOCK], "tool_choice": NAMED},
            "tool_choice.function.name",
        ),
        ({"tool_choice": NAMED}, "tool_choice.function.name"),
    ],
)
def test_tools_that_cannot_be_told_apart_or_are_not_there_are_refused(options: dict[str, Any], param: str) -> None:
    with pytest.raises(RequestRefused) as caught:
        read(**options)
    assert caught.value.param == param


@pytest.mark.parametrize(("choice", "formed"), [("none", True), ("auto", True), ("required", False)])
def test_a_form_is_of_what_is_said_and_not_of_calls(choice: str, formed: bool) -> None:
    asked = read(tools=[CLOCK], tool_choice=choice, response_format=SCHEMA)
    assert (asked.reply_format is not None) is formed
