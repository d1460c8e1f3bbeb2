"""Our own dialect, for models whose template has none: ``<<function_call>> {"name": …, "arguments": {…}}``."""

from __future__ import annotations

import re

from tether_desktop.protocol.dialects.dialect import CallForm, Dialect
from tether_desktop.protocol.dialects.json_calls import call_items, call_json, calls_in_json

_OPENING = "<<function_call>>"

OURS = Dialect(
    name="function_call",
    forms=(CallForm(_OPENING, calls_in_json),),
    signature=re.compile(rf"{_OPENING} ?\{{"),
    write_call=lambda name, arguments: f"{_OPENING} {call_json(name, arguments)}",
    call_items=lambda name, schema: call_items(name, schema, before=f"{_OPENING} "),
)
