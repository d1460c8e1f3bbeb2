"""The forms that replies are held to when their cost is measured; none of them ends soon."""

from __future__ import annotations

import json
from typing import Any

from tether_desktop.messages import ToolChoice, ToolDeclaration
from tether_desktop.model.engine import Constraint
from tether_desktop.protocol.call_grammar import call_constraint
from tether_desktop.protocol.dialects import OURS


def _object(**properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _many(item: dict[str, Any]) -> Constraint:
    return Constraint("json_schema", json.dumps({"type": "array", "items": item, "minItems": 100}))


_PERSON = _object(
    name={"type": "string", "minLength": 20},
    age={"type": "integer", "minimum": 0, "maximum": 120},
    work={"type": "string", "minLength": 60},
    likes={"type": "array", "items": {"type": "string", "minLength": 10}, "minItems": 2, "maxItems": 5},
    role={"enum": ["baker", "teacher", "nurse", "farmer"]},
)
_LARGE = _object(**{f"field_{number}_of_the_form": {"type": ["string", "number", "null"]} for number in range(300)})
_TOOLS = tuple(
    ToolDeclaration(f"tool_{number}", f"Does the thing number {number}.", _object(city={"type": "string"}))
    for number in range(20)
)


def _call_any_time() -> Constraint:
    grammar = call_constraint(OURS, _TOOLS, ToolChoice("auto"), may_think=True)
    assert grammar is not None
    return grammar


FORMS = {
    "ordinary schema": _many(_PERSON),
    "300 properties": _many(_LARGE),
    "strings alone": _many({"type": "string", "minLength": 200}),
    "expression": Constraint("regex", r"([0-9]{4}-[0-9]{2}-[0-9]{2}: [A-Z][^\n]{60,200}\.\n){50}"),
    "text until a call": _call_any_time(),
}
"""By name; free text until a call of one of 20 tools is what every reply of a chat with tools is held to."""
