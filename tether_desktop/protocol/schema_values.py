"""Bounds of single values for a grammar: choices, texts and numbers of a JSON schema."""

from __future__ import annotations

import json
import math
import re
from fractions import Fraction
from typing import Any

_MOST_CHOICES = 1000
_LARGEST = 10**15
_SMALLEST_STEP = Fraction(1, 10**6)
_PATTERN_LENGTH = 512
_FORMATS = {"date-time": 40, "time": 30, "date": 10, "email": 128, "ipv4": 15, "ipv6": 45, "uuid": 36, "uri": 512}
"""Those a grammar knows, and enough characters for each."""

_SAFE_PATTERN = re.compile(
    r"""\^?(?: \\[dws.\\/+*?()\[\]{}^$|-] | \[\^?(?:\\[dws.\\/\]^-]|[^\]\[\\&~^-]|-)+\] | [^\\\[\](){}^$*+?]
    | \((?:\?:)?(?!\?) | \) | (?<![(*+?|^])[*+?](?![+?]) | \{[0-9]{1,2}(?:,[0-9]{0,2})?\}(?![+?]) )*\$?""",
    re.VERBOSE,
)
UNSPEAKABLE = re.compile(r"[\x00-\x07\x0b\x0e-\x1f\x7f\ud800-\udfff]")
"""What a grammar cannot have in names and choices."""


class NotBoundable(ValueError):
    """A schema no grammar can be made of."""


def choice(schema: dict[str, Any]) -> dict[str, Any] | None:
    """An ``enum`` or ``const``; None where it leaves no choice."""
    choices = [schema["const"]] if "const" in schema else schema["enum"]
    if not isinstance(choices, list):
        raise NotBoundable("its choices are no list")
    written = json.dumps(choices, ensure_ascii=False, allow_nan=False)
    if len(choices) > _MOST_CHOICES or UNSPEAKABLE.search(written) or "\\u" in written:
        raise NotBoundable("its choices are too many, or cannot be written")
    return {"enum": choices} if choices else None


def length_range(schema: dict[str, Any], what: str, bound: int) -> tuple[int, int]:
    """The least and the largest of ``min…`` and ``max…``; what is told wider than ``bound`` is narrowed to it."""
    fewest, most = (_count(schema.get(f"{side}{what}")) for side in ("min", "max"))
    fewest = fewest or 0
    if most is not None and most < fewest:
        raise NotBoundable("it is to be both shorter and longer")
    if fewest > bound * 4:
        return 0, bound
    return fewest, max(fewest, bound if most is None else min(most, bound))


def _count(value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value) or value < 0:
        raise NotBoundable("it is to be as long as is no number")
    return int(value)


def scalar(schema: dict[str, Any], kind: Any, characters: int) -> dict[str, Any]:
    """A value of this type that is neither list nor object, its text of at most so many characters."""
    match kind:
        case "string":
            return _string(schema, characters)
        case "number" | "integer":
            return _number(schema, whole=kind == "integer")
        case "boolean" | "null":
            return {"type": kind}
    raise NotBoundable("there is no such type")


def _string(schema: dict[str, Any], characters: int) -> dict[str, Any]:
    form = schema.get("format")
    if isinstance(form, str) and form in _FORMATS:
        return {"type": "string", "format": form, "maxLength": _FORMATS[form]}
    if _is_safe(schema.get("pattern")):
        return {"type": "string", "pattern": schema["pattern"], "maxLength": _PATTERN_LENGTH}
    fewest, most = length_range(schema, "Length", characters)
    return {"type": "string", "minLength": fewest, "maxLength": most}


def _is_safe(pattern: Any) -> bool:
    """Whether grammars take a pattern, and some short text fits it."""
    if (
        not isinstance(pattern, str)
        or len(pattern) > 200
        or UNSPEAKABLE.search(pattern)
        or not _SAFE_PATTERN.fullmatch(pattern)
    ):
        return False
    counts = [int(count) for count in re.findall(r"\{(\d+)", pattern)]
    try:
        re.compile(pattern)
    except re.error:
        return False
    return math.prod(count or 1 for count in counts) <= _PATTERN_LENGTH // 4


def _number(schema: dict[str, Any], *, whole: bool) -> dict[str, Any]:
    """Numbers of a grid, for a fraction could go on for ever; exponents are left out."""
    step = _step(schema.get("multipleOf"), Fraction(1) if whole else _SMALLEST_STEP)
    lows = [_edge(schema.get("minimum")), _edge(schema.get("exclusiveMinimum")), Fraction(-_LARGEST)]
    highs = [_edge(schema.get("maximum")), _edge(schema.get("exclusiveMaximum")), Fraction(_LARGEST)]
    low, high = max(edge for edge in lows if edge is not None), min(edge for edge in highs if edge is not None)
    first = math.ceil(low / step) + (low == lows[1] and low % step == 0)
    last = math.floor(high / step) - (high == highs[1] and high % step == 0)
    if first > last:
        raise NotBoundable("no number is both as small and as large")
    lowest, highest = (_plain(edge * step) for edge in (first, last))
    grid: dict[str, Any] = {} if step == 1 else {"multipleOf": _plain(step)}
    return {"type": "integer" if whole else "number", "minimum": lowest, "maximum": highest, **grid}


def _step(multiple: Any, smallest: Fraction) -> Fraction:
    own = _edge(multiple)
    return own if own is not None and 0 < own <= _LARGEST and own % smallest == 0 else smallest


def _edge(value: Any) -> Fraction | None:
    if value is None or isinstance(value, bool):
        return None
    if not isinstance(value, int | float) or not math.isfinite(value):
        raise NotBoundable("a bound of it is no number")
    return Fraction(str(value))


def _plain(number: Fraction) -> int | float:
    return int(number) if number.denominator == 1 else float(number)
