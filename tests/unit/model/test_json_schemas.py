"""Schemas that may unfold without end are told apart from those that cannot; what is written fulfils what was asked."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tether_desktop.model.json_schemas import as_written, is_plain

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
        "anyOf": [noted, {"format": "date"}, {"type": "array", "items": [noted], "uniqueItems": False}],
        "$defs": {"uniqueItems": {"additionalProperties": noted}, "format": {"prefixItems": [noted]}},
        "default": {"format": "password"},
    }
    before = copy.deepcopy(schema)
    text = {"type": "string"}
    assert as_written(schema) == {
        "anyOf": [text, {"format": "date"}, {"type": "array", "items": [text]}],
        "$defs": {"uniqueItems": {"additionalProperties": text}, "format": {"prefixItems": [text]}},
        "default": {"format": "password"},
    }
    assert schema == before
    assert as_written({"uniqueItems": True}) == {"uniqueItems": True}
    assert as_written(True) is True
    assert as_written({"format": []}) == {}


NAMED = {"properties": {"a": {"type": "string"}}}
CLOSED = {**NAMED, "additionalProperties": False}


@pytest.mark.parametrize(
    ("schema", "written"),
    [
        ({**NAMED, "required": ["a"]}, {**CLOSED, "required": ["a"]}),
        ({"items": {"anyOf": [NAMED, {"type": "null"}]}}, {"items": {"anyOf": [CLOSED, {"type": "null"}]}}),
        ({"$defs": {"n": NAMED}, "$ref": "#/$defs/n"}, {"$defs": {"n": CLOSED}, "$ref": "#/$defs/n"}),
        ({"properties": {"properties": NAMED}}, {"properties": {"properties": CLOSED}, "additionalProperties": False}),
    ],
)
def test_objects_have_only_the_properties_that_are_named(schema: object, written: object) -> None:
    assert as_written(schema) == written


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object"},
        {**NAMED, "additionalProperties": True},
        {**NAMED, "patternProperties": {"^x": {}}},
        {**NAMED, "minProperties": 2},
        {**NAMED, "required": ["a", "b"]},
        {**NAMED, "required": "a"},
        {**NAMED, "required": [["a"]]},
        {"not": NAMED},
        {"allOf": [NAMED, {"properties": {"b": {}}}]},
        {"oneOf": [NAMED, {"properties": {"b": {}}}]},
        {**NAMED, "anyOf": [{"properties": {"b": {}}}, {"properties": {"c": {}}}]},
    ],
)
def test_others_may_come_where_that_is_said_or_several_schemas_are_combined(schema: object) -> None:
    assert as_written(schema) == schema
