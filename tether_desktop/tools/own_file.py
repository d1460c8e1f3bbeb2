"""A Python file with a person's own tools, as the process of a call loads it."""

from __future__ import annotations

import sys
import traceback
import types
from dataclasses import replace
from pathlib import PurePath
from typing import Any

from tether_desktop.tools.declaration import FunctionTool


class BrokenFile(Exception):
    """A file cannot be used; says why, and in which line."""


def load(name: str, source: bytes) -> list[FunctionTool]:
    """Run a file and find its tools, in the order of their declaration.

    Raises:
        BrokenFile: it does not run, or declares no tools that can be told apart.
    """
    module = types.ModuleType(f"own_tools_{PurePath(name).stem}")
    module.__file__ = name
    # Hints are looked up there by the names in them.
    sys.modules[module.__name__] = module
    try:
        exec(compile(source, name, "exec", dont_inherit=True), module.__dict__)  # noqa: S102  (it was allowed)
    # The file is the person's: whatever it raises is for them to know, SystemExit too.
    except BaseException as error:
        raise BrokenFile(_described(error, name)) from error
    tools = [replace(each, permission="ask") for each in _declared_in(module)]
    names = [tool.declaration.name for tool in tools]
    if twice := {each for each in names if names.count(each) > 1}:
        raise BrokenFile(f"Two tools in it are called {min(twice)}.")
    if not tools:
        raise BrokenFile("It declares no tool: put @tool above a function.")
    return tools


def declared(tool: FunctionTool) -> dict[str, Any]:
    """What the program has to know of a tool, as JSON values."""
    return {
        "name": tool.declaration.name,
        "description": tool.declaration.description,
        "parameters": tool.declaration.parameters,
        "title": tool.title,
        "timeout_s": tool.timeout_s,
    }


def _declared_in(module: types.ModuleType) -> list[FunctionTool]:
    """Not those that the file only imports."""
    tools = {id(each): each for each in vars(module).values() if isinstance(each, FunctionTool)}
    return [each for each in tools.values() if getattr(each.function, "__module__", None) == module.__name__]


def _described(error: BaseException, name: str) -> str:
    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    if isinstance(error, SyntaxError) and error.filename == name:
        return f"Line {error.lineno}: {type(error).__name__}: {error.msg}."
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == name]
    return f"Line {lines[-1]}: {what}" if lines else what
