"""Qwen3-Coder: ``<tool_call>`` around tags for the function and each parameter."""

from __future__ import annotations

import re
from typing import Any

from tether_desktop.protocol.dialects.dialect import (
    Call,
    CallForm,
    Dialect,
    GrammarItem,
    JsonItem,
    OptionalItems,
    TextItem,
)
from tether_desktop.protocol.dialects.hermes import CLOSING, OPENING, TOOL_CALL
from tether_desktop.protocol.dialects.json_calls import dumps
from tether_desktop.protocol.dialects.tagged_parameters import FUNCTION, FUNCTION_END, SHIELD, calls_in_tags

_PARAMETER_END = "\n</parameter>\n"
_MOST_TEXT = 2000


def _calls_without_frame(payload: str) -> tuple[Call, ...]:
    return calls_in_tags(f"{FUNCTION}{payload}{FUNCTION_END}")


def _write_call(name: str, arguments: dict[str, Any]) -> str:
    values = ((key, value if isinstance(value, str) else dumps(value)) for key, value in arguments.items())
    parameters = "".join(f"<parameter={key}>\n{value}{_PARAMETER_END}" for key, value in values)
    return f"{OPENING}\n{FUNCTION}{name}>\n{parameters}{FUNCTION_END}\n{CLOSING}"


def _call_items(name: str, schema: dict[str, Any]) -> tuple[GrammarItem, ...]:
    required = schema.get("required", ())
    parameters: list[GrammarItem] = []
    for key, value in schema.get("properties", {}).items():
        items = _parameter_items(key, value)
        parameters.extend(items if key in required else [OptionalItems(items)])
    return (f"{OPENING}\n{FUNCTION}{name}>\n", *parameters, f"{FUNCTION_END}\n{CLOSING}")


def _parameter_items(key: str, schema: dict[str, Any]) -> tuple[GrammarItem, ...]:
    opening = f"<parameter={key}>\n"
    if schema.get("type") == "string" and not schema.keys() & {"enum", "const", "pattern", "format"}:
        return (opening, TextItem(_PARAMETER_END, min(schema.get("maxLength", _MOST_TEXT), _MOST_TEXT)))
    return (opening, JsonItem(schema), _PARAMETER_END)


QWEN_CODER = Dialect(
    name="qwen_coder",
    forms=(TOOL_CALL, CallForm(FUNCTION, _calls_without_frame, FUNCTION_END, shield=SHIELD)),
    signature=re.compile(rf"{OPENING}\s*{FUNCTION}"),
    write_call=_write_call,
    call_items=_call_items,
    markers=(OPENING, CLOSING),
)
