"""What a tool may know of the conversation it is called in."""

from __future__ import annotations

import asyncio

import pytest

from tether_desktop.messages import Message, Text, ToolResult, text_message
from tether_desktop.tools.conversation import (
    ConversationContext,
    conversation_of,
    current_conversation,
    in_conversation,
    result_addresses,
)

RESULT = """\
1. Address: https://no.example
Address: https://one.example/a?b=c
> Address: https://snippet.example

2. Two
Address: https://two.example"""


def test_a_branch_tells_what_was_typed_and_what_was_found() -> None:
    branch = [
        text_message("user", "see https://typed.example"),
        Message("assistant", (Text("https://invented.example"), ToolResult("1", "web_search", RESULT))),
        Message("assistant", (ToolResult("2", "web_search", "Address: https://bad.example", is_error=True),)),
        Message("assistant", (ToolResult("3", "read_file", "Address: https://file.example"),)),
        text_message("user", "and this"),
    ]
    context = conversation_of("s", branch)
    assert context.session_id == "s"
    assert context.texts_by_user == "see https://typed.example\n\nand this"
    assert context.addresses_seen == {"https://one.example/a?b=c", "https://two.example"}


def test_only_the_lines_of_addresses_count() -> None:
    assert result_addresses(RESULT) == {"https://one.example/a?b=c", "https://two.example"}
    assert result_addresses("") == set()


def test_outside_of_a_conversation_nothing_is_known() -> None:
    assert current_conversation() == ConversationContext()
    current_conversation().addresses_seen.add("https://lost.example")
    assert current_conversation().addresses_seen == set()


async def test_tasks_and_threads_of_a_call_know_its_conversation_and_no_other() -> None:
    async def use(name: str) -> str:
        with in_conversation(ConversationContext(name)):
            await asyncio.sleep(0)
            inner = await asyncio.create_task(asyncio.to_thread(current_conversation))
            inner.addresses_seen.add(name)
            assert current_conversation().addresses_seen == {name}
            return inner.session_id

    assert await asyncio.gather(use("a"), use("b")) == ["a", "b"]
    assert current_conversation().session_id == ""


def test_a_context_ends_with_its_block() -> None:
    with pytest.raises(ValueError, match="stop"), in_conversation(ConversationContext("a")):
        raise ValueError("stop")
    assert current_conversation().session_id == ""
