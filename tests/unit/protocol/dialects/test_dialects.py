"""The dialects: what each writes it recognises and reads again."""

from __future__ import annotations

import pytest

from tether_desktop.messages import ToolCall
from tether_desktop.protocol.dialects import DIALECTS, OURS, Dialect, detect
from tether_desktop.protocol.dialects.dialect import BadCall, Call
from tether_desktop.protocol.dialects.json_calls import calls_in_json
from tether_desktop.protocol.dialects.tagged_parameters import calls_in_tags
from tether_desktop.protocol.stream_parser import ParsedCall, StreamParser

CALLS = (
    ToolCall(
        "", "search", {"query": 'a "b" {c} </tool_call> [TOOL_CALLS] é🧵\n', "most": 5, "deep": {"x": [1.5, None]}}
    ),
    ToolCall("", "now", {}),
)


def by_name(dialect: Dialect) -> str:
    return dialect.name


@pytest.mark.parametrize("dialect", DIALECTS, ids=by_name)
def test_what_a_dialect_writes_is_detected_as_its_own(dialect: Dialect) -> None:
    assert detect(f"<|system|>You may call tools.\n{dialect.write(CALLS)}<|end|>") is dialect


@pytest.mark.parametrize("dialect", DIALECTS, ids=by_name)
def test_what_a_dialect_writes_it_reads_again(dialect: Dialect) -> None:
    parser = StreamParser(dialects=[dialect], names=["search", "now"])
    events = parser.feed(dialect.write(CALLS)) + parser.finish()
    read = [(event.name, event.arguments) for event in events if isinstance(event, ParsedCall)]
    assert read == [(call.name, call.arguments) for call in CALLS]


@pytest.mark.parametrize("dialect", DIALECTS, ids=by_name)
def test_special_tokens_of_a_dialect_are_in_what_it_writes_or_reads(dialect: Dialect) -> None:
    forms = "".join(form.opening + form.closing for form in dialect.forms) + "[CALL_ID]"
    assert all(marker in dialect.write(CALLS) + forms for marker in dialect.markers)


def test_our_own_is_the_known_form() -> None:
    assert OURS.write(CALLS[1:]) == '<<function_call>> {"name": "now", "arguments": {}}'


@pytest.mark.parametrize(
    "text", ["", "Hello", '{"name": "Ann"}', "<tool_call></tool_call> tags", "[TOOL_CALLS] is a token"]
)
def test_text_without_a_call_has_no_dialect(text: str) -> None:
    assert detect(text) is None


@pytest.mark.parametrize(
    "payload",
    [
        '{"name": "now", "arguments": {"a": 1}}',
        '{"name": "now", "parameters": {"a": 1}}',
        '{"name": "now", "arguments": "{\\"a\\": 1}"}',
        '{"tool_name": "now", "parameters": {"a": 1}}',
        '{"type": "function", "function": {"name": "now", "arguments": {"a": 1}}}',
        ' [{"name": " now ", "arguments": {"a": 1}}]',
        '{"name": "now", "arguments": {"a": 1}}}\n',
    ],
)
def test_a_call_is_read_however_its_keys_are_named(payload: str) -> None:
    assert calls_in_json(payload) == (Call("now", {"a": 1}),)


@pytest.mark.parametrize("arguments", ["", ', "arguments": null', ', "arguments": ""', ', "arguments": {}'])
def test_arguments_may_be_missing(arguments: str) -> None:
    assert calls_in_json(f'{{"name": "now"{arguments}}}') == (Call("now", {}),)


def test_text_in_arguments_may_run_over_lines() -> None:
    assert calls_in_json('{"name": "now", "arguments": {"code": "a\n\tb"}}')[0].arguments == {"code": "a\n\tb"}


@pytest.mark.parametrize(
    ("payload", "problem"),
    [
        ("", "not valid JSON"),
        ("now()", "not valid JSON"),
        ("[]", "no call in it"),
        ("5", "no JSON object"),
        ("{}", 'no "name"'),
        ('{"name": 5}', 'no "name"'),
        ('{"name": " "}', 'no "name"'),
        ('{"name": "a", "arguments": [1]}', "no JSON object"),
        ('{"name": "a", "arguments": {"n": NaN}}', "NaN"),
        ('{"name": "a", "arguments": {"n": ' + "9" * 5000 + "}}", "not valid JSON"),
        ('{"name": "a", "arguments": {"n": "\\ud800"}}', "surrogate"),
        ("[" * 30_000, "nests too deeply"),
        ('{"name": "a", "arguments": {"n": ' + "[" * 100 + "]" * 100 + "}}", "nests too deeply"),
    ],
)
def test_what_is_no_call_says_why(payload: str, problem: str) -> None:
    with pytest.raises(BadCall, match=problem):
        calls_in_json(payload)


def test_values_between_tags_are_json_where_they_are_no_text() -> None:
    values = {"n": "5", "t": "true", "list": "[1]", "text": "a 5", "quoted": '"q"', "none": "null", "lines": "a\nb"}
    tags = "".join(f"<parameter={key}>\n{value}\n</parameter>\n" for key, value in values.items())
    read = {"n": 5, "t": True, "list": [1], "text": "a 5", "quoted": '"q"', "none": None, "lines": "a\nb"}
    assert calls_in_tags(f"<function=f>\n{tags}</function>") == (Call("f", read),)


@pytest.mark.parametrize("payload", ["", "<function=>", "<function=f>", "<function=f><parameter=a>1</function>", "x"])
def test_tags_that_do_not_fit_are_no_call(payload: str) -> None:
    with pytest.raises(BadCall):
        calls_in_tags(payload or " ")
