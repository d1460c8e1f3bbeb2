"""DeepSeek: calls between tags of their own, the arguments as JSON, in a code block where the model is R1."""

from __future__ import annotations

import re

from tether_desktop.protocol.dialects.dialect import BadCall, Call, CallForm, Dialect, JsonItem
from tether_desktop.protocol.dialects.json_calls import arguments_in_json, dumps

_OPENING, _CLOSING = "<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>"
_CALL, _SEPARATOR, _CALL_END = "<｜tool▁call▁begin｜>", "<｜tool▁sep｜>", "<｜tool▁call▁end｜>"
_ONE_CALL = re.compile(rf"\s*{_CALL}(?:function{_SEPARATOR})?([^<\n]+?)\s*(?:{_SEPARATOR}|\n```json\n)")
_BLOCK_END = re.compile(r"\s*```\s*\Z")


def _calls(payload: str) -> tuple[Call, ...]:
    calls = tuple(_call(part) for part in payload.split(_CALL_END) if part.strip())
    if not calls:
        raise BadCall("There is no call in it.")
    return calls


def _call(part: str) -> Call:
    head = _ONE_CALL.match(part)
    if not head:
        raise BadCall(f"A call in it does not begin with {_CALL} and the tool's name.")
    return Call(head[1], arguments_in_json(_BLOCK_END.sub("", part[head.end() :])))


_MARKERS = (_OPENING, _CALL, _SEPARATOR, _CALL_END, _CLOSING)
_FORM = CallForm(_OPENING, _calls, _CLOSING)

DEEPSEEK = Dialect(
    name="deepseek",
    forms=(_FORM,),
    signature=re.compile(rf"{_CALL}[\w-]+{_SEPARATOR}\{{"),
    begin=_OPENING,
    write_call=lambda name, arguments: f"{_CALL}{name}{_SEPARATOR}{dumps(arguments)}{_CALL_END}",
    call_items=lambda name, schema: (f"{_CALL}{name}{_SEPARATOR}", JsonItem(schema), _CALL_END),
    between="",
    end=_CLOSING,
    markers=_MARKERS,
)

DEEPSEEK_R1 = Dialect(
    name="deepseek_r1",
    forms=(_FORM,),
    signature=re.compile(rf"{_CALL}function{_SEPARATOR}"),
    begin=_OPENING,
    write_call=lambda name, arguments: (
        f"{_CALL}function{_SEPARATOR}{name}\n```json\n{dumps(arguments)}\n```{_CALL_END}"
    ),
    call_items=lambda name, schema: (
        f"{_CALL}function{_SEPARATOR}{name}\n```json\n",
        JsonItem(schema),
        f"\n```{_CALL_END}",
    ),
    end=_CLOSING,
    markers=_MARKERS,
)
