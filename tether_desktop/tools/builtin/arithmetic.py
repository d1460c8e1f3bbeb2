"""Exact arithmetic whose cost is bounded before it is done: fractions, and floating point where nothing is exact."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from fractions import Fraction

from tether_desktop.errors import ToolError

Number = Fraction | float

MOST_BITS = 13_000
"""Of a numerator or a denominator: about 3,900 digits, which Python still writes out."""

_FLOAT_DIGITS = 15
_LARGEST_FACTORIAL = 1_400


def add(left: Number, right: Number) -> Number:
    """The sum."""
    return checked(left + right)


def subtract(left: Number, right: Number) -> Number:
    """The difference."""
    return checked(left - right)


def multiply(left: Number, right: Number) -> Number:
    """The product."""
    return checked(left * right)


def divide(left: Number, right: Number) -> Number:
    """The quotient, exact for exact numbers.

    Raises:
        ToolError: the divisor is 0.
    """
    return checked(left / _divisor(right))


def floor_divide(left: Number, right: Number) -> Number:
    """The quotient, rounded down."""
    return checked(Fraction(math.floor(divide(left, right))))


def modulo(left: Number, right: Number) -> Number:
    """What a division leaves, with the divisor's sign."""
    return checked(left % _divisor(right))


def power(base: Number, exponent: Number) -> Number:
    """A power: exact for whole exponents, and for roots that are exact.

    Raises:
        ToolError: it is too large, or has no real value.
    """
    if isinstance(base, Fraction) and isinstance(exponent, Fraction):
        if exponent.denominator == 1:
            return _whole_power(base, exponent.numerator)
        if exponent.denominator == 2:
            return power(square_root(base), Fraction(exponent.numerator))
    if base < 0:
        raise _no_value("A negative number has no real power that is not whole.")
    if base == 0 and exponent < 0:
        raise _no_value("Nothing can be divided by 0.")
    return checked(math.pow(_as_float(base), _as_float(exponent)))


def square_root(value: Number) -> Number:
    """The square root; exact where it is a fraction."""
    if value < 0:
        raise _no_value("A negative number has no real square root.")
    if isinstance(value, Fraction):
        top, bottom = math.isqrt(value.numerator), math.isqrt(value.denominator)
        if top * top == value.numerator and bottom * bottom == value.denominator:
            return Fraction(top, bottom)
    return checked(math.sqrt(_as_float(value)))


def factorial(value: Number) -> Number:
    """The product of 1 to n."""
    count = _whole(value, "factorial")
    if not 0 <= count <= _LARGEST_FACTORIAL:
        raise _no_value(f"factorial takes whole numbers from 0 to {_LARGEST_FACTORIAL:,}.")
    return Fraction(math.factorial(count))


def checked(value: Number) -> Number:
    """The value, where it can be worked on.

    Raises:
        ToolError: it is too large or no number.
    """
    if isinstance(value, Fraction):
        if max(value.numerator.bit_length(), value.denominator.bit_length()) > MOST_BITS:
            raise too_large()
    elif not math.isfinite(value):
        raise too_large()
    return value


def too_large() -> ToolError:
    """What to say of numbers that nobody could read."""
    return ToolError("The number is too large", "A number on the way has thousands of digits.", "Use smaller numbers.")


def _whole_power(base: Fraction, exponent: int) -> Fraction:
    if base == 0 and exponent < 0:
        raise _no_value("Nothing can be divided by 0.")
    bits = max(base.numerator.bit_length(), base.denominator.bit_length())
    # Powers of 1, -1 and 0 stay small, however large the exponent is.
    if abs(base) not in {0, 1} and (bits - 1) * abs(exponent) > MOST_BITS:
        raise too_large()
    if abs(base) in {0, 1}:
        exponent %= 2 if exponent > 1 else exponent + 1 if exponent >= 0 else 2
    result = base**exponent
    checked(result)
    return Fraction(result)


def _divisor(value: Number) -> Number:
    if value == 0:
        raise _no_value("Nothing can be divided by 0.")
    return value


def _whole(value: Number, name: str) -> int:
    if value != int(value):
        raise _no_value(f"{name} takes whole numbers only.")
    return int(value)


def _as_float(value: Number) -> float:
    try:
        return float(value)
    except OverflowError:
        raise too_large() from None


def _no_value(reason: str) -> ToolError:
    return ToolError("The calculation has no result", reason, "")


def _real(function: Callable[..., float], *, neat: bool = False) -> Callable[..., Number]:
    """A function of floating point; ``neat`` drops the noise of its last digits, so that sin(pi) is 0."""

    def call(*values: Number) -> Number:
        try:
            result = function(*map(_as_float, values))
        except (ValueError, ZeroDivisionError):
            raise _no_value("A function has no real value there.") from None
        except OverflowError:
            raise too_large() from None
        return checked(round(result, _FLOAT_DIGITS) if neat else result)

    return call


def _rounded(value: Number, digits: Number = Fraction(0)) -> Number:
    places = _whole(digits, "round")
    if abs(places) > 300:
        raise _no_value("round takes up to 300 places.")
    exact = Fraction(value)
    # Half away from zero, as people round; Python's own rounds 2.5 down.
    scaled = abs(exact) * Fraction(10) ** places + Fraction(1, 2)
    rounded = Fraction(math.floor(scaled)) / Fraction(10) ** places
    return checked(-rounded if exact < 0 else rounded)


def _integers(function: Callable[[int, int], int], name: str) -> Callable[..., Number]:
    def call(*values: Number) -> Number:
        result = abs(_whole(values[0], name))
        for value in values[1:]:
            result = function(result, _whole(value, name))
            checked(Fraction(result))
        return Fraction(result)

    return call


def _choose(total: Number, taken: Number) -> Number:
    n, k = _whole(total, "comb"), _whole(taken, "comb")
    if n < 0 or k < 0:
        raise _no_value("comb takes whole numbers from 0.")
    if min(k, max(n - k, 0)) * n.bit_length() > MOST_BITS:
        raise too_large()
    return Fraction(math.comb(n, k))


def _exactly(function: Callable[..., int]) -> Callable[[Number], Number]:
    return lambda value: Fraction(function(value))


def _total(*values: Number) -> Number:
    total: Number = Fraction(0)
    for value in values:
        total = add(total, value)
    return total


def _mean(*values: Number) -> Number:
    return divide(_total(*values), Fraction(len(values)))


def _logarithm(value: Number, base: Number | None = None) -> Number:
    # math.log takes whole numbers of any size, beyond those of floating point.
    if value <= 0 or (base is not None and (base <= 0 or base == 1)):
        raise _no_value("That logarithm has no real value.")
    if base is None:
        return _log(value)
    result = _log(value) / _log(base)
    exact = Fraction(round(result))
    return exact if base == round(base) and power(base, exact) == value else result


def _log(value: Number) -> float:
    if isinstance(value, Fraction):
        return math.log(value.numerator) - math.log(value.denominator)
    return math.log(value)


def _cube_root(value: Number) -> Number:
    root = math.cbrt(_as_float(value))
    exact = Fraction(round(root))
    return exact if exact**3 == value else root


CONSTANTS: dict[str, Number] = {"pi": math.pi, "e": math.e, "tau": math.tau}

FUNCTIONS: dict[str, tuple[Callable[..., Number], int, int]] = {
    # name: function, fewest and most arguments
    "abs": (abs, 1, 1),
    "acos": (_real(math.acos), 1, 1),
    "asin": (_real(math.asin), 1, 1),
    "atan": (_real(math.atan), 1, 1),
    "atan2": (_real(math.atan2), 2, 2),
    "avg": (_mean, 1, 1000),
    "cbrt": (_cube_root, 1, 1),
    "ceil": (_exactly(math.ceil), 1, 1),
    "comb": (_choose, 2, 2),
    "cos": (_real(math.cos, neat=True), 1, 1),
    "cosh": (_real(math.cosh), 1, 1),
    "degrees": (_real(math.degrees), 1, 1),
    "exp": (_real(math.exp), 1, 1),
    "factorial": (factorial, 1, 1),
    "floor": (_exactly(math.floor), 1, 1),
    "gcd": (_integers(math.gcd, "gcd"), 1, 1000),
    "hypot": (_real(math.hypot), 1, 1000),
    "lcm": (_integers(math.lcm, "lcm"), 1, 1000),
    "ln": (_logarithm, 1, 1),
    "log": (_logarithm, 1, 2),
    "log10": (lambda value: _logarithm(value, Fraction(10)), 1, 1),
    "log2": (lambda value: _logarithm(value, Fraction(2)), 1, 1),
    "max": (max, 1, 1000),
    "mean": (_mean, 1, 1000),
    "median": (lambda *values: statistics.median(values), 1, 1000),
    "min": (min, 1, 1000),
    "mod": (modulo, 2, 2),
    "pow": (power, 2, 2),
    "radians": (_real(math.radians), 1, 1),
    "round": (_rounded, 1, 2),
    "sin": (_real(math.sin, neat=True), 1, 1),
    "sinh": (_real(math.sinh), 1, 1),
    "sqrt": (square_root, 1, 1),
    "sum": (_total, 1, 1000),
    "tan": (_real(math.tan, neat=True), 1, 1),
    "tanh": (_real(math.tanh), 1, 1),
    "trunc": (_exactly(math.trunc), 1, 1),
}
