"""JSON schemas at random, of which every document is short."""

from __future__ import annotations

import random
from typing import Any

_WORDS = ("name", "city", "unit", "größe", "two words", 'a "quote"', "back\\slash", "名前", "x-y", "")


def random_schema(source: random.Random) -> dict[str, Any]:
    """A schema of any type, sometimes with parts that it refers to."""
    if source.random() < 0.8:
        return _any(source, 3)
    reference = {"$ref": "#/$defs/part"}
    whole = {"type": "array", "prefixItems": [reference, _any(source, 1)], "items": reference, "maxItems": 3}
    return {"$defs": {"part": _any(source, 2)}, **whole}


def _any(source: random.Random, depth: int) -> dict[str, Any]:
    kinds = [_string, _number, _constant, _nullable] + ([_object, _object, _array, _choice] if depth else [])
    return source.choice(kinds)(source, depth - 1)


def _string(source: random.Random, _depth: int) -> dict[str, Any]:
    return source.choice(
        [
            {"type": "string", "maxLength": source.randrange(9)},
            {"type": "string", "minLength": 2, "maxLength": 5},
            {"type": "string", "pattern": "^[a-z]{1,4}-[0-9]{2}$"},
            {"type": "string", "format": source.choice(["date", "time", "uuid", "ipv4"])},
        ]
    )


def _number(source: random.Random, _depth: int) -> dict[str, Any]:
    low = source.randrange(-1000, 1000)
    # Without a step, a number may have decimals without end, and small models do not stop writing them.
    kinds: list[dict[str, Any]] = [{"type": "integer"}, {"type": "number", "multipleOf": 0.25}]
    kind = source.choice(kinds)
    return {**kind, "minimum": low, "maximum": low + source.randrange(1000)}


def _constant(source: random.Random, _depth: int) -> dict[str, Any]:
    values = [*_WORDS, 1, -2.5, True, None, ["a", {"b": []}]]
    return {"enum": source.sample(values, 3)} if source.random() < 0.5 else {"const": source.choice(values)}


def _nullable(source: random.Random, _depth: int) -> dict[str, Any]:
    return {"type": source.choice([["boolean", "null"], "boolean", "null"])}


def _object(source: random.Random, depth: int) -> dict[str, Any]:
    names = source.sample(_WORDS, source.randrange(5))
    return {
        "type": "object",
        "properties": {name: _any(source, depth) for name in names},
        "required": [name for name in names if source.random() < 0.6],
        **({"additionalProperties": False} if not names or source.random() < 0.5 else {}),
    }


def _array(source: random.Random, depth: int) -> dict[str, Any]:
    fewest = source.randrange(3)
    items = {"type": "array", "items": _any(source, depth), "minItems": fewest, "maxItems": fewest + 2}
    return items | ({"prefixItems": [_any(source, depth)]} if source.random() < 0.3 else {})


def _choice(source: random.Random, depth: int) -> dict[str, Any]:
    return {"anyOf": [_any(source, depth) for _ in range(source.randrange(1, 4))]}
