"""Refuses the single steps of a chat template that would run for long or fill the memory.

A deadline can end a program between two steps of the interpreter only. These are the steps that can
be made arbitrarily large from small values: powers, products, sums, joins, replacements and formats.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from jinja2.exceptions import SecurityError

LARGEST = 50_000_000
"""Characters or items of one value."""

_LARGEST_NUMBER = 10**15
_LARGEST_EXPONENT = 100
_LARGEST_WIDTH = 1_000_000
_PERCENT_FORMAT, _BRACES_FORMAT = "%", "{}"
_WIDE = {
    _PERCENT_FORMAT: re.compile(r"%(?:\([^)]*\))?[^a-zA-Z%]*(?:\d{7,}|\*)"),
    _BRACES_FORMAT: re.compile(r"\{[^{}]*\d{7,}"),
}
_FORMATTING_METHODS = {"format": _BRACES_FORMAT, "format_map": _BRACES_FORMAT}
_FORMATTING_FILTERS = {"format": _PERCENT_FORMAT}


def joined(pieces: Iterable[Any], separator: str = "") -> str:
    """The pieces as one text.

    Raises:
        SecurityError: it grows too large.
    """
    kept: list[str] = []
    size = 0
    for piece in map(str, pieces):
        size += len(piece) + len(separator)
        _refuse_if(size > LARGEST)
        kept.append(piece)
    return separator.join(kept)


def check_operator(operator: str, left: Any, right: Any) -> None:
    """Check ``+ * ** %`` before they are computed.

    Raises:
        SecurityError: the result may be too large.
    """
    if _is_number(left) and _is_number(right):
        _refuse_if(max(abs(left), abs(right)) > (_LARGEST_EXPONENT if operator == "**" else _LARGEST_NUMBER))
    elif operator == "%":
        _check_format(operator, left)
    elif operator == "*":
        _refuse_if(_size(left) * _size(right) > LARGEST)
    else:
        _refuse_if(_size(left) + _size(right) > LARGEST)


def call_bounded(function: Callable[..., Any], call: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """Make a call by ``call``, checked when it is a method of a text.

    Raises:
        SecurityError: the result may be too large.
    """
    method = getattr(function, "__wrapped__", function)
    text = getattr(method, "__self__", None)
    if isinstance(text, str):
        if method.__name__ == "join" and len(arguments) == 1:
            return joined(arguments[0], text)
        _check_format(_FORMATTING_METHODS.get(method.__name__), text)
        _check_text(text, method.__name__, [*arguments, *named.values()])
    return call(*arguments, **named)


def bounded_filter(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter of Jinja, checked like a method of the value that it is applied to."""
    first = 1 if hasattr(function, "jinja_pass_arg") else 0

    @functools.wraps(function)
    def bounded(*arguments: Any, **named: Any) -> Any:
        value = next(iter(arguments[first:]), "")
        _check_format(_FORMATTING_FILTERS.get(name), value)
        _check_text(value, name, [*arguments[first + 1 :], *named.values()])
        return function(*arguments, **named)

    return bounded


def _check_text(value: Any, method: str, arguments: Sequence[Any]) -> None:
    _refuse_if(any(_is_number(argument) and abs(argument) > _LARGEST_WIDTH for argument in arguments))
    if method == "replace":
        _refuse_if(_size(value) * max(map(_size, arguments), default=0) > LARGEST)


def _check_format(kind: str | None, form: object) -> None:
    if kind and isinstance(form, str):
        _refuse_if(_WIDE[kind].search(form) is not None)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)


def _size(value: Any) -> int:
    return abs(int(value)) if _is_number(value) else len(value)


def _refuse_if(excessive: bool) -> None:
    if excessive:
        raise SecurityError("a value grows too large")
