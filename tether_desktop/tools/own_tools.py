"""A person's own tools: Python files in the tools folder, run only as they were allowed, each call in a process."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from tether_desktop.errors import SettingsError, showable
from tether_desktop.messages import ToolDeclaration
from tether_desktop.tools.child_call import OwnSource, ask_for_tools, call_own
from tether_desktop.tools.declaration import TOOL_NAME
from tether_desktop.tools.preferences import ToolPreferences
from tether_desktop.tools.tool import OnToolProgress, Permission, Tool, ToolOutput

logger = logging.getLogger(__name__)

OwnFileStatus = Literal["needs_approval", "changed", "broken", "ready"]

_LARGEST_FILE = 1 << 20
_MOST_FILES = 100
_LOAD_S = 15.0
_LONGEST_TIMEOUT_S = 3600.0


@dataclass(frozen=True, slots=True)
class OwnFile:
    """A file of the tools folder.

    Attributes:
        name: of the file, without its folder.
        status: "needs_approval" before anybody allowed it, "changed" since it was allowed, "broken", or "ready".
        sha256: of its content, for :meth:`OwnTools.allow`; empty where it cannot be read.
        problem: what is wrong with a broken one.
        tools: the names of its tools, when it is ready.
    """

    name: str
    path: Path
    status: OwnFileStatus
    sha256: str = ""
    problem: str = ""
    tools: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OwnTool:
    """A tool of an own file; each call runs what was allowed, in a process of its own."""

    declaration: ToolDeclaration
    title: str
    timeout_s: float | None
    source: OwnSource
    sha256: str

    @property
    def origin(self) -> str:
        """The file."""
        return self.source.name

    @property
    def permission(self) -> Permission:
        """It asks, whatever it says itself."""
        return "ask"

    async def run(self, arguments: dict[str, Any], on_progress: OnToolProgress) -> ToolOutput:
        """Call it, unless the file has been changed since it was allowed."""
        found = await asyncio.to_thread(_content, self.source.folder / self.source.name)
        if found is None or _sha256(found) != self.sha256:
            return ToolOutput(f"{self.source.name} was changed, and has to be allowed again before it runs.", True)
        return await call_own(self.source, self.declaration.name, arguments, on_progress)


@dataclass(frozen=True, slots=True)
class _Loaded:
    """What the process said of one content of a file."""

    problem: str = ""
    tools: tuple[OwnTool, ...] = ()


@dataclass(slots=True)
class _Seen:
    file: OwnFile
    tools: tuple[OwnTool, ...] = field(default=())


class OwnTools:
    """The source of a person's own tools; for the core's event loop.

    Attributes:
        on_change: called, without arguments, whenever a look at the folder found something else than the last.
    """

    def __init__(self, folder: Path, preferences: ToolPreferences) -> None:
        """Prepare; nothing is known before the first :meth:`refresh`."""
        self.folder = folder
        self.on_change: list[Callable[[], None]] = []
        self._preferences = preferences
        self._seen: dict[str, _Seen] = {}
        self._loaded: dict[tuple[str, str], _Loaded] = {}
        self._looking = asyncio.Lock()

    def files(self) -> tuple[OwnFile, ...]:
        """The Python files of the folder, by name, as the last look found them."""
        return tuple(seen.file for seen in self._seen.values())

    def tools(self) -> Sequence[Tool]:
        """Those of all files that are ready."""
        return [tool for seen in self._seen.values() for tool in seen.tools]

    async def refresh(self) -> None:
        """Look at the folder; what was allowed and has not changed is loaded, in a process of its own."""
        async with self._looking:
            before = self.files()
            contents = await asyncio.to_thread(_contents, self.folder)
            self._seen = {name: await self._look_at(name, content) for name, content in contents.items()}
            kept = {(name, seen.file.sha256) for name, seen in self._seen.items()}
            self._loaded = {key: each for key, each in self._loaded.items() if key in kept}
        if self.files() != before:
            for callback in list(self.on_change):
                callback()

    async def allow(self, name: str, sha256: str | None = None) -> None:
        """Let a file run as it is now, and load it.

        Args:
            name: the file's.
            sha256: of the content that the person was shown.

        Raises:
            SettingsError: there is no such file, it is not what was shown, or the answer cannot be saved.
        """
        await self.refresh()
        file = self._file(name)
        if not file.sha256 or (sha256 is not None and sha256 != file.sha256):
            reason = file.problem or f"{file.path} has just been changed."
            raise SettingsError("The file was not allowed", reason, "Look at it again, then allow it.")
        await asyncio.to_thread(self._preferences.allow_file, name, file.sha256)
        self._loaded.pop((name, file.sha256), None)
        await self.refresh()

    async def forbid(self, name: str) -> None:
        """Let a file run no more; one that is gone already is forgotten.

        Raises:
            SettingsError: the answer cannot be saved.
        """
        await asyncio.to_thread(self._preferences.allow_file, name, None)
        await self.refresh()

    async def close(self) -> None:
        """Nothing to end: the process of a call ends with the call."""

    def _file(self, name: str) -> OwnFile:
        if name not in self._seen:
            raise SettingsError("There is no such file", f"{name} is not in {self.folder}.")
        return self._seen[name].file

    async def _look_at(self, name: str, content: bytes | str) -> _Seen:
        path = self.folder / name
        if isinstance(content, str):
            return _Seen(OwnFile(name, path, "broken", problem=content))
        sha256 = _sha256(content)
        allowed = await asyncio.to_thread(self._preferences.allowed_sha256, name)
        if allowed != sha256:
            return _Seen(OwnFile(name, path, "changed" if allowed else "needs_approval", sha256))
        if (name, sha256) not in self._loaded:
            # Exactly what was hashed is what runs; the file may be another one by now.
            self._loaded[name, sha256] = await _load(OwnSource(name, content, self.folder), sha256)
        loaded = self._loaded[name, sha256]
        if loaded.problem:
            return _Seen(OwnFile(name, path, "broken", sha256, loaded.problem))
        names = tuple(tool.declaration.name for tool in loaded.tools)
        return _Seen(OwnFile(name, path, "ready", sha256, tools=names), loaded.tools)


async def _load(source: OwnSource, sha256: str) -> _Loaded:
    try:
        async with asyncio.timeout(_LOAD_S):
            answer = await ask_for_tools(source)
    except TimeoutError:
        return _Loaded(f"It did not come to its end within {_LOAD_S:g} seconds.")
    if "tools" not in answer:
        logger.info("%s cannot be loaded: %s", source.name, answer.get("broken"))
        return _Loaded(showable(str(answer.get("broken"))))
    try:
        return _Loaded(tools=tuple(_tool(each, source, sha256) for each in answer["tools"]))
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        return _Loaded(f"It declares what is no tool: {error}.")


def _tool(declared: Mapping[str, Any], source: OwnSource, sha256: str) -> OwnTool:
    """What a process says of a tool; the process ran anybody's code, so it may say anything."""
    name, description, parameters = declared["name"], declared["description"], declared["parameters"]
    if not (isinstance(name, str) and TOOL_NAME.fullmatch(name)):
        raise ValueError(f"{name!r} cannot be a tool's name")
    if not (isinstance(description, str) and isinstance(parameters, dict)):
        raise TypeError(f"{name} has no description, or no schema")
    # Half a character, which JSON can hold, could neither be stored nor sent; the error says where.
    json.dumps([parameters, description], ensure_ascii=False).encode()
    timeout_s = None if declared["timeout_s"] is None else float(declared["timeout_s"])
    if timeout_s is not None and not 0 < timeout_s <= _LONGEST_TIMEOUT_S:
        raise ValueError(f"{name} has a timeout of {timeout_s:g} seconds")
    declaration = ToolDeclaration(name, description, parameters)
    return OwnTool(declaration, showable(str(declared["title"])), timeout_s, source, sha256)


def _contents(folder: Path) -> dict[str, bytes | str]:
    """The content of each file, or why it cannot be read."""
    try:
        names = sorted(path.name for path in folder.glob("*.py"))
    except OSError:
        return {}
    return {name: _content_or_problem(folder / name) for name in names[:_MOST_FILES]}


def _content_or_problem(path: Path) -> bytes | str:
    content = _content(path)
    return f"It cannot be read, or is larger than {_LARGEST_FILE >> 20} MB." if content is None else content


def _content(path: Path) -> bytes | None:
    try:
        if not path.is_file():
            return None
        with path.open("rb") as file:
            content = file.read(_LARGEST_FILE + 1)
    except OSError:
        return None
    return content if len(content) <= _LARGEST_FILE else None


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
