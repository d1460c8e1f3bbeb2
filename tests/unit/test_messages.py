"""Messages and what they cost."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from tether_desktop.messages import (
    Message,
    Reasoning,
    Text,
    Timings,
    ToolCall,
    ToolResult,
    Usage,
    decode_rate,
    text_message,
)

MIXED = Message(
    "assistant",
    (
        Reasoning("first "),
        Text("Let me look. "),
        ToolCall("1", "weather", {"city": "Bern"}),
        ToolResult("1", "weather", "rain"),
        Reasoning("then", "post_tool"),
        Text("It rains."),
    ),
)


def test_the_visible_text_holds_neither_thoughts_nor_tool_traffic() -> None:
    assert MIXED.text == "Let me look. It rains."


def test_all_thoughts_are_joined() -> None:
    assert MIXED.reasoning == "first then"


def test_a_message_without_parts_is_silent() -> None:
    assert (Message("assistant").text, Message("assistant").reasoning) == ("", "")


def test_a_text_message_keeps_its_text_as_it_is() -> None:
    assert text_message("user", " a\n") == Message("user", (Text(" a\n"),))


def test_messages_are_values() -> None:
    assert text_message("user", "a") == text_message("user", "a") != text_message("assistant", "a")
    with pytest.raises(FrozenInstanceError):
        MIXED.role = "user"  # type: ignore[misc]


def test_two_calls_do_not_share_their_arguments() -> None:
    assert ToolCall("1", "a").arguments is not ToolCall("2", "a").arguments


def test_the_decode_rate_counts_the_tokens_after_the_first() -> None:
    assert decode_rate(Usage(completion_tokens=11), Timings(first_token_s=9, decode_s=2)) == 5


@pytest.mark.parametrize(("tokens", "seconds"), [(0, 1.0), (1, 1.0), (2, 0.0), (2, -1.0)])
def test_too_few_tokens_or_no_time_give_no_rate(tokens: int, seconds: float) -> None:
    assert decode_rate(Usage(completion_tokens=tokens), Timings(decode_s=seconds)) is None
