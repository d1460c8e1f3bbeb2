"""Makes a tool's schema one that a grammar can hold a model to, with an end to everything that could go on for ever."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tether_desktop.protocol.schema_values import UNSPEAKABLE, NotBoundable, choice, length_range, scalar

_MOST_REFERENCES = 5
_MOST_LEVELS = 24
_MOST_NODES = 2000
_KEY_PATTERN = "^[A-Za-z0-9_. -]{1,40}$"


@dataclass(frozen=True, slots=True)
class Bounds:
    """What counts where a schema has no bound of its own, or a wider one.

    Attributes:
        characters: of one text.
        items: of one list or map.
    """

    characters: int = 2000
    items: int = 32


@dataclass(frozen=True, slots=True)
class BoundedSchema:
    """A schema that a grammar takes.

    Attributes:
        schema: of an object; its references lead into ``definitions``.
        definitions: what belongs under ``$defs`` at the root of any schema that has it in it.
    """

    schema: dict[str, Any]
    definitions: dict[str, Any] = field(default_factory=dict)


def bounded_arguments(parameters: dict[str, Any], bounds: Bounds) -> BoundedSchema:
    """The schema of a tool's arguments for a grammar; any (bounded) object where it is of no use for that.

    It may allow more than ``parameters``, for what is beyond grammars is left out: conditions, negations, patterns
    that look around, and of several ways to say a thing all but the plainest. It never contradicts itself, and what
    refers to itself does so a few levels deep only. Objects have no properties but those that are declared.
    """
    bounding = _Bounding(parameters, bounds)
    try:
        schema = bounding.arguments()
    except (NotBoundable, ValueError, TypeError, ArithmeticError, RecursionError):
        return BoundedSchema(_map(bounds, _scalar(bounds)))
    return BoundedSchema(schema, bounding.definitions)


def text_count(schema: BoundedSchema) -> int:
    """How many texts of free length the longest arguments have."""
    counts = dict[str, int]()
    # A definition refers only to those that were complete before it.
    for name, definition in schema.definitions.items():
        counts[name] = _texts(definition, counts)
    return _texts(schema.schema, counts)


def _texts(schema: Any, counts: dict[str, int]) -> int:
    if not isinstance(schema, dict):
        return 0
    if "$ref" in schema:
        return counts[schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        return max(_texts(option, counts) for option in schema["anyOf"])
    inner = sum(_texts(value, counts) for value in schema.get("properties", {}).values())
    inner += sum(_texts(item, counts) for item in schema.get("prefixItems", ()))
    items, entries = int(schema.get("maxItems", 0)), int(schema.get("maxProperties", 0))
    inner += items * _texts(schema.get("items"), counts)
    inner += entries * sum(1 + _texts(value, counts) for value in schema.get("patternProperties", {}).values())
    return inner + (1 if schema.get("type") == "string" else 0)


def _scalar(bounds: Bounds) -> dict[str, Any]:
    kinds = [
        {"type": "string", "maxLength": bounds.characters},
        scalar({}, "number", 0),
        {"type": "boolean"},
        {"type": "null"},
    ]
    return {"anyOf": kinds}


def _map(bounds: Bounds, value: dict[str, Any]) -> dict[str, Any]:
    items = {"patternProperties": {_KEY_PATTERN: value}, "additionalProperties": False, "maxProperties": bounds.items}
    return {"type": "object", **items}


class _Bounding:
    """Walks one tool's schema.

    Attributes:
        definitions: what its references lead to, each a level of references deeper than what refers to it.
    """

    def __init__(self, root: dict[str, Any], bounds: Bounds) -> None:
        self.definitions: dict[str, Any] = {}
        self._root = root
        self._bounds = bounds
        self._names: dict[tuple[str, int], str | None] = {}
        self._nodes = 0

    def arguments(self) -> dict[str, Any]:
        """Those of the tool; one that declares none has none."""
        schema = self._resolved(_dict(self._root))
        if not schema.get("properties") and not schema.get("additionalProperties"):
            return {"type": "object", "properties": {}, "additionalProperties": False}
        return self._object(schema, 0, 0)

    def _resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        for _ in range(_MOST_REFERENCES):
            if "$ref" not in schema:
                return schema
            schema = _dict(self._target(schema["$ref"]))
        raise NotBoundable("references lead nowhere")

    def _value(self, schema: Any, level: int, references: int) -> dict[str, Any] | None:
        """What a grammar takes for it; None where no value is possible, or none that is not too deep."""
        self._nodes += 1
        if self._nodes > _MOST_NODES or level > _MOST_LEVELS:
            raise NotBoundable("it is too large")
        if schema is False:
            return None
        if schema is True or not schema:
            return self._any()
        schema = _dict(schema)
        if "const" in schema or "enum" in schema:
            return choice(schema)
        if "$ref" in schema:
            return self._reference(schema["$ref"], level, references)
        return self._typed(schema, level, references)

    def _typed(self, schema: dict[str, Any], level: int, references: int) -> dict[str, Any] | None:
        kind = schema.get("type") or _implied_type(schema)
        if kind is None:
            return self._combined(schema, level, references)
        if isinstance(kind, list):
            return self._any_of([schema | {"type": one} for one in kind], level, references)
        if kind == "object":
            return self._object(schema, level, references)
        return (
            self._array(schema, level, references) if kind == "array" else scalar(schema, kind, self._bounds.characters)
        )

    def _combined(self, schema: dict[str, Any], level: int, references: int) -> dict[str, Any] | None:
        options = schema.get("anyOf", schema.get("oneOf"))
        if options is not None:
            return self._any_of(options, level, references)
        parts = schema.get("allOf")
        return (
            self._value(parts[0], level + 1, references) if isinstance(parts, list) and len(parts) == 1 else self._any()
        )

    def _any_of(self, options: list[Any], level: int, references: int) -> dict[str, Any] | None:
        bounded = [self._value(option, level + 1, references) for option in options]
        possible = [option for option in bounded if option is not None]
        return {"anyOf": possible} if possible else None

    def _reference(self, pointer: str, level: int, references: int) -> dict[str, Any] | None:
        """A reference to what it leads to, once for each level of references, so that each name has an end."""
        if references >= _MOST_REFERENCES or not isinstance(pointer, str):
            return None
        key = (pointer, references)
        if key not in self._names:
            self._names[key] = None
            target = self._value(self._target(pointer), level + 1, references + 1)
            if target is not None:
                self._names[key] = name = f"r{len(self.definitions)}"
                self.definitions[name] = target
        named = self._names[key]
        return {"$ref": f"#/$defs/{named}"} if named else None

    def _target(self, pointer: Any) -> Any:
        target: Any = self._root
        if not isinstance(pointer, str) or not pointer.startswith("#"):
            raise NotBoundable("it refers to another document")
        for step in pointer[1:].split("/")[1:]:
            target = _dict(target).get(step.replace("~1", "/").replace("~0", "~"))
        return target if isinstance(target, bool) else _dict(target)

    def _object(self, schema: dict[str, Any], level: int, references: int) -> dict[str, Any]:
        declared = _dict(schema.get("properties", {}))
        required = [key for key in schema.get("required", ()) if isinstance(key, str)]
        others = schema.get("additionalProperties", True)
        if not declared and not required:
            return self._map_of(others, level, references)
        if others is not False:
            declared = declared | {key: True for key in required if key not in declared}
        properties = {}
        for key, inner in declared.items():
            bounded = None if UNSPEAKABLE.search(key) else self._value(inner, level + 1, references)
            if bounded is not None:
                properties[key] = bounded
        if not properties.keys() >= set(required):
            raise NotBoundable("it requires what cannot be")
        kept = {"properties": properties, "required": list(dict.fromkeys(required)), "additionalProperties": False}
        return {"type": "object", **kept}

    def _map_of(self, others: Any, level: int, references: int) -> dict[str, Any]:
        value = self._value(others, level + 1, references)
        if value is None:
            return {"type": "object", "properties": {}, "additionalProperties": False}
        return _map(self._bounds, value)

    def _array(self, schema: dict[str, Any], level: int, references: int) -> dict[str, Any]:
        if "prefixItems" in schema:
            items = [self._value(item, level + 1, references) for item in schema["prefixItems"]]
            if None in items:
                raise NotBoundable("an item of it cannot be")
            return {"type": "array", "prefixItems": items, "items": False, "minItems": len(items)}
        fewest, most = length_range(schema, "Items", self._bounds.items)
        item = self._value(schema.get("items", True), level + 1, references)
        if item is None and fewest:
            raise NotBoundable("an item of it cannot be")
        return {"type": "array", "items": item or False, "minItems": fewest, "maxItems": most if item else 0}

    def _any(self) -> dict[str, Any]:
        """Any JSON, two levels deep."""
        if "any" not in self.definitions:
            scalar = _scalar(self._bounds)
            items = {"type": "array", "items": scalar, "maxItems": self._bounds.items}
            self.definitions["any"] = {"anyOf": [*scalar["anyOf"], items, _map(self._bounds, scalar)]}
        return {"$ref": "#/$defs/any"}


def _dict(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise NotBoundable("it is no schema")
    return value


def _implied_type(schema: dict[str, Any]) -> str | None:
    if "properties" in schema:
        return "object"
    return "array" if "items" in schema or "prefixItems" in schema else None
