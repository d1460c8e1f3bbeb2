"""One server while the program runs: started when it may, started again when it dies, asked, and ended."""

from __future__ import annotations

import asyncio
import importlib
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tether_desktop.errors import McpServerError
from tether_desktop.tools.mcp.approvals import Approvals
from tether_desktop.tools.mcp.server_log import ServerLog
from tether_desktop.tools.mcp.server_tool import READ_RESOURCE, McpTool, ReadResourceTool
from tether_desktop.tools.mcp.spec import ServerSpec
from tether_desktop.tools.mcp.states import McpFault, McpListing, McpServerState, McpStatus, McpToolState
from tether_desktop.tools.mcp.timing import Timing
from tether_desktop.tools.mcp.tool_names import declared_name
from tether_desktop.tools.tool import OnToolProgress, Tool, ToolOutput

if TYPE_CHECKING:
    from tether_desktop.tools.mcp.connection import Connection

logger = logging.getLogger(__name__)


class Supervisor:
    """Keeps one server of the file running."""

    def __init__(
        self, spec: ServerSpec, approvals: Approvals, log: ServerLog, timing: Timing, on_change: Callable[[], None]
    ) -> None:
        self.spec = spec
        self.log = log
        self._approvals = approvals
        self._timing = timing
        self._on_change = on_change
        self._task: asyncio.Task[None] | None = None
        self._connection: Connection | None = None
        self._listing = McpListing()
        self._fault: McpFault | None = None
        self._ready_since: float | None = None
        self._mode = "auto"
        self._settled = asyncio.Event()
        self._settled.set()

    @property
    def name(self) -> str:
        """As in the file of servers."""
        return self.spec.name

    @property
    def timeout_s(self) -> float | None:
        """Seconds a call may take; None for the setting's."""
        return self.spec.timeout_s

    @property
    def allowed(self) -> bool:
        """Whether the person allowed exactly what would be started."""
        return self.spec.launch is not None and self._approvals.allows(self.name, self.spec.fingerprint)

    @property
    def status(self) -> McpStatus:
        """How the server is."""
        if not self.spec.enabled:
            return "off"
        if self.spec.launch is None:
            return "failed"
        if not self.allowed:
            return "needs_approval"
        if self._connection is not None:
            return "changed" if any(tool.change for tool in self._listing.tools) else "ready"
        if self._task is not None and not self._task.done():
            return "starting"
        return "failed" if self._fault else "stopped"

    def state(self) -> McpServerState:
        """All that is known of it."""
        spec, listing = self.spec, self._listing
        status = self.status
        fault = self._fault if status in {"starting", "failed"} else None
        return McpServerState(
            *(spec.name, spec.command_line, spec.variables, status),
            problem=fault.problem if fault else spec.problem,
            hint=fault.hint if fault else spec.hint,
            **{name: getattr(listing, name) for name in ("tools", "resources", "prompts", "version", "instructions")},
            folder=spec.folder,
        )

    def tools(self) -> list[Tool]:
        """Those that can be called now."""
        if self._connection is None:
            return []
        tools: list[Tool] = [McpTool(self, tool) for tool in self._listing.tools if not tool.change]
        reading = declared_name(self.name, READ_RESOURCE)
        if self._listing.resources and all(tool.declared_name != reading for tool in self._listing.tools):
            tools.append(ReadResourceTool(self, self._listing.resources))
        return tools

    def start(self) -> None:
        """Start the server if it is on, allowed and not running."""
        if self.spec.enabled and self.allowed and (self._task is None or self._task.done()):
            self._fault = None
            self._settled.clear()
            self._task = asyncio.create_task(self._run(), name=f"MCP server {self.name}")

    async def stop(self) -> None:
        """End the server and all that it started; idempotent."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        self._settled.set()
        await asyncio.to_thread(self.log.close)

    async def settled(self) -> None:
        """Return when the server is no longer about to start."""
        await self._settled.wait()

    async def call(self, tool: McpToolState, arguments: dict[str, Any], on_progress: OnToolProgress) -> ToolOutput:
        """Call a tool, if it still is what the person accepted."""
        current = next((each for each in self._listing.tools if each.name == tool.name), None)
        if self._connection is None:
            return ToolOutput(self._not_running(), is_error=True)
        if current is None or current.change or current.digest != tool.digest:
            message = f"The MCP server {self.name} has changed this tool. It is withheld until the person accepts it."
            return ToolOutput(message, is_error=True)
        return await self._connection.call(tool.name, arguments, on_progress)

    async def read_resource(self, uri: str) -> ToolOutput:
        """Read a resource; whatever goes wrong is an answer."""
        if self._connection is None:
            return ToolOutput(self._not_running(), is_error=True)
        return await self._connection.read_resource(uri)

    async def get_prompt(self, prompt: str, arguments: dict[str, str]) -> str:
        """The text of a prompt.

        Raises:
            McpServerError: the server does not run, or does not give it.
        """
        if self._connection is None:
            raise McpServerError("The MCP server does not run", self._not_running())
        return await self._connection.get_prompt(prompt, arguments)

    async def accept(self, tools: tuple[McpToolState, ...]) -> None:
        """Accept tools as they were shown.

        Raises:
            SettingsError: the answer cannot be saved.
        """
        pins = (self._approvals.pins(self.name) or {}) | {tool.name: tool.digest for tool in tools}
        await asyncio.to_thread(self._approvals.pin, self.name, pins)
        self._listing = self._compared(self._listing)
        self._on_change()

    async def _run(self) -> None:
        waits = iter(self._timing.restarts)
        while True:
            self._on_change()
            fault = await self._serve()
            if self._ready_since is not None and self._timing.now() - self._ready_since >= self._timing.steady:
                waits = iter(self._timing.restarts)
            wait = None if fault.final else next(waits, None)
            logger.warning("MCP server %s: %s", self.name, fault.problem)
            await asyncio.to_thread(self.log.write, fault.problem)
            if wait is None:
                self._fault = fault
                break
            self._fault = replace(fault, problem=f"{fault.problem} It is started again in {wait:.0f} s.")
            self._settled.set()
            self._on_change()
            await self._timing.sleep(wait)
        self._task = None
        self._settled.set()
        self._on_change()

    async def _serve(self) -> McpFault:
        """Run the server once; why it ended."""
        # The SDK takes its time to import, which the event loop has not.
        module = await asyncio.to_thread(importlib.import_module, "tether_desktop.tools.mcp.connection")
        connection: Connection = module.Connection(self.spec, self._timing)
        self._ready_since = None
        error: Exception | None = None
        try:
            async with asyncio.timeout(self._timing.start) as limit, connection.open(self.log, self._mode):
                await self._take(await connection.list_all())
                limit.reschedule(None)
                self._connection, self._fault, self._ready_since = connection, None, self._timing.now()
                self._settled.set()
                self._on_change()
                await self._attend(connection)
        except Exception as raised:  # noqa: BLE001  (whatever a server makes the SDK raise ends this server alone)
            error = raised
        finally:
            self._connection = None
        if self._ready_since is None:
            # Some servers end when they are asked in a way that is newer or older than they are.
            self._mode = "legacy" if self._mode == "auto" else "auto"
        return connection.explain(error)

    async def _attend(self, connection: Connection) -> None:
        while True:
            await connection.news.wait()
            if not connection.alive:
                return
            connection.news.clear()
            async with asyncio.timeout(self._timing.start):
                await self._take(await connection.list_all())
            self._on_change()
            await self._timing.sleep(self._timing.relist)

    async def _take(self, listing: McpListing) -> None:
        if self._approvals.pins(self.name) is None:
            pins = {tool.name: tool.digest for tool in listing.tools}
            await asyncio.to_thread(self._approvals.pin, self.name, pins)
        self._listing = self._compared(listing)

    def _compared(self, listing: McpListing) -> McpListing:
        pins = self._approvals.pins(self.name) or {}
        return replace(listing, tools=tuple(_compared(tool, pins) for tool in listing.tools))

    def _not_running(self) -> str:
        problem = f" {self._fault.problem}" if self._fault else ""
        return f"The MCP server {self.name} is not running.{problem}"


def _compared(tool: McpToolState, pins: dict[str, str]) -> McpToolState:
    if tool.name not in pins:
        return replace(tool, change="new")
    return replace(tool, change="" if pins[tool.name] == tool.digest else "changed")
