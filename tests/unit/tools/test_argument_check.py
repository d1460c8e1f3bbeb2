"""Arguments checked against schemas of anybody: told in words, and always to an end."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tether_desktop.tools.argument_check import BrokenSchema, misfit

WORD = "a" * 60 + "b"
TWICE: list[dict[str, Any]] = [{"$ref": "#"}, {"$ref": "#"}]


@pytest.mark.parametrize(
    ("schema", "arguments", "problem"),
    [
        ({}, {"anything": [1]}, ""),
        ({"properties": {"n": {"type": "integer"}}}, {"n": 1}, ""),
        ({"properties": {"n": {"type": "integer"}}}, {"n": "1"}, "n: '1' is not of type 'integer'"),
        ({"required": ["n"]}, {}, "'n' is a required property"),
        ({"properties": {"n": {}}, "additionalProperties": False}, {"m": 1}, "there is no 'm'; known names: n"),
        ({"additionalProperties": {"type": "null"}}, {"m": 1}, "m: 1 is not of type 'null'"),
        ({"properties": {"a": {"items": {"enum": [1]}}}}, {"a": [1, 2]}, "a.1: 2 is not one of [1]"),
        ({"properties": {"a": {"pattern": "^b"}}}, {"a": "ab"}, "a: 'ab' does not match '^b'"),
        ({"patternProperties": {"^x": {"type": "null"}}}, {"x1": 1}, "x1: 1 is not of type 'null'"),
        ({"patternProperties": {"^x": {}}, "additionalProperties": False}, {"x1": 1}, ""),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"required": ["n"]}}}, {}, "'n' is a required property"),
        (
            {"$schema": "http://json-schema.org/draft-07/schema#", "properties": {"a": {"items": [{"const": 1}]}}},
            {"a": [2]},
            "a.0: 1 was expected",
        ),
        ({"$schema": "https://example.org/unknown", "required": ["n"]}, {}, "'n' is a required property"),
    ],
)
def test_what_does_not_fit_is_told_with_its_place(schema: dict[str, Any], arguments: Any, problem: str) -> None:
    assert misfit(arguments, schema) == problem


def test_a_long_value_is_not_repeated_in_full() -> None:
    assert len(misfit({"a": "x" * 100_000}, {"properties": {"a": {"enum": ["y" * 100_000]}}})) < 500


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"anyOf": TWICE},
        {"allOf": TWICE},
        {"not": {"oneOf": TWICE}},
        {"unevaluatedProperties": False, "allOf": TWICE},
        {"properties": {"a": {"$ref": "#/properties/a"}}},
        {"$ref": "https://example.org/schema.json"},
        {"$ref": "#/nowhere"},
        {"$ref": 5},
        {"type": "nonsense"},
        {"properties": ["a"]},
        {"properties": {"a": {"minLength": "x"}}},
        {"$schema": ["x"]},
        {"patternProperties": {"a": 5}},
        {"required": 5},
    ],
)
def test_a_schema_that_is_none_or_has_no_end_is_told_as_broken(schema: dict[str, Any]) -> None:
    with pytest.raises(BrokenSchema, match=r"refers to itself|is no valid JSON schema"):
        misfit({"a": "b"}, schema)


def doubling(depth: int) -> dict[str, Any]:
    """A schema that looks twice at each of its levels."""
    definitions = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(depth)}
    return {"$ref": "#/$defs/d0", "$defs": {**definitions, f"d{depth}": {}}}


def test_a_schema_that_doubles_itself_is_given_up() -> None:
    assert misfit({}, doubling(5)) == ""
    with pytest.raises(BrokenSchema, match="without end"):
        misfit({}, doubling(60))


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        ({"properties": {"a": {"pattern": "^(a+)+$"}}}, f"a: '{WORD}' does not match '^(a+)+$'"),
        ({"properties": {"a": {"pattern": "(?=x)y"}}}, ""),
        ({"properties": {"a": {"pattern": "("}}}, ""),
        ({"properties": {"a": {"pattern": "((a{1000}){1000}){1000}"}}}, ""),
    ],
)
def test_a_pattern_takes_no_longer_than_the_text_is(schema: dict[str, Any], problem: str) -> None:
    assert misfit({"a": WORD}, schema) == problem


def test_the_names_of_arguments_are_matched_in_bounded_time_as_well() -> None:
    schema = {"patternProperties": {"^(a+)+$": {}}, "additionalProperties": False}
    assert "there is no" in misfit({WORD: 1}, schema)


keywords = st.sampled_from(
    ["type", "properties", "items", "allOf", "anyOf", "not", "$ref", "enum", "required", "pattern", "minimum", "if"]
)
schemas = st.recursive(
    st.booleans() | st.integers() | st.sampled_from(["#", "object", "string", "(", "#/properties/a"]),
    lambda inner: st.dictionaries(keywords | st.just("a"), inner, max_size=4) | st.lists(inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(keywords, schemas, max_size=4))
@settings(derandomize=True, max_examples=200, deadline=None)
def test_any_object_is_a_schema_or_is_told_as_broken(schema: dict[str, Any]) -> None:
    try:
        assert isinstance(misfit({"a": "b"}, schema), str)
    except BrokenSchema as fault:
        assert str(fault)  # noqa: PT017  (both ways are right)
