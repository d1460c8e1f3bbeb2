"""Hermes, Qwen and SmolLM: ``<tool_call>`` around JSON, or around tags as Qwen3-Coder writes them."""

from __future__ import annotations

import re

from tether_desktop.protocol.dialects.dialect import Call, CallForm, Dialect
from tether_desktop.protocol.dialects.json_calls import call_items, call_json, calls_in_json
from tether_desktop.protocol.dialects.tagged_parameters import FUNCTION, SHIELD, calls_in_tags

OPENING, CLOSING = "<tool_call>", "</tool_call>"


def calls_between_tags(payload: str) -> tuple[Call, ...]:
    """The calls between ``<tool_call>`` and ``</tool_call>``, in either of the two ways.

    Raises:
        BadCall: it is neither.
    """
    return calls_in_tags(payload) if payload.lstrip().startswith(FUNCTION) else calls_in_json(payload)


TOOL_CALL = CallForm(OPENING, calls_between_tags, CLOSING, inner=FUNCTION, shield=SHIELD)

HERMES = Dialect(
    name="hermes",
    forms=(TOOL_CALL,),
    signature=re.compile(rf'{OPENING}\s*\{{"name": ?"'),
    write_call=lambda name, arguments: f"{OPENING}\n{call_json(name, arguments)}\n{CLOSING}",
    call_items=lambda name, schema: call_items(name, schema, before=f"{OPENING}\n", after=f"\n{CLOSING}"),
    markers=(OPENING, CLOSING),
)
