"""JSON schemas before they are compiled: which of them may unfold without end, and what in them asks for nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_TESTED_FORMATS = frozenset(
    ("date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid", "uri")
)
_MOST_PATTERNS = 50
"""So many names by pattern can be compared with each other soon."""

_BRANCHES = frozenset(("anyOf", "oneOf", "$ref"))
_SAYS_NOTHING = frozenset(
    (
        *("title", "description", "default", "example", "examples", "deprecated", "readOnly", "writeOnly"),
        *("$schema", "$id", "id", "$anchor", "$comment", "$defs", "definitions", "x-guidance"),
    )
)
_SINGLE = ("additionalProperties", "items", "additionalItems", "contains", "propertyNames", "not", "if", "then", "else")
_LISTS = ("prefixItems", "items", "anyOf", "oneOf", "allOf")
_TABLES = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")


def is_plain(schema: object) -> bool:
    """Whether the size of a schema tells how large it is when it is compiled.

    What has to hold together is unfolded then: every alternative of the one with every one of the other, and what is
    referred to in full. Thirty short lines can become millions, which ``allOf`` or references combined with something
    else are needed for.
    """
    refers = combines = False
    for each in _every_schema(schema):
        if "allOf" in each or len(_table(each, "patternProperties")) > _MOST_PATTERNS:
            return False
        refers = refers or "$ref" in each
        combines = combines or bool(_BRANCHES & each.keys() and len(each.keys() - _SAYS_NOTHING) > 1)
    return not (refers and combines)


def without_annotations(schema: object) -> object:
    """A schema without keywords that are valid and ask for nothing, where a compiler may refuse them.

    These are formats that nobody tests, such as "password", and ``uniqueItems`` where it is off.

    Args:
        schema: as JSON; not changed.
    """
    if isinstance(schema, list):
        return [without_annotations(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: value for key, value in schema.items() if not _asks_for_nothing(key, value)}
    for key in {*_SINGLE, *_LISTS} & kept.keys():
        kept[key] = without_annotations(kept[key])
    for key in _TABLES:
        if isinstance(table := kept.get(key), dict):
            kept[key] = {name: without_annotations(each) for name, each in table.items()}
    return kept


def _asks_for_nothing(key: str, value: object) -> bool:
    return (key == "format" and value not in _TESTED_FORMATS) or (key == "uniqueItems" and value is False)


def _every_schema(schema: object) -> Iterator[dict[str, Any]]:
    """A schema and all that are inside it; without recursion, for they may be nested deeply."""
    waiting = [schema]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            yield each
            waiting += [each[key] for key in _SINGLE if key in each]
            waiting += [inner for key in _LISTS if isinstance(each.get(key), list) for inner in each[key]]
            waiting += [inner for key in _TABLES for inner in _table(each, key).values()]


def _table(schema: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = schema.get(key)
    return value if isinstance(value, dict) else {}
