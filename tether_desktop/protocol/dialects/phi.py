"""Phi-4-mini: ``<|tool_call|>`` around JSON, mostly an array."""

from __future__ import annotations

import re

from tether_desktop.protocol.dialects.dialect import CallForm, Dialect
from tether_desktop.protocol.dialects.json_calls import call_items, call_json, calls_in_json

_OPENING, _CLOSING = "<|tool_call|>", "<|/tool_call|>"

PHI = Dialect(
    name="phi",
    forms=(CallForm(_OPENING, calls_in_json, _CLOSING),),
    signature=re.compile(r"<\|tool_call\|>\s*[\[{]"),
    begin=f"{_OPENING}[",
    write_call=call_json,
    call_items=call_items,
    between=", ",
    end=f"]{_CLOSING}",
    markers=(_OPENING, _CLOSING),
)
