"""Settings of a model's author, from GGUF's metadata or from config.json, read by name and kind."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any, TypeVar

from tether_desktop.errors import ModelBroken

Kind = TypeVar("Kind", bool, int, float, str, list[Any], dict[str, Any])

OTHER_MODEL = "Choose another model."
MOST = 1 << 24
"""No size of a decoder is larger; keeps absurd ones from being computed with."""
MOST_LAYERS = MOST_HEAD_DIM = 1024
KINDS: dict[type, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    list: "a list",
    dict: "an object",
}
"""Kinds of values in the words people read."""
LEAST_NUMBER, MOST_NUMBER = 1e-12, 1e12


class Settings:
    """Named values of one source; a value of None counts as missing.

    Attributes:
        values: the settings by name, as they were read.
        source: name of the file they are from, for messages.
    """

    def __init__(self, values: Mapping[str, Any], source: str, prefix: str = "") -> None:
        """Take the settings whose names begin with ``prefix``, which is left out when asking for them."""
        self.values = values
        self.source = source
        self._prefix = prefix

    def given(self, name: str) -> object:
        """The value of that name, of whatever kind it is."""
        return self.values.get(self._prefix + name)

    def require(self, name: str, kind: type[Kind]) -> Kind:
        """The value of that name.

        Raises:
            ModelBroken: it is missing, not of that kind, or not finite.
        """
        value = self.find(name, kind)
        if value is None:
            raise self.refusal(f"it does not say {self._prefix + name!r}.")
        return value

    def get(self, name: str, default: Kind) -> Kind:
        """The value of that name, or ``default`` when the source does not say.

        Raises:
            ModelBroken: it is not of the default's kind, or not finite.
        """
        value = self.find(name, type(default))
        return default if value is None else value

    def find(self, name: str, kind: type[Kind]) -> Kind | None:
        """The value of that name, or None when the source does not say.

        Raises:
            ModelBroken: it is not of that kind, or not finite.
        """
        value: Any = self.given(name)
        if kind is float and type(value) is int and abs(value) < 2**63:
            value = float(value)
        if value is None:
            return None
        if type(value) is not kind:
            raise self.refusal(f"its {self._prefix + name!r} is {_named(value)}, not {KINDS[kind]}.")
        if type(value) is float and not isfinite(value):
            raise self.refusal(f"its {self._prefix + name!r} is {value}.")
        found: Kind = value
        return found

    def size(self, *names: str, default: int | None = None, most: int = MOST) -> int:
        """The first of those names that the source gives, as a count of something.

        Raises:
            ModelBroken: none is given and there is no default, or it is not between 1 and ``most``.
        """
        value = self.first(int, *names)
        if value is None:
            value = self.require(names[0], int) if default is None else default
        if not 1 <= value <= most:
            raise self.refusal(f"its {self._prefix + names[0]!r} cannot be {value}.")
        return value

    def positive(self, name: str, default: float | None = None) -> float:
        """The value of that name, a number above 0 that can be computed with.

        Raises:
            ModelBroken: it is not, or is not given and there is no default.
        """
        value = self.require(name, float) if default is None else self.get(name, default)
        if not LEAST_NUMBER <= value <= MOST_NUMBER:
            raise self.refusal(f"its {self._prefix + name!r} cannot be {value}.")
        return value

    def first(self, kind: type[Kind], *names: str) -> Kind | None:
        """The value of the first of those names that the source gives."""
        return next((value for name in names if (value := self.find(name, kind)) is not None), None)

    def inner(self, name: str) -> Settings | None:
        """The settings that are grouped under that name, if the source has such a group."""
        values = self.find(name, dict)
        return None if values is None else Settings(values, self.source)

    def with_defaults(self, defaults: Mapping[str, Any]) -> Settings:
        """These settings, and others where these say nothing."""
        said = {name: value for name, value in self.values.items() if value is not None}
        return Settings({**defaults, **said}, self.source, self._prefix)

    def refusal(self, reason: str, remedy: str = OTHER_MODEL) -> ModelBroken:
        """The error that says why this model is not run."""
        return ModelBroken("The model cannot be used", f"{self.source}: {reason}", remedy)


def _named(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    text = repr(value) if isinstance(value, float | str) or (isinstance(value, int) and abs(value) < 2**63) else ""
    return text if 0 < len(text) <= 40 else KINDS[type(value)]
