"""Puts the sources of tools together, for the whole program or for a command that needs no more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tether_desktop import paths
from tether_desktop.settings import Settings
from tether_desktop.tools.builtin.conversation_search import SearchConversations
from tether_desktop.tools.builtin.source import BuiltinTools
from tether_desktop.tools.mcp.servers import McpServers
from tether_desktop.tools.preferences import ToolPreferences
from tether_desktop.tools.toolbox import Toolbox


@dataclass(frozen=True, slots=True)
class Toolkit:
    """All that has to do with tools.

    Attributes:
        toolbox: the tools of all sources.
        mcp: the MCP servers.
    """

    toolbox: Toolbox
    mcp: McpServers

    async def start(self) -> None:
        """Look for own tools and start the servers that may start, without waiting for them."""
        await self.mcp.start()

    async def close(self) -> None:
        """End all that runs; idempotent."""
        await self.toolbox.close()


def make_toolkit(settings: Callable[[], Settings], search: SearchConversations) -> Toolkit:
    """The tools of this computer's person; nothing is read or started yet."""
    folder = paths.data_dir()
    preferences = ToolPreferences(paths.tool_preferences_path())
    mcp = McpServers(folder / "mcp.json", folder / "mcp-allowed.json", paths.log_dir() / "mcp")
    return Toolkit(Toolbox([BuiltinTools(settings, search), mcp], preferences), mcp)
