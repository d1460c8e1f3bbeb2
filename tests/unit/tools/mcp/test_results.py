"""Answers of servers as text."""

from __future__ import annotations

from typing import Any

import pytest
from mcp_types import CallToolResult, GetPromptResult

from tether_desktop.tools.mcp.results import output_of, prompt_text


def result(*content: dict[str, Any], **more: Any) -> CallToolResult:
    return CallToolResult.model_validate({"content": list(content), **more})


TEXT = {"type": "text", "text": "hi"}


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (result(TEXT, TEXT), "hi\nhi"),
        (result(TEXT, structuredContent={"a": 1}), "hi"),
        (result(structuredContent={"ä": 1}), '{"ä": 1}'),
        (result(structuredContent={}), "{}"),
        (result(), "(The tool has answered without a text.)"),
        (result({"type": "image", "data": "AAAA" * 4096, "mimeType": "image/png"}), "(image/png, 12 kB: not shown)"),
        (result({"type": "audio", "data": "AAAA", "mimeType": "audio/wav"}), "(audio/wav, 3 bytes: not shown)"),
        (result({"type": "resource", "resource": {"uri": "a://b", "text": "inside"}}), "inside"),
        (result({"type": "resource", "resource": {"uri": "a://b", "blob": "AAAA"}}), "(data, 3 bytes: not shown)"),
        (
            result({"type": "resource_link", "uri": "a://b", "name": "B", "description": "more"}),
            "(B, to be read at a://b: more)",
        ),
    ],
)
def test_every_kind_of_content_becomes_text(answer: CallToolResult, text: str) -> None:
    assert output_of(answer).text == text


def test_an_error_stays_one() -> None:
    assert output_of(result(TEXT, isError=True)).is_error
    assert not output_of(result(TEXT)).is_error


def test_a_prompt_of_several_voices_says_who_speaks() -> None:
    messages = [{"role": role, "content": TEXT} for role in ("user", "assistant")]
    assert prompt_text(GetPromptResult.model_validate({"messages": messages})) == "user: hi\n\nassistant: hi"
    assert prompt_text(GetPromptResult.model_validate({"messages": messages[:1]})) == "hi"
