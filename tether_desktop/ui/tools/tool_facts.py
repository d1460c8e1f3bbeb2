"""What the window knows of the tools and where they are from: values without Qt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tether_desktop.errors import TetherError
    from tether_desktop.tools.mcp.states import McpPrompt, McpServerState
    from tether_desktop.tools.own_tools import OwnFile
    from tether_desktop.tools.tool import Permission


@dataclass(frozen=True, slots=True)
class ToolFacts:
    """A tool as it is shown.

    Attributes:
        name: what the model calls it.
        title: what people call it.
        origin: where it is from: "Built in", a file, a server.
        description: what the model reads of it.
        enabled: whether models are told of it.
        permission: whether its calls ask.
        may_always_run: whether "always" can be chosen for all chats; otherwise it can for one at a time.
    """

    name: str
    title: str
    origin: str
    description: str = ""
    enabled: bool = True
    permission: Permission = "ask"
    may_always_run: bool = True

    @property
    def offered(self) -> bool:
        """Whether a model may call it."""
        return self.enabled and self.permission != "never"


ToolNames = Mapping[str, ToolFacts]
"""The tools by name."""


@dataclass(frozen=True, slots=True)
class ServerPrompt:
    """A text that an MCP server has ready."""

    server: str
    prompt: McpPrompt


@dataclass(frozen=True, slots=True)
class ToolsSnapshot:
    """All that is known of the tools at one moment.

    Attributes:
        tools: all of them, whether offered or not.
        problems: what keeps tools from being there, in sentences.
        files: the person's own files.
        folder: where these lie.
        servers: the MCP servers.
        servers_file: where they are listed.
        problem: why that cannot be read; None where it can.
    """

    tools: tuple[ToolFacts, ...] = ()
    problems: tuple[str, ...] = ()
    files: tuple[OwnFile, ...] = ()
    folder: str = ""
    servers: tuple[McpServerState, ...] = ()
    servers_file: str = ""
    problem: TetherError | None = None

    @property
    def by_name(self) -> dict[str, ToolFacts]:
        """The tools by name."""
        return {tool.name: tool for tool in self.tools}

    @property
    def prompts(self) -> tuple[ServerPrompt, ...]:
        """Those of all servers that run."""
        return tuple(
            ServerPrompt(server.name, prompt)
            for server in self.servers
            if server.status in {"ready", "changed"}
            for prompt in server.prompts
        )
