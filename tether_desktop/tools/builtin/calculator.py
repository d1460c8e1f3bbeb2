"""The calculator, and how a number is written out."""

from __future__ import annotations

from decimal import Context, Decimal
from fractions import Fraction

from tether_desktop.tools.builtin.arithmetic import Number
from tether_desktop.tools.builtin.expression import evaluate

_DIGITS = 15
_MOST_PLACES = 30
_MOST_WHOLE_DIGITS = 300


def calculate(expression: str) -> str:
    """Work out arithmetic exactly. Use it for every calculation.

    Args:
        expression: such as "(3 + 4) * 2", "15% of 80", "2^10", "sqrt(2)", "sin(30°)", "round(10/3, 2)" or "max(3, 7)".
    """
    shown = " ".join(expression.split())
    sign, text = write_number(evaluate(expression))
    return f"{shown.removesuffix('=').rstrip()} {sign} {text}"


def write_number(value: Number) -> tuple[str, str]:
    """A number in digits, and whether it "=" or "≈" that."""
    if isinstance(value, float):
        return "≈", _approximation(Fraction(value))
    if value.denominator == 1:
        text = str(value.numerator)
        if len(text) <= _MOST_WHOLE_DIGITS:
            return "=", text
        return "≈", f"{_approximation(value)} ({len(text.lstrip('-')):,} digits)"
    places = _places(value.denominator)
    if places is None:
        return "≈", _approximation(value)
    return "=", _decimal(value, places)


def _places(denominator: int) -> int | None:
    """How many decimal places a fraction takes, where it ends within the most that are shown."""
    for places in range(1, _MOST_PLACES + 1):
        if 10**places % denominator == 0:
            return places
    return None


def _decimal(value: Fraction, places: int) -> str:
    digits = str(abs(value.numerator) * 10**places // value.denominator).rjust(places + 1, "0")
    return f"{'-' if value < 0 else ''}{digits[:-places]}.{digits[-places:]}"


def _approximation(value: Fraction) -> str:
    context = Context(prec=_DIGITS)
    quotient = context.divide(Decimal(value.numerator), Decimal(value.denominator))
    if quotient and not -5 <= quotient.adjusted() < _DIGITS:
        return f"{quotient.normalize(context):E}".replace("E", "e")
    return f"{quotient.normalize(context):f}"
