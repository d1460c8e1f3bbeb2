"""Checks a call's arguments against the tool's schema, within bounds: the schema may be anybody's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonschema.protocols import Validator
    from pydantic_core import SchemaValidator

_MOST_STEPS = 50_000
"""Keywords that are looked at; an honest schema needs a few hundred, one that doubles itself never ends."""

_LONGEST_VALUE = 200
_UNBOUNDED = ("unevaluatedProperties", "unevaluatedItems")
"""What jsonschema follows through all references by itself, in time that no count of ours limits."""

Keyword = Callable[[Any, Any, Any, Any], Iterator[Any]]

_steps: ContextVar[list[int]] = ContextVar("steps")


class _TooMuch(Exception):
    """The schema takes longer than any honest one."""


class BrokenSchema(ValueError):
    """A tool's schema cannot be used, in words for the model and for people."""


def misfit(arguments: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """Why the arguments do not fit, in words for the model; empty when they do.

    Takes some milliseconds at most for an ordinary schema and a fraction of a second for a hostile one, so it is
    for a thread. What cannot be checked within bounds (a regular expression that looks back, say) is left to the tool.

    Raises:
        BrokenSchema: the schema is no schema, or has no end.
    """
    import jsonschema

    _steps.set([_MOST_STEPS])
    try:
        error = jsonschema.exceptions.best_match(_validator(schema).iter_errors(arguments))
    except _TooMuch as fault:
        raise BrokenSchema("it refers to itself without end") from fault
    except RecursionError as fault:
        raise BrokenSchema("it refers to itself without end, or is nested too deeply") from fault
    # A schema that is none makes jsonschema fail in whatever way comes first.
    except Exception as fault:
        raise BrokenSchema(f"it is no valid JSON schema ({_shortened(str(fault))})") from fault
    if error is None:
        return ""
    place = ".".join(map(str, error.absolute_path))
    return f"{place}: {_shortened(error.message)}" if place else _shortened(error.message)


def _validator(schema: Mapping[str, Any]) -> Any:
    import jsonschema
    from jsonschema_specifications import REGISTRY

    draft = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    # A registry of our own: the default one fetches references from the internet.
    return _bounded(draft)(schema, registry=REGISTRY)


@lru_cache
def _bounded(draft: Any) -> Any:
    """The validator of a draft, with every step counted and patterns matched in linear time."""
    import jsonschema

    own = {"pattern": _pattern, "patternProperties": _pattern_properties, "additionalProperties": _additional}
    checks = draft.VALIDATORS | {name: check for name, check in own.items() if name in draft.VALIDATORS}
    counted = {name: _counted(check) for name, check in checks.items()}
    return jsonschema.validators.extend(draft, counted | dict.fromkeys(_UNBOUNDED, _unchecked))


def _counted(check: Keyword) -> Keyword:
    def step(validator: Validator, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
        left = _steps.get()
        left[0] -= 1
        if left[0] < 0:
            raise _TooMuch
        yield from check(validator, value, instance, schema) or ()

    return step


def _unchecked(_validator: Validator, _value: Any, _instance: Any, _schema: Any) -> Iterator[Any]:
    return iter(())


def _pattern(_validator: Validator, pattern: str, instance: Any, _schema: Any) -> Iterator[Any]:
    import jsonschema

    if isinstance(instance, str) and not _matches(pattern, instance):
        yield jsonschema.ValidationError(f"{_shortened(repr(instance))} does not match {pattern!r}")


def _pattern_properties(validator: Validator, patterns: Any, instance: Any, _schema: Any) -> Iterator[Any]:
    for pattern, below in patterns.items() if isinstance(instance, dict) else ():
        for name, value in instance.items():
            if _matches(pattern, name):
                yield from validator.descend(value, below, path=name, schema_path=pattern)


def _additional(validator: Validator, allowed: Any, instance: Any, schema: Any) -> Iterator[Any]:
    import jsonschema

    if not isinstance(instance, dict):
        return
    known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    extra = [name for name in instance if name not in known and not any(_matches(each, name) for each in patterns)]
    if isinstance(allowed, dict):
        for name in extra:
            yield from validator.descend(instance[name], allowed, path=name)
    elif not allowed and extra:
        names = ", ".join(known) or "none"
        yield jsonschema.ValidationError(f"there is no {_shortened(repr(extra[0]))}; known names: {_shortened(names)}")


def _matches(pattern: str, text: str) -> bool:
    expression = _expression(pattern)
    return expression is None or expression.isinstance_python(text)


@lru_cache(maxsize=256)
def _expression(pattern: str) -> SchemaValidator | None:
    """A matcher that needs linear time; Python's own can take for ever, and stops every thread meanwhile.

    None where it does not know the expression: what looks ahead or back cannot be matched in linear time.
    """
    from pydantic_core import SchemaError, SchemaValidator, core_schema

    try:
        return SchemaValidator(core_schema.str_schema(pattern=pattern, regex_engine="rust-regex"))
    except SchemaError:
        return None


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"
