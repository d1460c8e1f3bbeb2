"""All tools of all sources, with what the person decided about each."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tether_desktop.errors import SettingsError
from tether_desktop.tools.declaration import BUILT_IN
from tether_desktop.tools.preferences import ToolPreferences
from tether_desktop.tools.tool import Permission, Tool, ToolSource

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ToolEntry:
    """A tool and what holds for it.

    Attributes:
        enabled: whether the model may know of it.
        permission: whether a call asks; "never" for a tool the model may not call though it is enabled.
    """

    tool: Tool
    enabled: bool
    permission: Permission

    @property
    def may_always_run(self) -> bool:
        """Whether "always" can be chosen for all conversations; otherwise it can for one at a time."""
        return _is_built_in(self.tool)


class Toolbox:
    """The tools of several sources under unique names; for the core's event loop.

    Attributes:
        on_change: called, without arguments, whenever tools come or go, or something was decided about one.
    """

    def __init__(self, sources: Sequence[ToolSource], preferences: ToolPreferences) -> None:
        """Put the sources together; of two tools with one name, that of the earlier source is taken."""
        self.on_change: list[Callable[[], None]] = []
        self._sources = tuple(sources)
        self._preferences = preferences
        self._told: frozenset[str] = frozenset()
        for source in self._sources:
            callbacks: list[Callable[[], None]] | None = getattr(source, "on_change", None)
            if callbacks is not None:
                callbacks.append(self._tell)

    def entries(self) -> tuple[ToolEntry, ...]:
        """All tools, in the order of their sources."""
        return tuple(self._entry(tool) for tool in self._look()[0].values())

    def offered(self) -> tuple[Tool, ...]:
        """The tools that a model is told of: enabled, and not forbidden."""
        return tuple(each.tool for each in self.entries() if each.enabled and each.permission != "never")

    def problems(self) -> tuple[str, ...]:
        """What keeps tools from being there, in sentences for people."""
        damaged = self._preferences.problem
        return (*((f"{damaged.message} {damaged.hint}",) if damaged else ()), *self._look()[1])

    def get(self, name: str) -> Tool | None:
        """The tool of that name, enabled or not; None where there is none."""
        return self._look()[0].get(name)

    def permission(self, name: str) -> Permission:
        """What holds for a call: "never" also for a tool that is switched off or not there."""
        tool = self.get(name)
        if tool is None:
            return "never"
        entry = self._entry(tool)
        return entry.permission if entry.enabled else "never"

    async def set_enabled(self, name: str, on: bool) -> None:
        """Switch a tool on or off.

        Raises:
            SettingsError: it cannot be saved.
        """
        await asyncio.to_thread(self._preferences.set_off, name, off=not on)
        self._tell()

    async def set_permission(self, name: str, permission: Permission | None) -> None:
        """Decide whether calls of a tool ask; None leaves it to the tool again.

        Raises:
            SettingsError: the tool may not always run unasked, or it cannot be saved.
        """
        tool = self.get(name)
        if permission == "always" and not (tool and _is_built_in(tool)):
            raise SettingsError(
                "This tool has to ask",
                f"{name} is {f'from {tool.origin}' if tool else 'not there'}, so it cannot be allowed for good.",
                "Choose “always in this chat” when it asks.",
            )
        await asyncio.to_thread(self._preferences.set_permission, name, permission)
        self._tell()

    async def close(self) -> None:
        """End all sources; idempotent."""
        results = await asyncio.gather(*(source.close() for source in self._sources), return_exceptions=True)
        for source, result in zip(self._sources, results, strict=True):
            if isinstance(result, BaseException):
                logger.error("%s did not close", type(source).__name__, exc_info=result)

    def _entry(self, tool: Tool) -> ToolEntry:
        name = tool.declaration.name
        permission = self._preferences.permission(name) or tool.permission
        if permission == "always" and not _is_built_in(tool):
            # The file can be written by hand, and a tool's name can pass to another tool.
            permission = "ask"
        return ToolEntry(tool, not self._preferences.is_off(name), permission)

    def _look(self) -> tuple[dict[str, Tool], tuple[str, ...]]:
        """The tools by name, and what went wrong."""
        tools: dict[str, Tool] = {}
        problems: list[str] = []
        for source in self._sources:
            try:
                for name, tool in _named(source):
                    first = tools.setdefault(name, tool)
                    if first is not tool:
                        problems.append(_clash(name, first, tool))
            # A source is anybody's code; the tools of the others stay.
            except Exception as error:  # noqa: BLE001
                problems.append(f"The tools of {type(source).__name__} cannot be listed: {error}.")
                self._log_once(problems[-1], error)
        return tools, tuple(problems)

    def _log_once(self, problem: str, error: Exception) -> None:
        if problem not in self._told:
            logger.error("%s", problem, exc_info=error)
            self._told |= {problem}

    def _tell(self) -> None:
        for callback in list(self.on_change):
            callback()


def _named(source: ToolSource) -> Iterator[tuple[str, Tool]]:
    for tool in source.tools():
        yield tool.declaration.name, tool


def _clash(name: str, first: Tool, second: Tool) -> str:
    return f"Two tools are called {name}: that of {first.origin} is used, that of {second.origin} is not."


def _is_built_in(tool: Tool) -> bool:
    return tool.origin == BUILT_IN
