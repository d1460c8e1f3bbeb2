"""Conversations of OpenAI's clients become the messages that chat templates take."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter

from tether_desktop.messages import Message, Reasoning, Text, ToolCall, ToolResult, text_message
from tether_desktop.protocol.api.openai.errors import RequestRefused
from tether_desktop.protocol.api.openai.messages import read_messages
from tether_desktop.protocol.api.openai.schemas import SentMessage

USER = {"role": "user", "content": "Rain?"}
WEATHER = ToolCall("c1", "weather", {"place": "Oslo"})


def read(*sent: dict[str, Any]) -> tuple[Message, ...]:
    return read_messages(TypeAdapter(list[SentMessage]).validate_python(list(sent)))


def calling(*ids: str, arguments: str = '{"place": "Oslo"}', **others: Any) -> dict[str, Any]:
    function = {"name": "weather", "arguments": arguments}
    calls = [{"id": call_id, "type": "function", "function": function} for call_id in ids]
    return {"role": "assistant", "content": None, "tool_calls": calls, **others}


def result(call_id: str, content: Any = "Dry.") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": content}


def test_what_is_said_keeps_its_order_and_roles() -> None:
    said = [{"role": "system", "content": "Be brief."}, USER, {"role": "assistant", "content": "No."}, USER]
    assert read(*said) == (
        text_message("system", "Be brief."),
        text_message("user", "Rain?"),
        text_message("assistant", "No."),
        text_message("user", "Rain?"),
    )


def test_instructions_at_the_beginning_are_one() -> None:
    system = {"role": "system", "content": "Be brief."}
    developer = {"role": "developer", "content": [{"type": "text", "text": "Be kind."}]}
    assert read(system, developer, USER)[0] == text_message("system", "Be brief.\n\nBe kind.")


def test_later_instructions_are_said_where_they_stand() -> None:
    later = {"role": "system", "content": "In French."}
    assert read(USER, later) == (text_message("user", "Rain?"), text_message("user", "In French."))


def test_instructions_alone_are_what_is_asked() -> None:
    assert read({"role": "system", "content": "Tell a joke."}) == (text_message("user", "Tell a joke."),)


def test_empty_instructions_are_none() -> None:
    assert read({"role": "system", "content": ""}, USER) == (text_message("user", "Rain?"),)


def test_a_greeting_of_the_model_has_something_before_it() -> None:
    said = read({"role": "assistant", "content": "Ahoy!"}, USER)
    assert [message.role for message in said] == ["user", "assistant", "user"]
    assert said[1:] == (text_message("assistant", "Ahoy!"), text_message("user", "Rain?"))


def test_what_is_asked_before_results_were_answered_comes_after_a_word() -> None:
    said = read(USER, calling("c1"), result("c1"), USER)
    assert [message.role for message in said] == ["user", "assistant", "tool", "assistant", "user"]


def test_parts_of_text_are_joined() -> None:
    content = [{"type": "text", "text": "Ra"}, {"type": "text", "text": "in?"}]
    assert read({"role": "user", "content": content}) == (text_message("user", "Rain?"),)


def test_a_refusal_of_the_model_is_what_it_said() -> None:
    said = {"role": "assistant", "content": [{"type": "refusal", "refusal": "I cannot."}]}
    assert read(USER, said, USER)[1] == text_message("assistant", "I cannot.")


def test_calls_and_their_results_are_a_round() -> None:
    assert read(USER, calling("c1", content="I look.", reasoning_content="Hm."), result("c1")) == (
        text_message("user", "Rain?"),
        Message("assistant", (Reasoning("Hm."), Text("I look."), WEATHER)),
        Message("tool", (ToolResult("c1", "weather", "Dry."),)),
    )


def test_results_come_in_the_order_of_their_calls() -> None:
    *_, results = read(
        USER, calling("c1", "c2"), result("c2", "Two."), result("c1", [{"type": "text", "text": "One."}])
    )
    assert results == Message("tool", (ToolResult("c1", "weather", "One."), ToolResult("c2", "weather", "Two.")))


def test_rounds_may_use_the_same_ids_again() -> None:
    said = read(USER, calling("c1"), result("c1"), calling("c1"), result("c1", "Wet."))
    assert [message.role for message in said] == ["user", "assistant", "tool", "assistant", "tool"]


def test_arguments_that_are_none_stay_as_the_model_wrote_them() -> None:
    (_, said, _) = read(USER, calling("c1", arguments="{place"), result("c1"))
    assert said.parts == (ToolCall("c1", "weather", text="{place"),)


def test_a_call_without_arguments_has_an_empty_object_of_them() -> None:
    (_, said, _) = read(USER, calling("c1", arguments=""), result("c1"))
    assert said.parts == (ToolCall("c1", "weather", {}),)


@pytest.mark.parametrize("silent", [{"content": None}, {"content": ""}, {"content": [], "reasoning_content": "Hm."}])
def test_a_reply_that_says_nothing_is_left_out(silent: dict[str, Any]) -> None:
    assert [message.role for message in read(USER, {"role": "assistant", **silent}, USER)] == ["user", "user"]


def test_what_a_client_has_of_a_reply_can_be_sent_back() -> None:
    kept = {"annotations": [], "audio": None, "function_call": None, "refusal": None, "tool_calls": None, "name": "x"}
    assert read(USER, {"role": "assistant", "content": "No.", **kept}, USER)[1] == text_message("assistant", "No.")


@pytest.mark.parametrize(
    ("sent", "param", "words"),
    [
        ([USER, calling("c1"), USER], "messages[1]", "did not have response messages: c1"),
        ([USER, calling("c1", "c2"), result("c1")], "messages[1]", "messages: c2"),
        ([USER, result("c1")], "messages[1]", "must be a response"),
        ([USER, calling("c1"), result("c2")], "messages[2]", "'c2'"),
        ([USER, calling("c1"), result("c1"), result("c1")], "messages[3]", "two results"),
        ([USER, calling("c1", "c1"), result("c1")], "messages[1].tool_calls[1].id", "Two calls"),
        ([{"role": "user", "content": [{"type": "input_audio"}]}], "messages[0].content[0]", "Sounds"),
        ([{"role": "user", "content": [{"type": "hologram"}]}], "messages[0].content[0]", "'hologram'"),
        ([{"role": "user", "content": [{"type": "text"}]}], "messages[0].content[0].text", "Missing"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(sent: list[dict[str, Any]], param: str, words: str) -> None:
    with pytest.raises(RequestRefused, match=words) as caught:
        read(*sent)
    assert caught.value.param == param
