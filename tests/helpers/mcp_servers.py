"""Servers of the tests, started as a person's would be."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.helpers.clock import VirtualClock
from tether_desktop.tools.mcp.servers import McpServers
from tether_desktop.tools.mcp.states import McpServerState
from tether_desktop.tools.mcp.timing import Timing
from tether_desktop.tools.tool import Tool, ToolOutput

HERE = Path(__file__).parent
LONGEST_S = 60.0


def raw(mode: str, mark: Path | None = None, **more: Any) -> dict[str, Any]:
    """The entry of a server without the SDK."""
    arguments = ["-I", "-S", str(HERE / "mcp_server_raw.py"), mode, *([str(mark)] if mark else [])]
    return {"command": sys.executable, "args": arguments, **more}


def full() -> dict[str, Any]:
    """The entry of a server made with the SDK."""
    return {"command": sys.executable, "args": [str(HERE / "mcp_server_full.py")]}


class McpHouse:
    """A data folder with servers in it.

    Attributes:
        clock: by which restarts wait; it runs as fast as it can.
        servers: what is tested.
    """

    def __init__(self, folder: Path, **timing: Any) -> None:
        self.folder = folder
        self.clock = VirtualClock()
        base = Timing(end=0.3, restarts=(1.0, 2.0), now=self.clock.now, sleep=self.clock.sleep)
        self.timing = replace(base, **timing)
        self.servers = self.make()

    @property
    def config(self) -> Path:
        """The file of servers."""
        return self.folder / "mcp.json"

    def make(self) -> McpServers:
        """Another program on the same folder."""
        return McpServers(self.config, self.folder / "mcp-state.json", self.folder / "logs", timing=self.timing)

    def write(self, **entries: Any) -> None:
        """Write the file as another program would."""
        self.config.write_text(json.dumps({"mcpServers": entries}), encoding="utf-8")

    async def run(self, **entries: Any) -> None:
        """Write the file, start, and allow everything."""
        self.write(**entries)
        await self.servers.start()
        for state in self.servers.servers():
            if state.status == "needs_approval":
                await self.servers.allow(state.name, state)
        await asyncio.wait_for(self.servers.settled(), LONGEST_S)

    def state(self, name: str = "it") -> McpServerState:
        """How a server is."""
        return next(state for state in self.servers.servers() if state.name == name)

    async def until(self, wanted: Callable[[McpServerState], bool], name: str = "it") -> McpServerState:
        """Wait for a server to come to a state."""
        changed = asyncio.Event()
        self.servers.on_change.append(changed.set)
        try:
            async with asyncio.timeout(LONGEST_S):
                while not wanted(self.state(name)):
                    changed.clear()
                    await changed.wait()
        finally:
            self.servers.on_change.remove(changed.set)
        return self.state(name)

    async def until_logged(self, text: str, name: str = "it") -> None:
        """Wait for a server to have printed something."""
        async with asyncio.timeout(LONGEST_S):
            while text not in await self.servers.log(name):  # noqa: ASYNC110  (another process writes it)
                await asyncio.sleep(0.01)

    def tool(self, name: str) -> Tool:
        """A tool that can be called now."""
        return {tool.declaration.name: tool for tool in self.servers.tools()}[name]

    async def call(self, name: str, **arguments: Any) -> ToolOutput:
        """Call a tool."""
        return await asyncio.wait_for(self.tool(name).run(arguments, lambda *_: None), LONGEST_S)


@asynccontextmanager
async def mcp_house(folder: Path, **timing: Any) -> AsyncIterator[McpHouse]:
    """A house whose servers are ended at the end."""
    house = McpHouse(folder, **timing)
    try:
        yield house
    finally:
        await house.servers.close()
