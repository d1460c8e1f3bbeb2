"""What a reply has to be, and what it calls: held where the engine can, refused where it cannot."""

from __future__ import annotations

import json
import re
from contextlib import aclosing
from typing import Any, get_args

import jsonschema
import pytest

from tests.conformance.abilities import can, needs
from tests.conformance.replies import Asker
from tests.conformance.subjects import Subject
from tether_desktop.errors import EngineError
from tether_desktop.messages import Message, ToolCall, ToolChoice, ToolDeclaration, ToolResult
from tether_desktop.model.engine import Constraint, ConstraintKind, PromptPiece

pytestmark = pytest.mark.asyncio(loop_scope="module")

SCHEMA = {
    "type": "object",
    "properties": {
        "colour": {"enum": ["red", "green", "blue"]},
        "shades": {"type": "array", "items": {"type": "boolean"}, "minItems": 1, "maxItems": 3},
        "number": {"type": "integer", "minimum": 0, "maximum": 99},
    },
    "required": ["colour", "shades", "number"],
    "additionalProperties": False,
}
EXPRESSION = r"(red|green|blue){2,3}-[0-9]{2}"
GRAMMAR = """\
start: "[" word ("|" word){1,3} "]"
word: /[a-f]{1,4}/
"""
EXAMPLES: dict[ConstraintKind, str] = {"json_schema": json.dumps(SCHEMA), "regex": EXPRESSION, "lark": GRAMMAR}
ENOUGH = 120
"""Tokens that the longest of these have at most, where each is of a single character."""

MARK = "<|im_start|>"
CLOCK = ToolDeclaration(
    "clock",
    "Tells the time.",
    {
        "type": "object",
        "properties": {"zone": {"enum": ["Europe/Berlin", "Asia/Tokyo"]}, "seconds": {"type": "boolean"}},
        "required": ["zone", "seconds"],
        "additionalProperties": False,
    },
)
DICE = ToolDeclaration(
    "dice",
    "Throws dice.",
    {
        "type": "object",
        "properties": {"count": {"type": "integer", "minimum": 1, "maximum": 9}},
        "required": ["count"],
        "additionalProperties": False,
    },
)


def held(kind: ConstraintKind) -> dict[str, Any]:
    return {"constraint": Constraint(kind, EXAMPLES[kind]), "max_tokens": ENOUGH}


@needs("json_schema")
@pytest.mark.parametrize("temperature", [0, 1.5])
async def test_a_reply_that_is_held_to_a_schema_fulfils_it(ask: Asker, temperature: float) -> None:
    for seed in range(3):
        told = await ask(**held("json_schema"), temperature=temperature, seed=seed)
        jsonschema.validate(json.loads(told.text), SCHEMA)
        assert told.finish_reason == "stop"


@needs("regex")
@pytest.mark.parametrize("temperature", [0, 1.5])
async def test_a_reply_that_is_held_to_an_expression_is_one_of_it(ask: Asker, temperature: float) -> None:
    for seed in range(3):
        told = await ask(**held("regex"), temperature=temperature, seed=seed)
        assert re.fullmatch(EXPRESSION, told.text)
        assert told.finish_reason == "stop"


@needs("lark")
@pytest.mark.parametrize("temperature", [0, 1.5])
async def test_a_reply_that_is_held_to_a_grammar_is_a_sentence_of_it(ask: Asker, temperature: float) -> None:
    for seed in range(3):
        told = await ask(**held("lark"), temperature=temperature, seed=seed)
        assert re.fullmatch(r"\[[a-f]{1,4}(\|[a-f]{1,4}){1,3}\]", told.text)
        assert told.finish_reason == "stop"


@needs("json_schema", "max_tokens")
async def test_a_longest_reply_cuts_off_what_it_is_held_to_as_well(ask: Asker) -> None:
    whole = await ask(**held("json_schema"))
    cut = await ask(**{**held("json_schema"), "max_tokens": 2})
    assert cut.finish_reason == "length"
    assert cut.usage.completion_tokens == 2
    assert whole.text.startswith(cut.text)


@needs("json_schema", "greedy")
async def test_the_next_reply_is_held_to_nothing(ask: Asker) -> None:
    before = (await ask()).text
    first = (await ask(**held("json_schema"))).text
    assert (await ask()).text == before
    assert (await ask(**held("json_schema"))).text == first


@needs("json_schema", "cancel")
async def test_a_reply_that_is_held_can_be_stopped_anywhere(ask: Asker) -> None:
    before = (await ask(**held("json_schema"))).text
    for chunks in (0, 1, 3):
        async with aclosing(ask.stream(**held("json_schema"))) as stream:
            for _ in range(chunks):
                await anext(stream)
        assert (await ask(**held("json_schema"))).text == before


@needs("json_schema")
@pytest.mark.parametrize("text", ["{", '{"type": "nonsense"}'])
async def test_a_schema_that_is_none_is_told_and_the_next_request_is_answered(ask: Asker, text: str) -> None:
    await _refused(ask, Constraint("json_schema", text))


@needs("regex")
async def test_an_expression_that_is_none_is_told_and_the_next_request_is_answered(ask: Asker) -> None:
    await _refused(ask, Constraint("regex", "(red"))


@needs("lark")
async def test_a_grammar_that_is_none_is_told_and_the_next_request_is_answered(ask: Asker) -> None:
    await _refused(ask, Constraint("lark", "start: nothing of it"))


@needs("streaming")
async def test_an_engine_lists_what_it_holds_replies_to_and_refuses_the_rest(subject: Subject) -> None:
    kinds = set(get_args(ConstraintKind))
    engine = subject.setting.new(subject.spec)
    try:
        info = await subject.load(engine)
        assert set(info.constraints) == {kind for kind in kinds if can(subject.setting.engine, (kind,))}
        for kind in kinds - set(info.constraints):
            await _refused(Asker(subject, engine), Constraint(kind, EXAMPLES[kind]))
    finally:
        await engine.close()


@needs("markers", "bias")
async def test_a_special_token_is_text_where_it_was_asked_for_and_only_there(ask: Asker) -> None:
    (mark,) = ask.subject.tokenizer.encode((PromptPiece(MARK),))
    forced = {"logit_bias": ((mark, 100.0),), "max_tokens": 3}
    assert (await ask(**forced)).text == ""
    assert (await ask(**forced, markers=(MARK,))).text == MARK * 3
    assert (await ask(**forced, markers=("<|endoftext|>",))).text == ""


@needs("tools")
async def test_a_tool_that_has_to_be_called_is_called_with_what_it_takes(ask: Asker) -> None:
    told = await ask(tools=(CLOCK, DICE), tool_choice=ToolChoice("required"), max_tokens=ENOUGH)
    assert told.finish_reason == "tool_calls"
    assert told.calls
    tools = {tool.name: tool for tool in (CLOCK, DICE)}
    for each in told.calls:
        jsonschema.validate(json.loads(each.arguments), tools[each.name].parameters)
    assert all(chunk.tool_calls == () for chunk in told.chunks[:-1])
    assert "arguments" not in told.text


@needs("tools")
@pytest.mark.parametrize("tool", [CLOCK, DICE], ids=lambda tool: tool.name)
async def test_the_tool_that_is_named_is_the_one_that_is_called(ask: Asker, tool: ToolDeclaration) -> None:
    told = await ask(tools=(CLOCK, DICE), tool_choice=ToolChoice("named", tool.name), max_tokens=ENOUGH)
    assert {each.name for each in told.calls} == {tool.name}


@needs("tools")
async def test_where_no_tool_may_be_called_there_is_an_answer(ask: Asker) -> None:
    told = await ask(tools=(CLOCK, DICE), tool_choice=ToolChoice("none"))
    assert (told.calls, told.finish_reason) == ((), "length")
    assert told.text


@needs("tools")
async def test_what_a_tool_has_said_is_read_before_the_answer(ask: Asker) -> None:
    spoken = (
        Message("assistant", (ToolCall("1", "dice", {"count": 1}), ToolCall("2", "", {}, "<tool_call>{"))),
        Message("tool", (ToolResult("1", "dice", "six"), ToolResult("2", "", "That was no call.", is_error=True))),
    )
    short, told = await ask(tools=(DICE,)), await ask(messages=spoken, tools=(DICE,))
    assert told.text
    assert told.usage.prompt_tokens > short.usage.prompt_tokens


async def _refused(ask: Asker, constraint: Constraint) -> None:
    """It is told as what somebody can act on, and the next request is answered."""
    with pytest.raises(EngineError) as error:
        await ask(constraint=constraint)
    assert error.value.hint
    assert (await ask()).text
