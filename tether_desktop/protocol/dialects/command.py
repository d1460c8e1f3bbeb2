"""Cohere's Command: a JSON array of ``tool_name`` and ``parameters`` between ``<|START_ACTION|>`` and its end."""

from __future__ import annotations

import re
from typing import Any

from tether_desktop.protocol.dialects.dialect import CallForm, Dialect, GrammarItem, JsonItem
from tether_desktop.protocol.dialects.json_calls import calls_in_json, dumps

_OPENING, _CLOSING = "<|START_ACTION|>", "<|END_ACTION|>"


def _write_call(name: str, arguments: dict[str, Any]) -> str:
    return f"{_before_arguments(name)}{dumps(arguments)}}}"


def _call_items(name: str, arguments: dict[str, Any]) -> tuple[GrammarItem, ...]:
    return (_before_arguments(name), JsonItem(arguments), "}")


def _before_arguments(name: str) -> str:
    return f'{{"tool_call_id": "0", "tool_name": {dumps(name)}, "parameters": '


COMMAND = Dialect(
    name="command",
    forms=(CallForm(_OPENING, calls_in_json, _CLOSING),),
    signature=re.compile(r'<\|START_ACTION\|>\s*\[\s*\{"tool_call_id'),
    begin=f"{_OPENING}[\n    ",
    write_call=_write_call,
    call_items=_call_items,
    between=",\n    ",
    end=f"\n]{_CLOSING}",
    markers=(_OPENING, _CLOSING),
)
