"""The tools that a server brings, and the one that reads its resources, as every other tool."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from tether_desktop.errors import showable
from tether_desktop.messages import ToolDeclaration
from tether_desktop.tools.mcp.states import McpResource, McpToolState
from tether_desktop.tools.mcp.tool_names import declared_name
from tether_desktop.tools.tool import OnToolProgress, Permission, ToolOutput

READ_RESOURCE = "read_resource"

_LISTED_RESOURCES = 20
_LONGEST_LISTED = 160
_URI = {
    "type": "object",
    "properties": {"uri": {"type": "string", "description": "The address of the resource, as listed."}},
    "required": ["uri"],
    "additionalProperties": False,
}


class ToolServer(Protocol):
    """A server as its tools see it."""

    @property
    def name(self) -> str:
        """As in the file of servers."""
        ...

    @property
    def timeout_s(self) -> float | None:
        """Seconds a call may take; None for the setting's."""
        ...

    async def call(self, tool: McpToolState, arguments: dict[str, Any], on_progress: OnToolProgress) -> ToolOutput:
        """Call a tool, if it still is what the person accepted."""
        ...

    async def read_resource(self, uri: str) -> ToolOutput:
        """Read a resource."""
        ...


class McpTool:
    """One tool of a server."""

    permission: Permission = "ask"

    def __init__(self, server: ToolServer, tool: McpToolState) -> None:
        self._server = server
        self._tool = tool
        self.declaration = ToolDeclaration(tool.declared_name, tool.description, tool.parameters)
        self.title = tool.title
        self.origin = f"MCP server {server.name}"

    @property
    def timeout_s(self) -> float | None:
        """Seconds after which a call is ended, where the file says so."""
        return self._server.timeout_s

    async def run(self, arguments: dict[str, Any], on_progress: OnToolProgress) -> ToolOutput:
        """Have the server do it; cancelling tells it to stop."""
        return await self._server.call(self._tool, arguments, on_progress)


class ReadResourceTool:
    """Reads what a server offers to be read."""

    permission: Permission = "ask"

    def __init__(self, server: ToolServer, resources: Sequence[McpResource]) -> None:
        self._server = server
        name = declared_name(server.name, READ_RESOURCE)
        self.declaration = ToolDeclaration(name, _description(server.name, resources), _URI)
        self.title = "Read a resource"
        self.origin = f"MCP server {server.name}"

    @property
    def timeout_s(self) -> float | None:
        """Seconds after which reading is ended, where the file says so."""
        return self._server.timeout_s

    async def run(self, arguments: dict[str, Any], on_progress: OnToolProgress) -> ToolOutput:  # noqa: ARG002  (a tool's)
        """Read it; cancelling tells the server to stop."""
        return await self._server.read_resource(str(arguments.get("uri", "")))


def _description(server: str, resources: Sequence[McpResource]) -> str:
    # Nobody is asked again when resources change, so no more of the server's words than it takes to find one.
    lines = [_line(each) for each in resources[:_LISTED_RESOURCES]]
    more = len(resources) - len(lines)
    rest = [f"and {more} more"] if more else []
    return "\n".join([f"Reads a resource of the MCP server {server} by its address. There are:", *lines, *rest])


def _line(resource: McpResource) -> str:
    text = f"{resource.uri} ({resource.name})" if resource.name != resource.uri else resource.uri
    flat = " ".join(showable(text).split())
    cut = flat if len(flat) <= _LONGEST_LISTED else f"{flat[:_LONGEST_LISTED]} …"
    return f"- {cut}" + (" with its parts in braces filled in" if resource.is_template else "")
