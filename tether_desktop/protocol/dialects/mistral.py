"""Mistral: ``[TOOL_CALLS]`` and a JSON array, or the name and ``[ARGS]`` before the arguments of each call."""

from __future__ import annotations

import re

from tether_desktop.protocol.dialects.dialect import BadCall, Call, CallForm, Dialect, JsonItem
from tether_desktop.protocol.dialects.json_calls import arguments_in_json, call_items, call_json, calls_in_json, dumps

_OPENING, _ARGUMENTS = "[TOOL_CALLS]", "[ARGS]"
_NAMED = re.compile(r"\s*([^\s{}\[\]]+)\s*(?:\[CALL_ID\][^\[\]{}]*)?(?:\[ARGS\])?\s*(?=\{)")


def _calls_after_marker(payload: str) -> tuple[Call, ...]:
    if payload.lstrip().startswith(("[", "{")):
        return calls_in_json(payload)
    named = _NAMED.match(payload)
    if not named:
        raise BadCall("There is no tool's name followed by its arguments.")
    return (Call(named[1], arguments_in_json(payload[named.end() :])),)


_FORM = CallForm(_OPENING, _calls_after_marker, headed=True)

MISTRAL = Dialect(
    name="mistral",
    forms=(_FORM,),
    signature=re.compile(r"\[TOOL_CALLS\] ?\["),
    begin=f"{_OPENING} [",
    write_call=call_json,
    call_items=call_items,
    between=", ",
    end="]",
    markers=(_OPENING,),
)

MISTRAL_NAMED = Dialect(
    name="mistral_named",
    forms=(_FORM,),
    signature=re.compile(r"\[TOOL_CALLS\][\w-]+(?:\[CALL_ID\]\w+)?\[ARGS\]"),
    write_call=lambda name, arguments: f"{_OPENING}{name}{_ARGUMENTS}{dumps(arguments)}",
    call_items=lambda name, schema: (f"{_OPENING}{name}{_ARGUMENTS}", JsonItem(schema)),
    between="",
    markers=(_OPENING, _ARGUMENTS, "[CALL_ID]"),
)
