"""Puts the sources of tools together, for the whole program or for a command that needs no more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from tether_desktop import paths
from tether_desktop.settings import Settings
from tether_desktop.tools.builtin.conversation_search import SearchConversations
from tether_desktop.tools.builtin.source import BuiltinTools
from tether_desktop.tools.mcp.servers import McpServers
from tether_desktop.tools.own_tools import OwnTools
from tether_desktop.tools.preferences import ToolPreferences
from tether_desktop.tools.toolbox import Toolbox


@dataclass(frozen=True, slots=True)
class Toolkit:
    """All that has to do with tools.

    Attributes:
        toolbox: the tools of all sources.
        own_tools: the person's own files.
        mcp: the MCP servers.
    """

    toolbox: Toolbox
    own_tools: OwnTools
    mcp: McpServers
    _looking: set[asyncio.Task[None]] = field(default_factory=set)

    async def start(self) -> None:
        """Look for own tools and start the servers that may start, without waiting for them."""
        look = asyncio.create_task(self.own_tools.refresh())
        self._looking.add(look)
        look.add_done_callback(self._looking.discard)
        await self.mcp.start()

    async def settled(self) -> None:
        """Return when the own tools are known, and no server is about to start for the first time."""
        await asyncio.gather(*self._looking, self.mcp.settled())

    async def close(self) -> None:
        """End all that runs; idempotent."""
        for look in self._looking:
            look.cancel()
        await asyncio.gather(*self._looking, return_exceptions=True)
        await self.toolbox.close()


def make_toolkit(settings: Callable[[], Settings], search: SearchConversations) -> Toolkit:
    """The tools of this computer's person; nothing is read or started yet."""
    folder = paths.data_dir()
    preferences = ToolPreferences(paths.tool_preferences_path())
    mcp = McpServers(folder / "mcp.json", folder / "mcp-allowed.json", paths.log_dir() / "mcp")
    own_tools = OwnTools(paths.tools_dir(), preferences)
    return Toolkit(Toolbox([BuiltinTools(settings, search), own_tools, mcp], preferences), own_tools, mcp)
