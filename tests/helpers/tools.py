"""Tools for tests: any function under any name, and a gate that calls pass together or not at all."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tether_desktop.messages import ToolDeclaration
from tether_desktop.tools.declaration import BUILT_IN
from tether_desktop.tools.tool import OnToolProgress, Permission, Tool, ToolOutput

_TYPES = {str: "string", int: "integer", float: "number", bool: "boolean"}


@dataclass(frozen=True)
class PlainTool:
    """A function as a tool, without any of what the decorator does."""

    declaration: ToolDeclaration
    function: Callable[..., Any]
    permission: Permission = "always"
    reports: bool = False
    timeout_s: float | None = None
    origin: str = BUILT_IN
    title: str = "A tool of a test"

    async def run(self, arguments: dict[str, Any], on_progress: OnToolProgress) -> ToolOutput:
        """Call the function."""
        result = self.function(on_progress) if self.reports else self.function(**arguments)
        return ToolOutput(await result if inspect.isawaitable(result) else result)


def tool_named(
    name: str,
    function: Callable[..., Any],
    *,
    permission: Permission = "always",
    reports: bool = False,
    **parameters: type,
) -> PlainTool:
    """A tool; ``parameters`` are its arguments' types, all of them needed."""
    properties = {each: {"type": _TYPES[kind]} for each, kind in parameters.items()}
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return PlainTool(ToolDeclaration(name, f"Does {name}.", schema), function, permission, reports)


@dataclass
class FixedTools:
    """A source of tools that never change."""

    fixed: Sequence[Tool] = field(default_factory=tuple)

    def tools(self) -> Sequence[Tool]:
        """All of them."""
        return self.fixed

    async def close(self) -> None:
        """Nothing runs."""


class Gate:
    """Lets calls pass once all of them are there."""

    def __init__(self, count: int) -> None:
        self._barrier = asyncio.Barrier(count)

    async def pass_together(self) -> str:
        """Wait for the others."""
        await self._barrier.wait()
        return "passed"
