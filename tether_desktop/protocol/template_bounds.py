"""Refuses the single steps of a chat template that would run for long or fill the memory.

A deadline can end a program between two steps of the interpreter only. So the steps whose results can be far larger
than what they are made of are checked beforehand, methods and filters that no prompt needs are not there at all, and
what the others make is weighed by a :class:`Meter`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from string import Formatter
from types import BuiltinMethodType
from typing import Any

from jinja2 import pass_context
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context

from tether_desktop.protocol.template_meter import Meter, refuse_if

UNNEEDED_FILTERS = (
    *("filesizeformat", "forceescape", "pprint", "random", "striptags", "urlencode", "urlize", "wordcount"),
    *("wordwrap", "xmlattr"),
)
"""Filters of Jinja for web pages; some take long for a short text."""

_SPLITTING = frozenset(("split", "rsplit", "splitlines", "partition", "rpartition"))
_WIDENING = frozenset(("center", "ljust", "rjust", "zfill"))
_SLOW_WITH_LONG_ARGUMENTS = frozenset(("strip", "lstrip", "rstrip", "rfind", "rindex", "rsplit", "rpartition", "trim"))
_TEXT_METHODS = frozenset(
    (
        *("capitalize", "casefold", "count", "endswith", "find", "format", "format_map", "index", "isalnum", "isalpha"),
        *("isascii", "isdecimal", "isdigit", "islower", "isnumeric", "isprintable", "isspace", "istitle", "isupper"),
        *("join", "lower", "removeprefix", "removesuffix", "replace", "startswith", "swapcase", "title", "upper"),
        *_SPLITTING,
        *_WIDENING,
        *_SLOW_WITH_LONG_ARGUMENTS,
    )
)
_METHODS: dict[type, frozenset[str]] = {
    dict: frozenset(("get", "items", "keys", "values")),
    list: frozenset(("count", "index")),
    tuple: frozenset(("count", "index")),
}
_LISTING_FILTERS = frozenset(
    ("batch", "groupby", "list", "map", "reject", "select", "slice", "sort", "unique", "min", "max")
)
_SIZED_FILTERS = frozenset(("batch", "center", "indent", "round", "slice", "truncate"))
_EMPTY_TEXT = sys.getsizeof("")
_CHARACTER_BYTES = 80
"""Size of a text of one character, in a list."""

_LARGEST_NUMBER = 10**15
_LARGEST_EXPONENT = 100
_WIDEST = 10_000
_LONGEST_ARGUMENT = 256
_LONGEST_INDENT = 16
_LONGEST_FORM = 20_000
_PERCENT_SPEC = re.compile(r"%(?:\([^)]*\))?[#0\- +]*(\*|\d*)(?:\.(\*|\d*))?")
_DIGITS = re.compile(r"\d+")


def check_operator(meter: Meter, operator: str, left: Any, right: Any) -> None:
    """Check ``* ** %`` before they are computed.

    Raises:
        SecurityError: the result may be too large.
    """
    if _is_number(left) and _is_number(right):
        refuse_if(max(abs(left), abs(right)) > (_LARGEST_EXPONENT if operator == "**" else _LARGEST_NUMBER))
    elif operator == "%" and isinstance(left, str):
        _check_percent(meter, left, right)
    elif operator == "*":
        value, times = (right, left) if _is_number(left) else (left, right)
        empty = _EMPTY_TEXT if isinstance(value, str) else 0
        meter.foresee((meter.size(value) - empty) * abs(int(times)))


def call_bounded(
    meter: Meter, function: Any, call: Callable[..., Any], arguments: Sequence[Any], named: Mapping[str, Any]
) -> Any:
    """Make a call by ``call``, checked when it is a method of a value.

    Raises:
        SecurityError: the result is too large, or the method is not for templates.
    """
    meter.foresee(sum(map(meter.size, (*arguments, *named.values()))))
    method = getattr(function, "__wrapped__", function)
    owner = getattr(method, "__self__", None)
    if isinstance(owner, str):
        return _call_of_text(meter, owner, method.__name__, call, arguments, named)
    if isinstance(method, BuiltinMethodType) and method.__name__ not in _METHODS.get(type(owner), ()):
        raise SecurityError(f"{method.__name__} may not be called")
    return meter.take(call(*arguments, **named))


def bounded_filter(meter: Callable[[], Meter], name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter of Jinja, checked like a method of the value that it is applied to.

    Args:
        meter: gives that of the rendering.
        name: of the filter.
        function: the filter.

    Returns:
        A filter that takes the context, so that Jinja does not apply it while it compiles.
    """
    wanted = getattr(function, "jinja_pass_arg", None)

    @pass_context
    def bounded(context: Context, value: Any, *arguments: Any, **named: Any) -> Any:
        _check_filter(meter(), name, value, [*arguments, *named.values()])
        passed = {"context": context, "eval_context": context.eval_ctx, "environment": context.environment}
        given = [] if wanted is None else [passed[wanted.name]]
        return meter().take(function(*given, value, *arguments, **named))

    return bounded


def _call_of_text(
    meter: Meter, text: str, method: str, call: Callable[..., Any], arguments: Sequence[Any], named: Mapping[str, Any]
) -> Any:
    if method not in _TEXT_METHODS:
        raise SecurityError(f"{method} may not be called")
    if method == "join" and len(arguments) == 1:
        return meter.joined(arguments[0], text)
    _check_text(meter, text, method, [*arguments, *named.values()])
    result = meter.take(call(*arguments, **named))
    if method in _SPLITTING:
        meter.spend(meter.size(result))
    return result


def _check_text(meter: Meter, text: str, method: str, arguments: Sequence[Any]) -> None:
    if method in _WIDENING:
        refuse_if(any(_is_number(argument) and abs(argument) > _WIDEST for argument in arguments))
    if method in _SLOW_WITH_LONG_ARGUMENTS:
        refuse_if(any(isinstance(argument, str) and len(argument) > _LONGEST_ARGUMENT for argument in arguments))
    if method in {"format", "format_map"}:
        _check_fields(meter, text, arguments)
    if method == "replace" and len(arguments) >= 2 and isinstance(arguments[0], str):
        meter.foresee(meter.size(text) + text.count(arguments[0]) * meter.size(arguments[1]))


def _check_filter(meter: Meter, name: str, value: Any, arguments: Sequence[Any]) -> None:
    if name in _SIZED_FILTERS:
        refuse_if(any(_is_number(argument) and abs(argument) > _WIDEST for argument in arguments))
    if name == "sum":
        refuse_if(not all(_is_number(argument) or isinstance(argument, str) for argument in arguments[:2]))
    if not isinstance(value, str):
        return
    if name in _LISTING_FILTERS:
        meter.foresee(len(value) * _CHARACTER_BYTES)
    if name == "indent":
        widest = max((len(each) if isinstance(each, str) else int(each) for each in arguments), default=0)
        meter.foresee(meter.size(value) + value.count("\n") * max(widest, _LONGEST_INDENT))
    if name == "format":
        _check_percent(meter, value, arguments)
    if name in {"replace", "trim"}:
        _check_text(meter, value, name, arguments)


def _check_percent(meter: Meter, form: str, values: Any) -> None:
    """Each place of a format may take all values, and be as wide as it says."""
    refuse_if(len(form) > _LONGEST_FORM)
    places = _PERCENT_SPEC.findall(form)
    numbers = [number for place in places for number in place if number]
    refuse_if(any(number == "*" or len(number) > len(str(_WIDEST)) for number in numbers))
    meter.foresee(len(places) * meter.size(values) + sum(map(int, numbers)))


def _check_fields(meter: Meter, form: str, values: Sequence[Any]) -> None:
    refuse_if(len(form) > _LONGEST_FORM)
    specs = [spec for _, name, spec, _ in Formatter().parse(form) if name is not None]
    refuse_if(any("{" in (spec or "") for spec in specs))
    numbers = [number for spec in specs for number in _DIGITS.findall(spec or "")]
    refuse_if(any(len(number) > len(str(_WIDEST)) for number in numbers))
    meter.foresee(len(specs) * sum(map(meter.size, values)) + sum(map(int, numbers)))


def check_layout(indent: object, separators: object) -> None:
    """Check how JSON shall be laid out.

    Raises:
        SecurityError: with more space than anybody needs.
    """
    lengths = map(len, separators) if isinstance(separators, list | tuple) else ()
    width = len(indent) if isinstance(indent, str) else indent if isinstance(indent, int) else 0
    refuse_if(width > _LONGEST_INDENT or any(length > _LONGEST_INDENT for length in lengths))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)
