"""Llama 3: bare JSON as the whole reply, or JSON or ``name.call(key=value)`` after ``<|python_tag|>``."""

from __future__ import annotations

import re
from typing import Any

from tether_desktop.protocol.dialects.dialect import BadCall, Call, CallForm, Dialect
from tether_desktop.protocol.dialects.json_calls import call_items, call_json, calls_in_json, json_values

_MARKER = "<|python_tag|>"
_METHOD_CALL = re.compile(r"\s*([\w-]+)\.call\((.*)\)\s*", re.DOTALL)
_KEYWORD = re.compile(r'\s*(\w+)\s*=\s*("(?:[^"\\]|\\.)*"|[^",()\s]+)\s*(?:,|\Z)', re.DOTALL)


def _calls_after_marker(payload: str) -> tuple[Call, ...]:
    method = _METHOD_CALL.fullmatch(payload)
    return (Call(method[1], _keywords(method[2])),) if method else calls_in_json(payload)


def _keywords(text: str) -> dict[str, Any]:
    arguments: dict[str, Any] = {}
    position = 0
    while position < len(text.rstrip()):
        keyword = _KEYWORD.match(text, position)
        if not keyword:
            raise BadCall('Its arguments are not of the form key="value".')
        arguments[keyword[1]] = json_values(keyword[2])[0]
        position = keyword.end()
    return arguments


LLAMA = Dialect(
    name="llama",
    forms=(CallForm(_MARKER, _calls_after_marker, "<|eom_id|>", listed=True),),
    bare=CallForm("", calls_in_json, listed=True),
    signature=re.compile(r'\{"name": ?"[^"]*", ?"parameters": ?'),
    write_call=lambda name, arguments: call_json(name, arguments, "parameters"),
    call_items=lambda name, schema: call_items(name, schema, "parameters"),
    between="; ",
    markers=(_MARKER,),
)
