"""JSON schemas before they are compiled: which unfold without end, and what in them asks for nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

MOST_ALTERNATIVES = 2000
"""Of so many alternatives, at most, what is required at once may consist."""

_TESTED_FORMATS = frozenset(
    ("date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid", "uri")
)
_SINGLE = ("additionalProperties", "items", "additionalItems", "contains", "propertyNames", "not", "if", "then", "else")
_LISTS = ("prefixItems", "items", "anyOf", "oneOf", "allOf")
_TABLES = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")


def unfolds_too_far(schema: object) -> bool:
    """Whether what a schema requires at once has more alternatives than anybody could write out.

    ``allOf``, and keywords beside ``anyOf``, ``oneOf`` or ``$ref``, have every alternative of the one combined with
    every one of the other, at each level: twenty short lines make millions of them.
    """
    meter = _Meter(schema)
    try:
        return any(meter.product(each) > MOST_ALTERNATIVES for each in _every_schema(schema))
    except RecursionError:
        return True


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


class _Meter:
    """Counts alternatives; what a ``$ref`` points to is counted once, and not again inside itself."""

    def __init__(self, root: object) -> None:
        self._root = root
        self._widths: dict[str, int] = {}

    def product(self, schema: Mapping[str, Any]) -> int:
        """Into how many pairs, triples and so on the parts of a schema combine; 1 where nothing is combined."""
        parts = [width for width in self._parts(schema) if width > 1]
        return _capped(math.prod(parts)) if len(parts) > 1 else 1

    def _width(self, schema: object) -> int:
        """Alternatives of a schema, or of the widest schema inside it."""
        if not isinstance(schema, dict):
            return 1
        inner = max((self._width(each) for each in _values(schema)), default=1)
        return _capped(max(math.prod(self._parts(schema)), inner))

    def _parts(self, schema: Mapping[str, Any]) -> Iterator[int]:
        """Alternatives of each part of a schema that has to hold together with the others."""
        for key in ("anyOf", "oneOf"):
            yield max(1, sum(self._width(each) for each in _listed(schema, key)))
        yield max(1, len(_listed(schema, "enum")), len(_listed(schema, "type")))
        yield from (self._width(each) for each in _listed(schema, "allOf"))
        if isinstance(reference := schema.get("$ref"), str):
            yield self._target_width(reference)

    def _target_width(self, reference: str) -> int:
        if reference not in self._widths:
            self._widths[reference] = 1
            self._widths[reference] = self._width(_resolve(self._root, reference))
        return self._widths[reference]


def _asks_for_nothing(key: str, value: object) -> bool:
    return (key == "format" and value not in _TESTED_FORMATS) or (key == "uniqueItems" and value is False)


def _capped(count: int) -> int:
    return min(count, MOST_ALTERNATIVES + 1)


def _resolve(root: object, reference: str) -> object:
    """What a reference inside the document points to; None where that is nothing, or elsewhere."""
    if not reference.startswith("#"):
        return None
    place = root
    for step in reference.split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        if isinstance(place, dict):
            place = place.get(key)
        elif isinstance(place, list) and key.isdecimal() and int(key) < len(place):
            place = place[int(key)]
        else:
            return None
    return place


def _every_schema(schema: object) -> Iterator[dict[str, Any]]:
    """A schema and all that are inside it; without recursion, for they may be nested deeply."""
    waiting = [schema]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            yield each
            waiting += [*_values(each), *(option for key in _LISTS[2:] for option in _listed(each, key))]
            waiting += [definition for key in _TABLES[2:] for definition in _table(each, key).values()]


def _values(schema: Mapping[str, Any]) -> Iterator[object]:
    """Schemas of what is inside a value: of its members, its items."""
    yield from (schema[key] for key in _SINGLE if isinstance(schema.get(key), dict))
    yield from (each for key in _LISTS[:2] for each in _listed(schema, key))
    yield from (each for key in _TABLES[:2] for each in _table(schema, key).values())


def _listed(schema: Mapping[str, Any], key: str) -> list[Any]:
    value = schema.get(key)
    return value if isinstance(value, list) else []


def _table(schema: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = schema.get(key)
    return value if isinstance(value, dict) else {}
