"""Makes a tool of a Python function: name, schema and description come from its hints and its docstring."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, overload

from docstring_parser import ParseError
from docstring_parser.google import parse

from tether_desktop.messages import ToolDeclaration
from tether_desktop.tools.answer import answer_of
from tether_desktop.tools.schema import Parameter, converted, parameters_of, schema_of, takes_progress
from tether_desktop.tools.tool import OnToolProgress, Permission, ToolOutput
from tether_desktop.tools.worker_thread import run_in_thread

__all__ = ["FunctionTool", "OnToolProgress", "ToolOutput", "function_tool", "tool"]

BUILT_IN = "Built in"
TOOL_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True, eq=False)
class FunctionTool:
    """A function that a model can call.

    Attributes:
        function: what is called; in a thread of its own unless it is a coroutine function.
        parameters: what the model fills in.
        isolated: whether it runs in a child process, which can be ended whatever it does.
    """

    function: Callable[..., Any]
    parameters: tuple[Parameter, ...]
    declaration: ToolDeclaration
    title: str
    origin: str
    permission: Permission
    timeout_s: float | None
    isolated: bool

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """The function itself, for code that uses it as one."""
        return self.function(*arguments, **named)

    async def run(self, arguments: dict[str, Any], on_progress: OnToolProgress) -> ToolOutput:
        """Call the function; what it gives back becomes text.

        Cancelling ends a coroutine and a child process. A thread cannot be ended: it is left to itself,
        and ends when it next reports progress. What may take long is ``isolated``, therefore.
        """
        if self.isolated:
            from tether_desktop.tools.child_call import call_function

            return await call_function(self, arguments, on_progress)
        try:
            given = self.given(arguments, on_progress)
        except ValueError as problem:
            return ToolOutput(str(problem), is_error=True)
        if inspect.iscoroutinefunction(self.function):
            return answer_of(await self.function(**given))
        return await run_in_thread(functools.partial(_called, self.function, given), given.get("progress"))

    def given(self, arguments: Mapping[str, Any], on_progress: OnToolProgress) -> dict[str, Any]:
        """What the function is called with: the arguments as its hints want them, and what it asks of us.

        Raises:
            ValueError: an argument does not fit, in words for the model.
        """
        reports = {"progress": on_progress} if takes_progress(self.function) else {}
        return {**converted(self.parameters, arguments), **reports}


def _called(function: Callable[..., Any], given: dict[str, Any], progress: OnToolProgress | None) -> ToolOutput:
    # The answer is made in the thread as well: a large result takes long to become text.
    return answer_of(function(**given) if progress is None else function(**{**given, "progress": progress}))


def function_tool(
    function: Callable[..., Any],
    *,
    name: str | None = None,
    title: str | None = None,
    description: str | None = None,
    origin: str = BUILT_IN,
    permission: Permission = "ask",
    isolated: bool = False,
    timeout_s: float | None = None,
) -> FunctionTool:
    """A tool of any function, closures and bound methods too.

    Args:
        function: its parameters have type hints, its docstring tells the model what it does and what each
            parameter means (Google style). A parameter ``progress: OnToolProgress`` is filled in by us.
        name: what the model calls it by; its own name by default.
        title: for people; the name in words by default.
        description: instead of the docstring's.
        origin: where it is from, for people.
        permission: whether a call asks the person first, where nobody has said otherwise.
        isolated: run it in a child process; it has to be found by name in its module, then.
        timeout_s: seconds after which a call is ended; None takes the setting's.

    Raises:
        TypeError: no tool can be made of it; names the function and the parameter.
    """
    name = getattr(function, "__name__", "") if name is None else name
    if not TOOL_NAME.fullmatch(name):
        raise TypeError(f"{name!r} cannot be a tool's name: use up to 64 letters, digits, '_' and '-'.")
    _check_kind(function, name, isolated=isolated)
    text, described = _documentation(function, name, description)
    parameters = parameters_of(function, described)
    declaration = ToolDeclaration(name, text, schema_of(parameters))
    shown = title or name.replace("_", " ").replace("-", " ").strip().capitalize() or name
    return FunctionTool(function, parameters, declaration, shown, origin, permission, timeout_s, isolated)


@overload
def tool(function: Callable[..., Any], /) -> FunctionTool: ...


@overload
def tool(
    *,
    name: str | None = None,
    title: str | None = None,
    permission: Permission = "ask",
    isolated: bool = False,
    timeout_s: float | None = None,
) -> Callable[[Callable[..., Any]], FunctionTool]: ...


def tool(function: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Make a tool of the function below it, with or without options: those of :func:`function_tool`.

    Raises:
        TypeError: no tool can be made of it; names the function and the parameter.
    """
    if function is None:
        return functools.partial(function_tool, **options)
    return function_tool(function)


def _check_kind(function: Callable[..., Any], name: str, *, isolated: bool) -> None:
    if not inspect.isroutine(function) and not isinstance(function, functools.partial):
        raise TypeError(f"{name} is no function.")
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise TypeError(f"{name} yields its result piece by piece: return all of it, a list for example.")
    if isolated and (inspect.ismethod(function) or "<locals>" in getattr(function, "__qualname__", "<locals>")):
        raise TypeError(f"{name} is no function of a module, so another process cannot find it to run it isolated.")


def _documentation(function: Callable[..., Any], name: str, description: str | None) -> tuple[str, dict[str, str]]:
    """What the docstring says of the function, and of its parameters by name."""
    try:
        document = parse(inspect.getdoc(function) or "")
    except ParseError as error:
        raise TypeError(f"{name}: the docstring cannot be read: {error}.") from error
    text = description or document.description or ""
    if not text.strip():
        raise TypeError(f"{name} has no docstring, which would tell the model what it does.")
    described = {each.arg_name: " ".join(each.description.split()) for each in document.params if each.description}
    return text.strip(), described
