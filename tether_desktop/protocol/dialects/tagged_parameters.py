"""Calls as tags: ``<function=name><parameter=key>value</parameter></function>``."""

from __future__ import annotations

import re
from typing import Any

from tether_desktop.protocol.dialects.dialect import BadCall, Call
from tether_desktop.protocol.dialects.json_calls import json_values

FUNCTION, FUNCTION_END = "<function=", "</function>"
SHIELD = ("<parameter=", "</parameter>")
"""What a parameter's value has in it counts as no tag."""

_FUNCTION = re.compile(r"\s*<function=([^<>\n]+)>")
_PARAMETER = re.compile(r"\s*<parameter=([^<>\n]+)>\n?(.*?)\n?</parameter>", re.DOTALL)
_END = re.compile(r"\s*</function>\s*")


def calls_in_tags(payload: str) -> tuple[Call, ...]:
    """The calls in ``payload``; a value that is JSON of a number, truth value, list or object is taken as that.

    Raises:
        BadCall: it is not of that shape.
    """
    calls: list[Call] = []
    position = 0
    while position < len(payload):
        function = _FUNCTION.match(payload, position)
        if not function:
            raise BadCall("It does not begin with <function=…>.")
        arguments, position = _parameters(payload, function.end())
        calls.append(Call(function[1].strip(), arguments))
    return tuple(calls)


def _parameters(payload: str, position: int) -> tuple[dict[str, Any], int]:
    arguments: dict[str, Any] = {}
    while parameter := _PARAMETER.match(payload, position):
        arguments[parameter[1].strip()] = _value(parameter[2])
        position = parameter.end()
    end = _END.match(payload, position)
    if not end:
        raise BadCall("A tag in it is not closed.")
    return arguments, end.end()


def _value(text: str) -> object:
    try:
        values = json_values(text)
    except BadCall:
        return text
    # Text is written as it is: quotes around it belong to it.
    return values[0] if len(values) == 1 and not isinstance(values[0], str) else text
