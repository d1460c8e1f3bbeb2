"""The calls of gpt-oss: messages of its commentary channel to a function."""

from __future__ import annotations

import re

from tether_desktop.protocol.dialects.dialect import BadCall, Call, CallForm, Dialect, JsonItem
from tether_desktop.protocol.dialects.json_calls import arguments_in_json, dumps

_OPENING, _CLOSING = "<|channel|>commentary to=functions.", "<|call|>"
_TYPE = " <|constrain|>json<|message|>"
_HEAD = re.compile(r"([\w.-]+)[^{]*<\|message\|>\s*")


def _calls(payload: str) -> tuple[Call, ...]:
    head = _HEAD.match(payload)
    if not head:
        raise BadCall("There is no function's name followed by <|message|> and its arguments.")
    return (Call(head[1], arguments_in_json(payload[head.end() :])),)


HARMONY_CALLS = Dialect(
    name="harmony",
    forms=(CallForm(_OPENING, _calls, _CLOSING, headed=True),),
    signature=re.compile(r"to=functions\.[\w-]+(?:<\|channel\|>commentary)? "),
    write_call=lambda name, arguments: f"{_OPENING}{name}{_TYPE}{dumps(arguments)}{_CLOSING}",
    call_items=lambda name, schema: (f"{_OPENING}{name}{_TYPE}", JsonItem(schema)),
    between="<|start|>assistant",
    markers=("<|start|>", "<|channel|>", "<|message|>", "<|constrain|>", _CLOSING),
)
