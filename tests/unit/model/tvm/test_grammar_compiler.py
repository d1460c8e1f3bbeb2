"""Hostile grammars end clearly, soon and in little memory, and what is merely large is compiled."""

from __future__ import annotations

import json
from typing import Any

import pytest
from llguidance import LLTokenizer

from tether_desktop.errors import ConstraintRefused
from tether_desktop.model.engine import Constraint
from tether_desktop.model.tvm import grammar_compiler
from tether_desktop.model.tvm.grammar_compiler import compile_grammar
from tether_desktop.model.tvm.grammar_text import MOST_CHARACTERS, MOST_LINES, grammar_text

BYTES = LLTokenizer("byte")
REFERENCE = {"$ref": "#/$defs/a0"}
ENDLESS = {"type": "object", "properties": {"c": REFERENCE}, "required": ["c"]}


async def compiled(kind: Any, text: object) -> None:
    constraint = Constraint(kind, text if isinstance(text, str) else json.dumps(text))
    await compile_grammar(grammar_text(constraint), BYTES)


def chain(length: int, link: dict[str, Any]) -> dict[str, Any]:
    """Definitions of which each refers to the next one."""
    links = {f"a{number}": {**link, "items": {"$ref": f"#/$defs/a{number + 1}"}} for number in range(length)}
    return {"$defs": {**links, f"a{length}": {"type": "string"}}, **REFERENCE}


def doubling(levels: int) -> dict[str, Any]:
    """Definitions that need the one before them twice, in full."""
    parts = {"a0": {"type": "string"}}
    for level in range(1, levels):
        before = {"$ref": f"#/$defs/a{level - 1}"}
        pair = [{**before, "minItems": 1}, {**before, "minItems": 2}]
        parts[f"a{level}"] = {"type": "array", "prefixItems": pair}
    return {"$defs": parts, "$ref": f"#/$defs/a{levels - 1}", "minItems": 1}


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("json_schema", {"type": "object", "properties": {f"p{i}": {"type": "string"} for i in range(500)}}),
        ("json_schema", {"enum": [f"value {number}" for number in range(10_000)]}),
        ("json_schema", {"type": "array", "items": {"type": "string"}, "minItems": 10**9}),
        ("json_schema", {"type": "string", "minLength": 10**9}),
        ("json_schema", {"$defs": {"a0": {"type": "array", "items": REFERENCE}}, **REFERENCE}),
        ("json_schema", {"allOf": [{"type": "string"}, {"minLength": 2}, {"pattern": "a"}]}),
        ("json_schema", '{"items":' * 60 + "true" + "}" * 60),
        ("json_schema", "true"),
        ("regex", "|".join(f"word{number}" for number in range(5000))),
        ("regex", "(a|b)*a(a|b){60}"),
        ("regex", ""),
        ("lark", "start: r0\n" + "\n".join(f"r{i}: r{i + 1}" for i in range(2000)) + '\nr2000: "a"'),
        ("lark", 'start: start start | "a" | '),
        ("lark", 'start: %json {"type": "object"} T\nT: /(?s:.*)/ & ~/(?s:.*)&(?s:.*)/'),
    ],
)
async def test_what_is_large_or_strange_is_compiled(kind: Any, text: object) -> None:
    await compiled(kind, text)


async def test_references_that_follow_one_another_need_no_stack_of_ours() -> None:
    await compiled("json_schema", chain(3000, {"type": "array"}))


@pytest.mark.parametrize(
    ("kind", "text", "reason"),
    [
        ("json_schema", {"enum": []}, "Unsatisfiable"),
        ("json_schema", {"allOf": [{"type": "string"}, {"type": "integer"}]}, "incompatible types"),
        ("json_schema", {"type": "object", "properties": {"a": False}, "required": ["a"]}, "'a' is unsatisfiable"),
        ("json_schema", {"type": "string", "minLength": 5, "maxLength": 2}, "greater than maxLength"),
        ("json_schema", {"$ref": "#"}, "Nothing that the model can write fulfils it"),
        ("json_schema", {"$defs": {"a0": ENDLESS}, **REFERENCE}, "Too many items"),
        ("json_schema", {"$ref": "http://127.0.0.1:1/schema.json"}, "retrieving it failed"),
        ("json_schema", {"$ref": "file:///etc/passwd"}, "retrieving it failed"),
        ("json_schema", {"contains": {"type": "string"}}, "contains"),
        ("json_schema", {"const": float("nan")}, "It is no JSON schema"),
        ("json_schema", "9" * 5000, "It is no JSON schema"),
        ("json_schema", "7", "It is no JSON schema"),
        ("json_schema", '{"items":' * 5000 + "true" + "}" * 5000, "nested too deeply"),
        ("json_schema", "[" * 100_000, "nested too deeply"),
        ("json_schema", {"type": "integer", "multipleOf": 999_999_937}, "fuel exhausted"),
        ("regex", "(?=a)b", "look-around"),
        ("regex", "(" * 1000 + "a" + ")" * 1000, "invalid regex"),
        ("regex", "a" * (MOST_CHARACTERS + 1), "too large, with 524,289 characters"),
        ("lark", "start: " + "(" * 1000 + '"a"' + ")" * 1000, "too deeply nested"),
        ("lark", "start: %json " + '{"a":' * 100_000, "nested too deeply"),
        ("lark", 'start: "a"{1000000}', "Too many items"),
        ("lark", "start: start", "Nothing that the model can write fulfils it"),
        ("lark", 'start: "a', "lexer error"),
        ("lark", 'start: "a"' + "\n" * MOST_LINES, "10,001 lines"),
        ("lark", "%import os.path\nstart: path", "Unknown common regex"),
    ],
)
async def test_what_cannot_be_compiled_is_refused_with_the_reason(kind: Any, text: object, reason: str) -> None:
    with pytest.raises(ConstraintRefused) as refused:
        await compiled(kind, text)
    assert reason in refused.value.message
    assert len(refused.value.message) < 400
    assert "\n" not in refused.value.message
    assert "backtrace" not in refused.value.message


async def test_a_panic_of_the_library_is_a_refusal_in_a_few_words() -> None:
    with pytest.raises(
        ConstraintRefused, match=r"^The reply cannot be held to that: assertion failed: [^\n]{,80}\. Ask"
    ):
        await compiled("lark", "start: " + '"a"?' * 66_000)


async def test_what_unfolds_without_end_is_ended_before_it_fills_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grammar_compiler, "MOST_MEMORY", 200 << 20)
    with pytest.raises(ConstraintRefused, match="too much memory"):
        await compiled("json_schema", doubling(30))


async def test_what_takes_for_ever_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grammar_compiler, "SECONDS_TO_COMPILE", 1.0)
    patterns = {"type": "object", "patternProperties": {f"^k{number}_": {} for number in range(2000)}}
    with pytest.raises(ConstraintRefused, match="too long"):
        await compiled("json_schema", patterns)


async def test_what_breaks_the_process_that_tries_it_out_breaks_nothing_else() -> None:
    with pytest.raises(ConstraintRefused, match="breaks what should prepare it"):
        await compiled("json_schema", chain(5000, {"type": "array"}) | {"allOf": []})
