"""Tools made of functions: what the model is told, and how its arguments arrive."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
import enum
import functools
import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Annotated, Any, Literal

import jsonschema
import pytest
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from tether_desktop.tools.declaration import OnToolProgress, function_tool, tool
from tether_desktop.tools.tool import ToolOutput
from tether_desktop.tools.worker_thread import CallEnded


class Unit(enum.Enum):
    """What a temperature is measured in."""

    CELSIUS = "c"
    FAHRENHEIT = "f"


@dataclasses.dataclass
class Place:
    """Where something is."""

    city: str
    title: str = "somewhere"


class Node(BaseModel):
    """A tree."""

    name: str
    kids: list[Node] = []


class Options(TypedDict, total=False):
    """What may be left out."""

    depth: int


def ignore(_message: str, _fraction: float | None) -> None:
    """Nobody listens."""


def schema_for(hint: Any, **default: Any) -> dict[str, Any]:
    """The schema of a single parameter with that hint."""

    def take(x: Any) -> None:
        """Take it."""

    take.__annotations__["x"] = hint
    take.__defaults__ = tuple(default.values()) or None
    properties: dict[str, dict[str, Any]] = function_tool(take).declaration.parameters["properties"]
    return properties["x"]


@tool(title="Forecast", permission="always", timeout_s=3)
def forecast(day: datetime.date, place: Place, days: int = 3) -> str:
    """Tell the weather.

    Use it when somebody asks for it.

    Args:
        day: the first one,
            in ISO form
        place: where

    Returns:
        what it will be
    """
    return f"{day:%A} in {place.city} for {days}"


def test_the_model_is_told_what_hints_and_docstring_say() -> None:
    declaration = forecast.declaration
    assert (declaration.name, declaration.description) == (
        "forecast",
        "Tell the weather.\n\nUse it when somebody asks for it.",
    )
    assert declaration.parameters == {
        "type": "object",
        "properties": {
            "day": {"type": "string", "format": "date", "description": "the first one, in ISO form"},
            "place": {
                "type": "object",
                "description": "where",
                "properties": {"city": {"type": "string"}, "title": {"type": "string", "default": "somewhere"}},
                "required": ["city"],
                "additionalProperties": False,
            },
            "days": {"type": "integer", "default": 3},
        },
        "required": ["day", "place"],
        "additionalProperties": False,
    }
    assert (forecast.title, forecast.permission, forecast.timeout_s) == ("Forecast", "always", 3)


async def test_arguments_arrive_as_the_hints_want_them() -> None:
    output = await forecast.run({"day": "2026-01-02", "place": {"city": "Oslo"}}, ignore)
    assert output == ToolOutput("Friday in Oslo for 3")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"day": "some day", "place": {"city": "x"}}, "The argument 'day' does not fit"),
        ({"day": "2026-01-02", "place": {}}, "The argument 'place.city' does not fit"),
        ({"day": "2026-01-02"}, "The argument 'place' is missing."),
        ({"when": 1}, "There is no argument 'when'."),
    ],
)
async def test_arguments_that_do_not_fit_are_told_by_name(arguments: dict[str, Any], words: str) -> None:
    output = await forecast.run(arguments, ignore)
    assert output.is_error
    assert words in output.text


@pytest.mark.parametrize(
    ("hint", "schema"),
    [
        (str, {"type": "string"}),
        (list[int], {"type": "array", "items": {"type": "integer"}}),
        (dict[str, float], {"type": "object", "additionalProperties": {"type": "number"}}),
        (Literal["a", "b"], {"type": "string", "enum": ["a", "b"]}),
        (bool | None, {"anyOf": [{"type": "boolean"}, {"type": "null"}]}),
        (Unit, {"type": "string", "enum": ["c", "f"], "description": "What a temperature is measured in."}),
        (Annotated[int, Field(ge=1, description="n")], {"type": "integer", "minimum": 1, "description": "n"}),
        (
            Options,
            {
                "type": "object",
                "description": "What may be left out.",
                "properties": {"depth": {"type": "integer"}},
                "additionalProperties": False,
            },
        ),
    ],
)
def test_each_kind_of_hint_has_its_schema(hint: Any, schema: dict[str, Any]) -> None:
    assert schema_for(hint) == schema


def test_a_type_that_contains_itself_stays_a_reference() -> None:
    def walk(root: Node, other: Node) -> str:
        """Walk."""
        return root.kids[0].name + other.name

    parameters = function_tool(walk).declaration.parameters
    assert set(parameters["$defs"]) == {"Node"}
    jsonschema.Draft202012Validator.check_schema(parameters)
    tree = {"root": {"name": "a", "kids": [{"name": "b"}]}, "other": {"name": "c"}}
    jsonschema.validate(tree, parameters)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**tree, "other": {"name": "c", "kids": [{"nam": "b"}]}}, parameters)


@pytest.mark.parametrize(
    ("default", "told"),
    [
        (None, {}),
        (object(), {}),
        (Unit.CELSIUS, {"default": "c"}),
        (datetime.date(2026, 1, 2), {"default": "2026-01-02"}),
    ],
)
def test_a_default_is_told_where_json_has_a_form_for_it(default: Any, told: dict[str, Any]) -> None:
    assert schema_for(Any, default=default) == told


def test_a_parameter_may_have_any_name() -> None:
    def act(title: str, properties: str, model_config: str, json: str, self: str) -> str:
        """Act."""
        return title

    properties = function_tool(act).declaration.parameters["properties"]
    assert list(properties) == ["title", "properties", "model_config", "json", "self"]


async def test_progress_is_filled_in_and_no_parameter_for_the_model() -> None:
    reports: list[tuple[str, float | None]] = []

    @tool
    def slow(progress: OnToolProgress) -> str:
        """Report."""
        progress("half", 0.5)
        return "done"

    assert slow.declaration.parameters["properties"] == {}
    assert await slow.run({}, lambda *report: reports.append(report)) == ToolOutput("done")
    assert reports == [("half", 0.5)]


async def test_coroutine_functions_report_too() -> None:
    reports: list[str] = []

    @tool
    async def slow(progress: OnToolProgress) -> str:
        """Report."""
        progress("half", None)
        await asyncio.sleep(0)
        return "done"

    assert await slow.run({}, lambda message, _: reports.append(message)) == ToolOutput("done")
    assert reports == ["half"]


async def test_closures_and_bound_methods_can_be_tools() -> None:
    class Counter:
        def __init__(self) -> None:
            self.total = 0

        def add(self, n: int) -> int:
            """Add.

            Args:
                n: how much
            """
            self.total += n
            return self.total

    added = function_tool(Counter().add, name="add-up", title="Add", origin="mine.py", permission="never")
    assert added.declaration.parameters["properties"] == {"n": {"type": "integer", "description": "how much"}}
    assert (added.declaration.name, added.origin, added.permission) == ("add-up", "mine.py", "never")
    await added.run({"n": 2}, ignore)
    assert await added.run({"n": 3}, ignore) == ToolOutput("5")


def test_a_tool_can_still_be_used_as_a_function() -> None:
    assert forecast(datetime.date(2026, 1, 2), Place("Rome"), days=1) == "Friday in Rome for 1"


marker: ContextVar[str] = ContextVar("marker", default="unset")


async def test_a_function_runs_in_another_thread_with_our_context() -> None:
    @tool
    def look() -> list[str]:
        """Look."""
        return [marker.get(), threading.current_thread().name]

    marker.set("here")
    assert (await look.run({}, ignore)).text == '["here","tool call"]'


async def test_a_cancelled_thread_is_not_waited_for_and_ends_when_it_reports() -> None:
    running, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    @tool
    def slow(progress: OnToolProgress) -> None:
        """Wait."""
        running.set()
        go_on.wait()
        try:
            progress("never seen", None)
        except CallEnded:
            ended.set()
            raise

    reports: list[str] = []
    call = asyncio.create_task(slow.run({}, lambda message, _: reports.append(message)))
    await asyncio.to_thread(running.wait)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    go_on.set()
    await asyncio.to_thread(ended.wait)
    assert reports == []


def without_hint(x) -> None:  # type: ignore[no-untyped-def]
    """Act."""


def unknown_hint(x: Missing) -> None:  # type: ignore[name-defined]  # noqa: F821
    """Act."""


def foreign_hint(x: threading.Lock) -> None:  # type: ignore[valid-type]
    """Act."""


def callable_hint(x: Callable[[], int]) -> None:
    """Act."""


def positional(x: int, /) -> None:
    """Act."""


def many(*x: int) -> None:
    """Act."""


def named(**x: int) -> None:
    """Act."""


def field_default(x: int = Field(ge=1)) -> None:
    """Act."""


def other_progress(progress: int) -> None:
    """Act."""


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (without_hint, "without_hint: the parameter 'x' has no type hint."),
        (unknown_hint, "unknown_hint: the parameter 'x' has a type hint that cannot be resolved: name 'Missing'"),
        (foreign_hint, "foreign_hint: the parameter 'x' has a type"),
        (callable_hint, "callable_hint: the parameter 'x' has a type that JSON cannot give"),
        (positional, "positional: the parameter 'x' cannot be given by name"),
        (many, "many: the parameter 'x' cannot be given by name"),
        (named, "named: the parameter 'x' cannot be given by name"),
        (field_default, "field_default: the parameter 'x' has a Field as its default"),
        (other_progress, "other_progress: the parameter 'progress' has to be an OnToolProgress"),
    ],
)
def test_a_function_that_cannot_be_called_is_refused_by_name(function: Callable[..., Any], words: str) -> None:
    with pytest.raises(TypeError) as refused:
        function_tool(function)
    assert words in str(refused.value)


def test_a_function_needs_a_docstring() -> None:
    def mute() -> None:
        pass

    with pytest.raises(TypeError, match="mute has no docstring"):
        tool(mute)
    assert function_tool(mute, description="Say nothing.").declaration.description == "Say nothing."


def test_a_generator_is_refused() -> None:
    def count() -> Iterator[int]:
        """Count."""
        yield 1

    with pytest.raises(TypeError, match="count yields its result"):
        tool(count)


def test_what_another_process_cannot_find_is_not_isolated() -> None:
    def inner() -> None:
        """Act."""

    with pytest.raises(TypeError, match="inner is no function of a module"):
        function_tool(inner, isolated=True)


@pytest.mark.parametrize("name", ["", "two words", "a" * 65, "ünï", "a.b", "a\n"])
def test_names_that_no_model_can_call_are_refused(name: str) -> None:
    with pytest.raises(TypeError, match="cannot be a tool's name"):
        function_tool(positional, name=name)


async def test_a_partial_function_can_be_a_tool() -> None:
    nine = function_tool(functools.partial(forecast.function, days=9), name="nine", description="Nine days.")
    assert nine.declaration.parameters["properties"]["days"]["default"] == 9
    assert (await nine.run({"day": "2026-01-02", "place": {"city": "Bern"}}, ignore)).text == "Friday in Bern for 9"


@pytest.mark.parametrize("thing", [Place, 5, forecast])
def test_what_is_no_function_is_refused(thing: Any) -> None:
    with pytest.raises(TypeError, match="is no function"):
        function_tool(thing, name="thing")
