"""JSON schemas before they are compiled: which of them may unfold without end, and how a model should fulfil them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_TESTED_FORMATS = ("date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid", "uri")
_MOST_PATTERNS = 50
"""So many names by pattern can be compared with each other soon."""

_BRANCHES = frozenset(("anyOf", "oneOf", "$ref"))
_SAYS_NOTHING = frozenset(
    (
        *("title", "description", "default", "example", "examples", "deprecated", "readOnly", "writeOnly"),
        *("$schema", "$id", "id", "$anchor", "$comment", "$defs", "definitions", "x-guidance"),
    )
)
_OTHERS = frozenset(("additionalProperties", "patternProperties", "minProperties", "maxProperties"))
"""Keywords that speak of properties which are not named."""

_SINGLE = ("additionalProperties", "items", "additionalItems", "contains", "propertyNames")
_LISTS = ("prefixItems", "items", "anyOf", "oneOf", "allOf")
_TABLES = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")


def is_plain(schema: object) -> bool:
    """Whether the size of a schema tells how large it is when it is compiled.

    What has to hold together is unfolded then: every alternative of the one with every one of the other, and what is
    referred to in full. Thirty short lines can become millions, which ``allOf`` or references combined with something
    else are needed for.
    """
    every = list(_every_schema(schema))
    if any("allOf" in each or len(_table(each, "patternProperties")) > _MOST_PATTERNS for each in every):
        return False
    return not (any("$ref" in each for each in every) and any(map(_combines, every)))


def as_written(schema: object) -> object:
    """A schema as a model should fulfil it; what fulfils it fulfils the one it was made from.

    Left out is what is valid and asks for nothing, where a compiler may refuse it: formats that nobody tests, such as
    "password", and ``uniqueItems`` where it is off. Objects have no other properties than those that are named, for
    small models would add one after the other; a schema that says otherwise, or combines several, stays as it is.

    Args:
        schema: as JSON; not changed.
    """
    closed = not any("allOf" in each or "oneOf" in each or _combines(each) for each in _every_schema(schema))
    return _written(schema, closed=closed)


def _combines(schema: Mapping[str, Any]) -> bool:
    """Whether alternatives or what is referred to have to hold together with something else."""
    return bool(_BRANCHES & schema.keys()) and len(schema.keys() - _SAYS_NOTHING) > 1


def _written(schema: object, *, closed: bool) -> object:
    if isinstance(schema, list):
        return [_written(each, closed=closed) for each in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: value for key, value in schema.items() if not _asks_for_nothing(key, value)}
    for key in {*_SINGLE, *_LISTS} & kept.keys():
        kept[key] = _written(kept[key], closed=closed)
    for key in _TABLES:
        if isinstance(table := kept.get(key), dict):
            kept[key] = {name: _written(each, closed=closed) for name, each in table.items()}
    if closed and _names_its_properties(kept):
        kept["additionalProperties"] = False
    return kept


def _names_its_properties(schema: Mapping[str, Any]) -> bool:
    """Whether an object names properties, and needs and speaks of no others."""
    needed, named = schema.get("required", []), _table(schema, "properties")
    if not named or not isinstance(needed, list) or not _OTHERS.isdisjoint(schema):
        return False
    return all(isinstance(each, str) and each in named for each in needed)


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
