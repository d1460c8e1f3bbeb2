"""Reads arithmetic as people write it, and works it out: no Python is run."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from tether_desktop.errors import ToolError
from tether_desktop.tools.builtin import arithmetic
from tether_desktop.tools.builtin.arithmetic import CONSTANTS, FUNCTIONS, Number

_LONGEST = 2_000
_DEEPEST = 60
_MOST_DIGITS = 1_000
_LARGEST_EXPONENT = 1_000

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+(?:_\d+)*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<name>[^\W\d_]\w*)|(?P<mark>\*\*|//|[-+*/%^!°√(),]))"
)
_THOUSANDS = re.compile(r"(?<![\d.])\d{1,3}(?:,\d{3})+(?![\d,])")
_SPELLINGS = str.maketrans(
    {
        "×": "*", "·": "*", "⋅": "*", "∗": "*", "÷": "/", "∕": "/", "⁄": "/", "−": "-", "–": "-", "π": " pi ",
        "[": "(", "]": ")", "{": "(", "}": ")", "²": "^2", "³": "^3", "$": " ", "€": " ", "£": " ", "¥": " ",
        "\N{NO-BREAK SPACE}": " ", "\N{NARROW NO-BREAK SPACE}": " ",
    }
)  # fmt: skip
_WORDS = {"of": "*", "x": "*", "times": "*", "plus": "+", "minus": "-"}

_BINARY: dict[str, tuple[int, Callable[[Number, Number], Number]]] = {
    # mark: how tightly it binds, what it does
    "+": (1, arithmetic.add),
    "-": (1, arithmetic.subtract),
    "*": (2, arithmetic.multiply),
    "/": (2, arithmetic.divide),
    "//": (2, arithmetic.floor_divide),
    "%": (2, arithmetic.modulo),
    "mod": (2, arithmetic.modulo),
    "^": (4, arithmetic.power),
    "**": (4, arithmetic.power),
}
_SIGN_BINDS = 3
_ROOT_BINDS = 5


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


_END = _Token("end", "")


def evaluate(text: str) -> Number:
    """The value of an expression: a Fraction where it is exact, else a float.

    Understands + - * / // ^ ** mod, ! for factorials, % as percent ("200 + 10%" is 220, "15% of 80" is 12) or, before a
    number, as modulo, ° for degrees, √, functions and constants.

    Raises:
        ToolError: it cannot be understood, has no value, or would take too long.
    """
    if len(text) > _LONGEST:
        raise _unclear("It is too long.")
    parser = _Parser(_tokens(text))
    try:
        value = parser.expression()
    except OverflowError:
        # Of an exact number that met one of floating point, which has an end.
        raise arithmetic.too_large() from None
    parser.expect_end()
    return value


def _tokens(text: str) -> list[_Token]:
    text = text.translate(_SPELLINGS).strip().removesuffix("=").removeprefix("=").rstrip()
    if not re.search(r"\w\s*\(", text):
        text = _THOUSANDS.sub(lambda found: found[0].replace(",", ""), text)
    tokens, place = [], 0
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None or found.lastgroup is None:
            raise _unclear(f"{text[place:].strip()[:20]!r} has no meaning here.")
        place = found.end()
        tokens.append(_token(found.lastgroup, found[found.lastgroup]))
    return tokens


def _token(kind: str, text: str) -> _Token:
    if kind != "name":
        return _Token(kind, text)
    name = text.lower()
    return _Token("mark", _WORDS[name]) if name in _WORDS else _Token("name", name)


class _Parser:
    """Works an expression out while it reads it, each operator once both its sides are known."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._place = 0
        self._depth = 0

    def expression(self, binds: int = 0) -> Number:
        """The value of what follows, up to an operator that binds less tightly."""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise _unclear("Its parentheses are nested too deeply.")
        value = self._operand()
        while (operator := self._operator()) and operator[0] > binds:
            mark = self._next().text
            value = self._apply(mark, value, operator)
        self._depth -= 1
        return value

    def expect_end(self) -> None:
        """Refuse what is left over."""
        if self._peek() is not _END:
            raise _unclear(f"{self._peek().text!r} is not expected there.")

    def _apply(self, mark: str, left: Number, operator: tuple[int, Callable[[Number, Number], Number]]) -> Number:
        binds, work = operator
        # Powers are worked out from the right: 2^3^2 is 2^9.
        start = self._place
        right = self.expression(binds - 1 if mark in {"^", "**"} else binds)
        if mark in {"+", "-"} and self._is_percent(start):
            right = arithmetic.multiply(left, right)
        return work(left, right)

    def _operator(self) -> tuple[int, Callable[[Number, Number], Number]] | None:
        token = self._peek()
        return _BINARY.get(token.text)

    def _operand(self) -> Number:
        token = self._next()
        if token.kind == "mark" and token.text in {"-", "+"}:
            value = self.expression(_SIGN_BINDS)
            return -value if token.text == "-" else value
        if token.kind == "mark" and token.text == "√":
            return self._with_postfix(arithmetic.square_root(self.expression(_ROOT_BINDS)))
        return self._with_postfix(self._plain(token))

    def _plain(self, token: _Token) -> Number:
        if token.kind == "number":
            return _number(token.text)
        if token.kind == "name":
            return self._named(token.text)
        if token.text != "(":
            what = f"before {token.text!r}" if token.text else "at the end"
            raise _unclear(f"A number is missing {what}.")
        value = self.expression()
        self._close()
        return value

    def _named(self, name: str) -> Number:
        if self._peek().text == "(" and name in FUNCTIONS:
            self._next()
            return _call(name, self._arguments())
        if name in CONSTANTS:
            return CONSTANTS[name]
        known = ", ".join(sorted([*FUNCTIONS, *CONSTANTS]))
        hint = "Write its argument in parentheses." if name in FUNCTIONS else f"There are: {known}."
        raise ToolError("The expression cannot be understood", f"{name[:40]!r} is no number.", hint)

    def _arguments(self) -> list[Number]:
        values: list[Number] = []
        while not (self._peek().text == ")" and not values):
            values.append(self.expression())
            if self._peek().text != ",":
                break
            self._next()
        self._close()
        return values

    def _with_postfix(self, value: Number) -> Number:
        while (mark := self._peek().text) in {"!", "%", "°"} and not self._is_modulo():
            self._next()
            if mark == "!" == self._peek().text:
                raise _unclear("!! has several meanings.")
            if mark == "!":
                value = arithmetic.factorial(value)
            elif mark == "%":
                value = arithmetic.divide(value, Fraction(100))
            else:
                value = math.radians(value)
        return value

    def _is_modulo(self) -> bool:
        """Whether a % stands between two numbers."""
        after = self._tokens[self._place + 1] if self._place + 1 < len(self._tokens) else _END
        return self._peek().text == "%" and (after.kind in {"number", "name"} or after.text in {"(", "√"})

    def _is_percent(self, start: int) -> bool:
        """Whether what was just read is a plain percentage, as in "200 + 10%"."""
        read = self._tokens[start : self._place]
        return len(read) == 2 and read[0].kind == "number" and read[1].text == "%"

    def _close(self) -> None:
        if self._next().text != ")":
            raise _unclear("A closing parenthesis is missing.")

    def _peek(self) -> _Token:
        return self._tokens[self._place] if self._place < len(self._tokens) else _END

    def _next(self) -> _Token:
        token = self._peek()
        self._place += 1
        return token


def _number(text: str) -> Fraction:
    digits, _, exponent = text.replace("_", "").lower().partition("e")
    # Bounded before anything is made of it: 1e999999999 is short, and its value is not.
    if len(digits) > _MOST_DIGITS or len(exponent) > 6 or abs(int(exponent or 0)) > _LARGEST_EXPONENT:
        raise arithmetic.too_large()
    return Fraction(digits.rstrip(".") or "0") * Fraction(10) ** int(exponent or 0)


def _call(name: str, values: list[Number]) -> Number:
    function, fewest, most = FUNCTIONS[name]
    if not fewest <= len(values) <= most:
        wanted = f"{fewest}" if fewest == most else f"{fewest} to {most}"
        raise _unclear(f"{name} takes {wanted} numbers, and not {len(values)}.")
    return arithmetic.checked(function(*values))


def _unclear(reason: str) -> ToolError:
    hint = "Write it like (3 + 4) * 2, sqrt(2) or 15% of 80."
    return ToolError("The expression cannot be understood", reason, hint)
