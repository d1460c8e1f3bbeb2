"""Schemas that may unfold without end are told apart from those that cannot, and what asks for nothing is left out."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tether_desktop.model.json_schemas import is_plain, without_annotations

PART = {"$defs": {"part": {"type": "string"}}}
REFERENCE = {"$ref": "#/$defs/part"}


@pytest.mark.parametrize(
    "schema",
    [
        True,
        {},
        {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
        {**PART, "type": "array", "items": REFERENCE},
        {**PART, "properties": {"a": {**REFERENCE, "description": "a part", "default": ""}}},
        {**PART, "properties": {"a": {"anyOf": [REFERENCE, {"type": "null"}], "title": "A"}}},
        {"type": "object", "properties": {"a": {}}, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
        {"patternProperties": {f"^{letter}": {} for letter in "abc"}},
        {"properties": {"allOf": {"type": "string"}, "$ref": {"type": "string"}}},
        {"const": {"allOf": []}},
    ],
)
def test_the_size_of_most_schemas_tells_how_large_they_become(schema: object) -> None:
    assert is_plain(schema)


@pytest.mark.parametrize(
    "schema",
    [
        {"allOf": [{"type": "string"}]},
        {"properties": {"a": {"items": {"allOf": []}}}},
        {**PART, "properties": {"a": {**REFERENCE, "minLength": 1}}},
        {"$defs": {"part": {"anyOf": [{"type": "string"}], "minLength": 2}}, "items": REFERENCE},
        {"patternProperties": {f"^{number}_": {} for number in range(51)}},
    ],
)
def test_what_has_to_hold_together_may_unfold(schema: object) -> None:
    assert not is_plain(schema)


def test_a_schema_may_be_nested_as_deeply_as_it_likes() -> None:
    schema: dict[str, Any] = {"allOf": []}
    for _ in range(10_000):
        schema = {"items": schema}
    assert not is_plain(schema)


def test_formats_that_nobody_tests_and_what_is_off_are_left_out_everywhere() -> None:
    noted = {"type": "string", "format": "password"}
    schema = {
        "properties": {"format": noted, "items": {"type": "array", "items": noted, "uniqueItems": False}},
        "$defs": {"uniqueItems": {"anyOf": [noted, {"format": "date"}]}},
        "const": {"format": "password"},
    }
    before = copy.deepcopy(schema)
    text = {"type": "string"}
    assert without_annotations(schema) == {
        "properties": {"format": text, "items": {"type": "array", "items": text}},
        "$defs": {"uniqueItems": {"anyOf": [text, {"format": "date"}]}},
        "const": {"format": "password"},
    }
    assert schema == before
    assert without_annotations({"uniqueItems": True}) == {"uniqueItems": True}
    assert without_annotations(True) is True
