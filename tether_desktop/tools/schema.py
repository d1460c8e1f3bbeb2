"""The JSON schema of a function's parameters, from its type hints, and its arguments made into what the hints say."""

from __future__ import annotations

import functools
import inspect
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field, PydanticUserError, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticSerializationError, to_jsonable_python

from tether_desktop.tools.tool import OnToolProgress

_PROGRESS = "progress"
_REFERENCE = "#/$defs/"
_LITERAL_KEYS = frozenset(("default", "enum", "const", "examples"))
_NAMED_KEYS = frozenset(("properties", "patternProperties", "$defs"))

Schema = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter that the model fills in.

    Attributes:
        adapter: makes of a JSON value what the hint says.
    """

    name: str
    adapter: TypeAdapter[Any]
    default: Any

    @property
    def required(self) -> bool:
        """Whether a call has to give it."""
        return self.default is inspect.Parameter.empty


def parameters_of(function: Callable[..., Any], descriptions: Mapping[str, str]) -> tuple[Parameter, ...]:
    """The parameters a model fills in, with a description of each where there is one.

    Raises:
        TypeError: one cannot be filled in from JSON; names the function and the parameter.
    """
    return tuple(_parameter(function, each, descriptions) for each in _declared(function) if each.name != _PROGRESS)


def takes_progress(function: Callable[..., Any]) -> bool:
    """Whether it wants to report how far it is."""
    return any(each.name == _PROGRESS for each in _declared(function))


def schema_of(parameters: tuple[Parameter, ...]) -> Schema:
    """A JSON schema of the object that holds all arguments; references only where a type contains itself."""
    inputs = [(each.name, "validation", each.adapter) for each in parameters]
    schemas, shared = TypeAdapter.json_schemas(inputs, ref_template=_REFERENCE + "{model}")  # type: ignore[arg-type]
    definitions = shared.get("$defs", {})
    recursive = {name for name in definitions if name in _reached(definitions[name], definitions)}
    properties = {
        each.name: _inlined(schemas[each.name, "validation"], definitions, recursive) | _default(each)
        for each in parameters
    }
    schema: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    if required := [each.name for each in parameters if each.required]:
        schema["required"] = required
    if recursive:
        schema["$defs"] = {name: _inlined(definitions[name], definitions, recursive) for name in sorted(recursive)}
    return schema


def converted(parameters: tuple[Parameter, ...], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments as the hints want them: a date for an ISO date, say.

    Raises:
        ValueError: one does not fit, in words for the model.
    """
    names = {each.name for each in parameters}
    if unknown := [name for name in arguments if name not in names]:
        raise ValueError(f"There is no argument {unknown[0]!r}.")
    if missing := [each.name for each in parameters if each.required and each.name not in arguments]:
        raise ValueError(f"The argument {missing[0]!r} is missing.")
    return {each.name: _converted(each, arguments[each.name]) for each in parameters if each.name in arguments}


def _converted(parameter: Parameter, value: Any) -> Any:
    try:
        return parameter.adapter.validate_python(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join([parameter.name, *map(str, first["loc"])])
        raise ValueError(f"The argument {place!r} does not fit: {first['msg']}.") from error


def _declared(function: Callable[..., Any]) -> Iterator[inspect.Parameter]:
    """The parameters, with ``progress`` among them only where it is the one we fill in."""
    for each in inspect.signature(function).parameters.values():
        if each.kind not in {inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY}:
            raise TypeError(_at(function, each, "cannot be given by name, so a model cannot call it"))
        if each.name == _PROGRESS and _hint(function, each) != OnToolProgress:
            raise TypeError(_at(function, each, "has to be an OnToolProgress; another value needs another name"))
        yield each


def _parameter(function: Callable[..., Any], each: inspect.Parameter, descriptions: Mapping[str, str]) -> Parameter:
    if isinstance(each.default, FieldInfo):
        raise TypeError(_at(function, each, "has a Field as its default: put it into the hint, Annotated[…, Field(…)]"))
    hint = _hint(function, each)
    described: Any = hint
    if each.name in descriptions:
        described = Annotated[hint, Field(description=descriptions[each.name])]
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(described)
        adapter.json_schema()
    except (PydanticUserError, TypeError, NameError) as error:
        problem = str(error).splitlines()[0].rstrip(".")
        raise TypeError(_at(function, each, f"has a type that JSON cannot give: {problem}")) from error
    return Parameter(each.name, adapter, each.default)


def _hint(function: Callable[..., Any], each: inspect.Parameter) -> Any:
    if each.annotation is inspect.Parameter.empty:
        raise TypeError(_at(function, each, "has no type hint"))
    # One at a time, so that a hint which cannot be resolved is told by its parameter.
    alone = types.SimpleNamespace(__annotations__={each.name: each.annotation})
    written = function.func if isinstance(function, functools.partial) else function
    namespace = getattr(inspect.unwrap(written), "__globals__", {})
    try:
        return typing.get_type_hints(alone, globalns=namespace, include_extras=True)[each.name]
    except (NameError, TypeError, AttributeError, SyntaxError) as error:
        raise TypeError(_at(function, each, f"has a type hint that cannot be resolved: {error}")) from error


def _at(function: Callable[..., Any], each: inspect.Parameter, problem: str) -> str:
    return f"{getattr(function, '__qualname__', function)}: the parameter {each.name!r} {problem}."


def _default(parameter: Parameter) -> Schema:
    """What the model is told of a default; None says no more than that the argument may be left out."""
    if parameter.required or parameter.default is None:
        return {}
    try:
        return {"default": to_jsonable_python(parameter.default)}
    except PydanticSerializationError:
        return {}


def _inlined(schema: Any, definitions: Mapping[str, Any], recursive: set[str]) -> Any:
    """The schema with definitions in their places, without titles, and its objects closed."""
    if isinstance(schema, list):
        return [_inlined(each, definitions, recursive) for each in schema]
    if not isinstance(schema, dict):
        return schema
    name = _referenced(schema)
    if name and name not in recursive:
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        return _inlined(definitions[name] | beside, definitions, recursive)
    kept = {key: _value(key, value, definitions, recursive) for key, value in schema.items() if key != "title"}
    if "properties" in kept:
        kept.setdefault("additionalProperties", False)
    return kept


def _value(key: str, value: Any, definitions: Mapping[str, Any], recursive: set[str]) -> Any:
    if key in _LITERAL_KEYS:
        return value
    if key in _NAMED_KEYS:
        return {name: _inlined(each, definitions, recursive) for name, each in value.items()}
    return _inlined(value, definitions, recursive)


def _reached(schema: Any, definitions: Mapping[str, Any]) -> set[str]:
    """The names of all definitions that a schema leads to."""
    found: set[str] = set()
    waiting = [schema]
    while waiting:
        each = waiting.pop()
        if isinstance(each, list):
            waiting += each
        elif isinstance(each, dict):
            name = _referenced(each)
            if name and name not in found:
                found.add(name)
                waiting.append(definitions[name])
            waiting += each.values()
    return found


def _referenced(schema: Mapping[str, Any]) -> str:
    reference = schema.get("$ref")
    return reference.removeprefix(_REFERENCE) if isinstance(reference, str) else ""
