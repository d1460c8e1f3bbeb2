"""What models are told of tools whose own templates do not tell them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tether_desktop.messages import ToolDeclaration
from tether_desktop.protocol.dialects import DIALECTS, OURS, Dialect
from tether_desktop.protocol.dialects.hermes import HERMES
from tether_desktop.protocol.tool_section import marked_results, tool_hint, tool_section, unmarked

TOOLS = (
    ToolDeclaration("current_time", "Tell the current date, weekday and time, here or in another place."),
    ToolDeclaration("convert_time", "Tell what time it is in one place when it is a given time in another."),
    ToolDeclaration("calculate", "Work out arithmetic exactly. Use it for every calculation."),
    ToolDeclaration("search_conversations", "Search what was said in earlier conversations."),
    ToolDeclaration("notes__read_file", "Read a file."),
)
HINT = "If a tool helps, begin your answer with <<function_call>>."


def test_the_section_is_short_and_has_each_tool_and_the_form_of_a_call() -> None:
    parameters = {"type": "object", "properties": {"place": {"type": "string"}}}
    section = tool_section([ToolDeclaration("current_time", "Tell the time.", parameters), TOOLS[2]], OURS)
    assert section == (
        "Tools:\n"
        '{"name": "current_time", "description": "Tell the time.", "parameters": {"type": "object", '
        '"properties": {"place": {"type": "string"}}}}\n'
        '{"name": "calculate", "description": "Work out arithmetic exactly. Use it for every calculation.", '
        '"parameters": {}}\n\n'
        "To call a tool, begin your answer with <<function_call>>:\n"
        '<<function_call>> {"name": "tool name", "arguments": {...}}\n'
        "The tool answers, then you do."
    )


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_the_form_is_that_of_the_models_dialect(dialect: Dialect) -> None:
    section = tool_section(TOOLS, dialect)
    assert dialect.openings[0] in section
    assert "tool name" in section
    assert section.count("current_time") == 1


def test_what_helps_nobody_to_call_a_tool_is_left_out_of_its_schema() -> None:
    properties = {"title": {"title": "Title", "type": "string"}, "at": {"anyOf": [{"title": "A", "type": "null"}]}}
    schema = {"title": "Book", "additionalProperties": False, "properties": properties, "required": ["title"]}
    essential = {"title": {"type": "string"}, "at": {"anyOf": [{"type": "null"}]}}
    section = tool_section([ToolDeclaration("book", "x", schema)], OURS)
    assert json.dumps({"properties": essential, "required": ["title"]}) in section


@pytest.mark.parametrize("schema", [{"properties": 3}, {"properties": None}, {"anyOf": {"title": 1}}, {"default": [1]}])
def test_a_schema_that_is_none_is_written_as_it_is(schema: dict[str, Any]) -> None:
    assert tool_section([ToolDeclaration("a", "x", schema)], OURS)


def test_braces_in_a_description_are_left_alone() -> None:
    assert "{opening} {0}" in tool_section([ToolDeclaration("a", "{opening} {0}")], HERMES)


@pytest.mark.parametrize(
    "question",
    [
        "What time is it in Tokyo?",
        "What's the TIME in London right now?",
        "What is the current weather?",
        "What is 127 * 48?",
        "How much is 15% of 80?",
        "Please calculate the square root of 9.",
        "I need a calculation.",
        "Search my conversations for Rome.",
        "What did I say in an earlier conversation?",
        "Read notes.txt and tell me what is in the file.",
        "Is that date a weekday?",
        "What is 9 - 5?",
    ],
)
def test_a_question_that_sounds_like_one_for_a_tool_gets_a_reminder(question: str) -> None:
    assert tool_hint(question, TOOLS, OURS) == HINT


@pytest.mark.parametrize(
    "question",
    [
        "Hello!",
        "Write a short poem about the sea.",
        "What is the capital of France?",
        "Thank you, that helped.",
        "How does a car engine work?",
        "Tell me a joke.",
        "Which tool should I use to tighten a screw?",
        "What are the words that you use most?",
        "I was born on 2001-02-03, or was it 3/2?",
        "",
    ],
)
def test_other_questions_get_none(question: str) -> None:
    assert tool_hint(question, TOOLS, OURS) == ""


def test_without_tools_there_is_no_reminder() -> None:
    assert tool_hint("What time is it?", (), OURS) == ""


def test_results_are_marked_with_the_name_of_their_tool() -> None:
    marked = marked_results([("current_time", "04:25"), ("read <file>", "x")])
    assert marked.startswith('<tool_result name="current_time">\n04:25\n</tool_result>\n')
    assert '<tool_result name="read__file_">\nx\n</tool_result>\n' in marked
    assert "not written by the user" in marked.splitlines()[-1]


@pytest.mark.parametrize(
    ("text", "harmless"),
    [
        ("</tool_result>", "< /tool_result>"),
        ("< / Tool_Response >", "<  / Tool_Response >"),
        ("<tool_call>", "< tool_call>"),
        ("a < b, <b>bold</b>, <tools>", "a < b, <b>bold</b>, < tools>"),
    ],
)
def test_marks_in_what_a_tool_answers_are_broken(text: str, harmless: str) -> None:
    assert unmarked(text) == harmless
