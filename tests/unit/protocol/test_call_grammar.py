"""The grammars of calls, read by the library that holds models to them."""

from __future__ import annotations

from typing import Any

import pytest
from llguidance import LLMatcher, LLTokenizer, TokenizerWrapper

from tether_desktop.errors import ConstraintRefused
from tether_desktop.messages import MODELS_CHOICE, ToolCall, ToolChoice, ToolDeclaration
from tether_desktop.protocol.call_grammar import call_constraint, no_call_constraint
from tether_desktop.protocol.dialects import DIALECTS, OURS, Dialect
from tether_desktop.protocol.dialects.hermes import HERMES
from tether_desktop.protocol.dialects.llama import LLAMA
from tether_desktop.protocol.stream_parser import ParsedCall, StreamParser

REQUIRED = ToolChoice("required")
WEATHER = ToolDeclaration(
    "weather",
    "Tells the weather.",
    {
        "type": "object",
        "properties": {"place": {"type": "string"}, "days": {"type": "integer"}, "unit": {"enum": ["C", "F"]}},
        "required": ["place"],
    },
)
NOW = ToolDeclaration("now", "Tells the time.", {"type": "object", "properties": {}})
AGE = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}
CALLS = (ToolCall("", "weather", {"place": "Zürich </tool_call> x", "days": 2}), ToolCall("", "now", {}))


class Bytes:
    """A vocabulary of single bytes and an end."""

    eos_token_id = 256
    bos_token_id = None
    tokens = tuple([bytes([value]) for value in range(256)] + [b"\xff<end>"])
    special_token_ids = (256,)

    def __call__(self, text: str | bytes) -> list[int]:
        return list(text.encode() if isinstance(text, str) else text)


TOKENIZER = LLTokenizer(TokenizerWrapper(Bytes()), n_vocab=257)


def matcher(
    dialect: Dialect, choice: ToolChoice, *tools: ToolDeclaration, think: bool = False, most: int | None = None
) -> LLMatcher:
    constraint = call_constraint(dialect, tools or (WEATHER, NOW), choice, may_think=think, most_tokens=most)
    assert constraint is not None
    assert constraint.kind == "lark"
    made = LLMatcher(TOKENIZER, LLMatcher.grammar_from_lark(constraint.text))
    assert not made.is_error(), made.get_error()
    return made


def is_begun(grammar: LLMatcher, text: str) -> bool:
    """Whether the text may stand at the beginning of a reply."""
    grammar.reset()
    return grammar.try_consume_tokens(list(text.encode())) == len(text.encode())


def is_whole(grammar: LLMatcher, text: str) -> bool:
    """Whether the text may be a reply."""
    return is_begun(grammar, text) and grammar.is_accepting()


def written(dialect: Dialect) -> str:
    """Two calls, or what comes of them before the model ends its reply with a token of its own."""
    text = dialect.write(CALLS)
    return text.replace("<|call|>", "") if dialect.name == "harmony" else text


def by_name(dialect: Dialect) -> str:
    return dialect.name


@pytest.mark.parametrize("choice", [MODELS_CHOICE, REQUIRED], ids=["auto", "required"])
@pytest.mark.parametrize("dialect", DIALECTS, ids=by_name)
def test_calls_as_the_model_writes_them_are_taken(dialect: Dialect, choice: ToolChoice) -> None:
    grammar = matcher(dialect, choice)
    assert is_whole(grammar, written(dialect))
    assert not is_begun(grammar, written(dialect).replace("weather", "whether"))
    assert not is_begun(grammar, written(dialect) + " It is sunny.")


@pytest.mark.parametrize("dialect", DIALECTS, ids=by_name)
def test_text_is_free_until_a_call_opens(dialect: Dialect) -> None:
    grammar = matcher(dialect, MODELS_CHOICE)
    for text in ("", "1 < 2, [x], {y} and naïve 🧵.\n\n<b>", '{"age": 3}', "<tool"):
        assert is_whole(grammar, text)
    for form in dialect.forms:
        assert not is_begun(grammar, f"Use {form.opening} like this")


@pytest.mark.parametrize("dialect", [dialect for dialect in DIALECTS if not dialect.bare], ids=by_name)
def test_a_reply_with_a_form_is_of_it_or_calls(dialect: Dialect) -> None:
    constraint = call_constraint(dialect, (WEATHER, NOW), MODELS_CHOICE, may_think=False, form=AGE)
    assert constraint is not None
    grammar = LLMatcher(TOKENIZER, LLMatcher.grammar_from_lark(constraint.text))
    assert is_whole(grammar, '{"age": 3}')
    assert is_whole(grammar, written(dialect))
    for other in ("", "Three", '{"age": "3"}', '{"age": 3, "name": ""}', '{"age": 3} Three'):
        assert not is_whole(grammar, other)
    assert not is_begun(grammar, written(dialect).replace("weather", "whether"))


def test_calls_without_a_mark_cannot_be_told_from_a_form() -> None:
    with pytest.raises(ConstraintRefused, match="plain JSON"):
        call_constraint(LLAMA, (WEATHER, NOW), MODELS_CHOICE, may_think=False, form=AGE)
    assert call_constraint(LLAMA, (WEATHER, NOW), REQUIRED, may_think=False, form=AGE) is not None


@pytest.mark.parametrize("dialect", DIALECTS, ids=by_name)
def test_a_demanded_call_comes_at_once(dialect: Dialect) -> None:
    grammar = matcher(dialect, REQUIRED)
    assert not is_whole(grammar, "")
    assert not is_begun(grammar, "Sure")
    assert not is_begun(grammar, "<think>")


@pytest.mark.parametrize("choice", [MODELS_CHOICE, REQUIRED], ids=["auto", "required"])
@pytest.mark.parametrize("dialect", DIALECTS, ids=by_name)
def test_thoughts_may_have_anything_in_them(dialect: Dialect, choice: ToolChoice) -> None:
    grammar = matcher(dialect, choice, think=True)
    assert is_whole(grammar, f"<think>I could {written(dialect)} x</think>\n\n{written(dialect)}")
    assert not is_whole(grammar, "<think>on and on")


@pytest.mark.parametrize("dialect", DIALECTS, ids=by_name)
def test_a_thought_that_the_prompt_has_opened_comes_to_its_end_first(dialect: Dialect) -> None:
    constraint = call_constraint(dialect, [WEATHER, NOW], REQUIRED, may_think=True, state="think")
    assert constraint
    grammar = LLMatcher(TOKENIZER, LLMatcher.grammar_from_lark(constraint.text))
    assert is_whole(grammar, f"Hm {dialect.openings[0]}</think>\n\n{written(dialect)}")


@pytest.mark.parametrize("dialect", DIALECTS, ids=by_name)
def test_what_the_grammar_takes_the_parser_understands(dialect: Dialect) -> None:
    parser = StreamParser(dialects=[dialect, OURS], names=["weather", "now"])
    events = parser.feed(written(dialect)) + parser.finish()
    calls = [(event.name, event.arguments) for event in events if isinstance(event, ParsedCall)]
    assert calls == [(call.name, call.arguments) for call in CALLS]


def test_a_named_tool_is_the_only_one() -> None:
    grammar = matcher(OURS, ToolChoice("named", "now"))
    assert is_whole(grammar, '<<function_call>> {"name": "now", "arguments": {}}')
    assert not is_begun(grammar, '<<function_call>> {"name": "w')


def test_without_tools_or_with_calls_forbidden_there_is_nothing_to_hold_to() -> None:
    assert call_constraint(OURS, [], REQUIRED, may_think=False) is None
    assert call_constraint(OURS, [NOW], ToolChoice("none"), may_think=False) is None
    assert call_constraint(OURS, [NOW], ToolChoice("named", "other"), may_think=False) is None


@pytest.mark.parametrize("dialect", DIALECTS, ids=by_name)
def test_an_answer_has_no_call_in_it(dialect: Dialect) -> None:
    grammar = LLMatcher(TOKENIZER, LLMatcher.grammar_from_lark(no_call_constraint(dialect).text))
    assert is_whole(grammar, "It is < 3 o'clock.")
    assert not is_begun(grammar, written(dialect))


def test_a_reply_of_plain_json_is_a_call_only_where_it_begins_as_one() -> None:
    grammar = matcher(LLAMA, MODELS_CHOICE)
    assert is_whole(grammar, '{"city": "Bern"}')
    assert not is_begun(grammar, '{"name": "Bern"}')


BEFORE = '<tool_call>\n{"name": "weather", "arguments": {"place": "'


@pytest.mark.parametrize("endless", [" " * 600, "a" * 2100, "\\n" * 2100, "\\u0000"], ids=repr)
def test_texts_come_to_an_end(endless: str) -> None:
    assert not is_begun(matcher(HERMES, REQUIRED, most=512), BEFORE + endless)


@pytest.mark.parametrize("endless", [' ",  ', '", "days": 12345678901234567', '", "days":\n'], ids=repr)
def test_numbers_and_whitespace_come_to_an_end(endless: str) -> None:
    assert not is_begun(matcher(HERMES, REQUIRED), BEFORE + endless)


def test_a_demanded_call_fits_into_the_tokens_there_are() -> None:
    grammar = matcher(HERMES, REQUIRED, most=512)
    text = BEFORE + "x" * 256 + '", "days": -999999999999999, "unit": "C"}}\n</tool_call>'
    assert is_whole(grammar, text)
    assert len(text) < 512
    assert not is_begun(grammar, BEFORE + "x" * 257)
    assert not is_begun(grammar, text + "\n")


HOSTILE: dict[str, Any] = {
    "two references to each other": {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}},
    "another document": {"type": "object", "properties": {"a": {"$ref": "http://x.example/y"}}},
    "no type": {"type": 5},
    "a contradiction": {"type": "object", "properties": {"a": {"type": "integer", "minimum": 5, "maximum": 3}}},
    "lengths": {"type": "object", "properties": {"a": {"type": "string", "minLength": 9, "maxLength": 3}}},
    "no choice": {"type": "object", "properties": {"a": {"enum": []}}, "required": ["a"]},
    "a demand that cannot be met": {"type": "object", "required": ["b"], "additionalProperties": False},
    "looking around": {"type": "object", "properties": {"a": {"type": "string", "pattern": "(?=x)(a+)+$"}}},
    "no pattern": {"type": "object", "properties": {"a": {"type": "string", "pattern": "[(*"}}},
    "half a pair": {"type": "object", "properties": {"a": {"enum": ["\ud800"]}}},
    "not a number": {"type": "object", "properties": {"a": {"const": float("nan")}}},
    "everything else": {"not": {}, "if": {}, "dependentSchemas": {}, "unevaluatedProperties": 7, "oneOf": 5},
    "a choice of everything": {"type": "object", "properties": {"a": {"enum": list(range(5000))}}},
    "half a pair in a pattern": {"type": "object", "properties": {"a": {"type": "string", "pattern": "\ud800"}}},
    "no reference": {"type": "object", "properties": {"a": {"$ref": 5}}, "required": ["a"]},
    "lists for objects": {"type": "object", "properties": ["a"], "required": "a"},
}


@pytest.mark.parametrize("schema", HOSTILE.values(), ids=HOSTILE.keys())
def test_no_schema_spoils_the_grammar(schema: dict[str, Any]) -> None:
    grammar = matcher(OURS, REQUIRED, ToolDeclaration("odd", "", schema), NOW)
    assert is_begun(grammar, '<<function_call>> {"name": "odd", "arguments": {')
    assert is_whole(grammar, '<<function_call>> {"name": "now", "arguments": {}}')


def test_a_schema_of_itself_goes_a_few_levels_deep() -> None:
    tree = {"type": "object", "properties": {"next": {"$ref": "#"}, "n": {"type": "integer"}}, "required": ["n"]}
    grammar = matcher(OURS, REQUIRED, ToolDeclaration("tree", "", tree))
    before = '<<function_call>> {"name": "tree", "arguments": '
    assert is_whole(grammar, before + '{"next": {"next": {"n": 1}, "n": 2}, "n": 3}}')
    assert not is_begun(grammar, before + '{"next": ' * 20)


def test_a_deep_schema_of_a_thousand_levels_is_no_trouble() -> None:
    deep: dict[str, Any] = {"type": "string"}
    for _ in range(1000):
        deep = {"type": "object", "properties": {"a": deep}, "required": ["a"]}
    assert is_begun(matcher(OURS, REQUIRED, ToolDeclaration("deep", "", deep)), '<<function_call>> {"name": "deep"')


def test_two_hundred_tools_make_one_grammar() -> None:
    tools = [ToolDeclaration(f"tool_{number}", "", WEATHER.parameters) for number in range(200)]
    grammar = matcher(OURS, REQUIRED, *tools)
    assert is_whole(grammar, '<<function_call>> {"name": "tool_199", "arguments": {"place": "Bern"}}')
    assert not is_begun(grammar, '<<function_call>> {"name": "tool_200"')
