"""Calls as JSON: what most dialects have between their tags."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any, Never

from tether_desktop.protocol.dialects.dialect import BadCall, Call, GrammarItem, JsonItem

_MOST_LEVELS = 64
_LONGEST_QUOTE = 20
_NAMES = ("name", "tool_name", "function")
_ARGUMENTS = ("arguments", "parameters")
_BETWEEN_VALUES = re.compile(r"[\s;,}\]]*")
"""A brace too many is a slip of small models that leaves no doubt about the call."""


def calls_in_json(payload: str) -> tuple[Call, ...]:
    """The calls in an object, a list of them, or several one after another.

    Raises:
        BadCall: it is not valid JSON, or not of that shape.
    """
    calls = tuple(_call(value) for value in _flat(json_values(payload)))
    if not calls:
        raise BadCall("There is no call in it.")
    return calls


def arguments_in_json(payload: str) -> dict[str, Any]:
    """The arguments that stand by themselves as one object.

    Raises:
        BadCall: it is not valid JSON, or no object.
    """
    values = json_values(payload)
    if len(values) > 1:
        raise BadCall("Its arguments are more than one JSON object.")
    return _arguments(values[0])


def json_values(text: str) -> list[Any]:
    """Every JSON value in ``text``, which has at least one.

    Raises:
        BadCall: it is not valid JSON, nests too deeply, or has text that is no Unicode.
    """
    decoder = json.JSONDecoder(strict=False, parse_constant=_refuse, parse_float=_number)
    values: list[Any] = []
    position = len(text) - len(text.lstrip())
    try:
        while not values or position < len(text):
            value, end = decoder.raw_decode(text, position)
            values.append(value)
            position = _after(text, end)
        json.dumps(values, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise BadCall(f"It is not valid JSON: {error.msg} at character {error.pos + 1}.") from None
    except RecursionError:
        raise BadCall("Its JSON nests too deeply.") from None
    except UnicodeEncodeError:
        raise BadCall("Its JSON has half of a surrogate pair in it.") from None
    except ValueError as error:
        raise BadCall(f"It is not valid JSON: {error}.") from None
    if _levels(values) > _MOST_LEVELS:
        raise BadCall("Its JSON nests too deeply.")
    return values


def call_json(name: str, arguments: dict[str, Any], key: str = "arguments") -> str:
    """A call as one line of JSON, spaced as the models' own templates do it."""
    return dumps({"name": name, key: arguments})


def call_items(
    name: str, arguments: dict[str, Any], key: str = "arguments", *, before: str = "", after: str = ""
) -> tuple[GrammarItem, ...]:
    """The same in a grammar, from the schema of the arguments, with text around it."""
    # Not one schema for all of it: a grammar cannot tell the beginning of JSON from that of a text.
    return (f'{before}{{"name": {dumps(name)}, "{key}": ', JsonItem(arguments), f"}}{after}")


def dumps(value: object) -> str:
    """One line of JSON, text beyond ASCII as it is."""
    return json.dumps(value, ensure_ascii=False)


def _number(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text[:_LONGEST_QUOTE]} is too large a number")
    return number


def _refuse(constant: str) -> Never:
    raise ValueError(f"{constant} is no JSON number")


def _after(text: str, position: int) -> int:
    between = _BETWEEN_VALUES.match(text, position)
    return between.end() if between else position


def _flat(values: list[Any]) -> Iterator[Any]:
    for value in values:
        if isinstance(value, list):
            yield from value
        else:
            yield value


def _call(value: Any) -> Call:
    if not isinstance(value, dict):
        raise BadCall("It is no JSON object.")
    if isinstance(value.get("function"), dict):
        value = value["function"]
    name = next((value[key] for key in _NAMES if key in value), None)
    if not isinstance(name, str) or not name.strip():
        raise BadCall('It has no "name".')
    return Call(name.strip(), _arguments(next((value[key] for key in _ARGUMENTS if key in value), None)))


def _arguments(value: object) -> dict[str, Any]:
    if isinstance(value, str):
        value = json_values(value)[0] if value.strip() else None
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadCall("Its arguments are no JSON object.")
    return value


def _levels(value: object) -> int:
    deepest, waiting = 0, [(value, 0)]
    while waiting:
        inner, level = waiting.pop()
        deepest = max(deepest, level)
        children = inner.values() if isinstance(inner, dict) else inner if isinstance(inner, list) else ()
        waiting.extend((child, level + 1) for child in children)
    return deepest
