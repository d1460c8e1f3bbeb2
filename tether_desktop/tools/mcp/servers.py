"""The MCP servers of the person's file: which there are, how they are, and the tools they bring."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tether_desktop.errors import McpServerError, SettingsError
from tether_desktop.tools.mcp.approvals import Approvals
from tether_desktop.tools.mcp.config import ConfigFile
from tether_desktop.tools.mcp.server_log import ServerLog
from tether_desktop.tools.mcp.spec import ServerSpec
from tether_desktop.tools.mcp.states import McpPrompt, McpServerState, McpTestReport
from tether_desktop.tools.mcp.supervisor import Supervisor
from tether_desktop.tools.mcp.timing import Timing
from tether_desktop.tools.mcp.trial import Trial
from tether_desktop.tools.tool import Tool

logger = logging.getLogger(__name__)


class McpServers:
    """A source of tools; all of its methods are for the core's event loop.

    Nothing is started that the person did not allow as it is, and no tool is offered that changed since.

    Attributes:
        problem: why the file of servers cannot be read; None where it can.
        on_change: called, without arguments, whenever a server's state has changed.
    """

    def __init__(self, config_path: Path, state_path: Path, log_dir: Path, *, timing: Timing | None = None) -> None:
        """Prepare; :meth:`start` reads the file.

        Args:
            config_path: the servers, in the shape that other programs use.
            state_path: what the person allowed, as hashes.
            log_dir: for what the servers print.
            timing: for tests.
        """
        self.problem: SettingsError | None = None
        self.on_change: list[Callable[[], None]] = []
        self._config = ConfigFile(config_path)
        self._approvals = Approvals(state_path)
        self._log_dir = log_dir
        self._timing = timing or Timing()
        self._servers: dict[str, Supervisor] = {}
        self._changing = asyncio.Lock()

    async def start(self) -> None:
        """Read the file and start what may start, without waiting for it; a damaged file is told in ``problem``."""
        await asyncio.to_thread(self._approvals.read)
        await self.refresh()

    async def refresh(self) -> None:
        """Read the file again: start what is new, end what is gone, ask anew about what has changed."""
        async with self._changing:
            await self._refresh()

    async def settled(self) -> None:
        """Return when no server is about to start for the first time."""
        await asyncio.gather(*(server.settled() for server in self._servers.values()))

    def servers(self) -> tuple[McpServerState, ...]:
        """All servers in the file's order."""
        return tuple(server.state() for server in self._servers.values())

    def tools(self) -> Sequence[Tool]:
        """Those that can be called now."""
        return [tool for server in self._servers.values() for tool in server.tools()]

    async def close(self) -> None:
        """End all servers; idempotent."""
        await asyncio.gather(*(server.stop() for server in self._servers.values()))

    async def add(self, name: str, spec: dict[str, Any]) -> None:
        """Add a server, or replace the one of that name; nothing is started before it was allowed.

        Args:
            name: for people, and the beginning of its tools' names.
            spec: its entry in the file.

        Raises:
            SettingsError: the entry cannot be used, or the file cannot be read or written.
        """
        await self._change(self._config.set_entry, name, spec)

    async def remove(self, name: str) -> None:
        """End a server, take it out of the file, and forget what was allowed.

        Raises:
            SettingsError: there is none of that name, or a file cannot be read or written.
        """
        await self._change(self._config.remove_entry, name)
        await asyncio.to_thread(self._approvals.forget, name)

    async def set_enabled(self, name: str, on: bool) -> None:
        """Switch a server on or off.

        Raises:
            SettingsError: there is none of that name, or the file cannot be read or written.
        """
        await self._change(lambda: self._config.set_enabled(name, on=on))

    async def allow(self, name: str, shown: McpServerState | None = None) -> None:
        """Let a server start as it stands in the file now, and start it.

        Args:
            name: the server's.
            shown: the state that the person was shown.

        Raises:
            SettingsError: there is none of that name, it is not what was shown, or the answer cannot be saved.
        """
        async with self._changing:
            server = self._server(name)
            state = server.state()
            if server.spec.launch is None:
                raise SettingsError("The MCP server cannot be used", f"{name}: {server.spec.problem}", server.spec.hint)
            if shown is not None and _asked(shown) != _asked(state):
                message = f"What {name} would start is no longer what was shown."
                raise SettingsError("The MCP server has changed", message, "Look at it again.")
            await asyncio.to_thread(self._approvals.allow, name, server.spec.fingerprint)
            server.start()
        self._tell()

    async def accept_changes(self, name: str, shown: McpServerState | None = None) -> None:
        """Offer a server's tools as they are now, or as they were when the person was shown them.

        Raises:
            SettingsError: there is none of that name, or the answer cannot be saved.
        """
        server = self._server(name)
        await server.accept((shown or server.state()).tools)

    async def restart(self, name: str) -> None:
        """End a server and start it, if it is on and allowed.

        Raises:
            SettingsError: there is none of that name.
        """
        async with self._changing:
            server = self._server(name)
            await server.stop()
            server.start()
        self._tell()

    async def test(self, name: str) -> McpTestReport:
        """Start a server once more beside the one that may run, list what it has, and stop it.

        Raises:
            SettingsError: there is none of that name, or nobody has allowed it.
        """
        server = self._server(name)
        if not server.allowed:
            reason = server.spec.problem or "Nobody has allowed to start it."
            raise SettingsError(
                "The MCP server cannot be tried", f"{name}: {reason}", server.spec.hint or "Allow it first."
            )
        log = ServerLog(self._log_dir, name, server.spec.secrets)
        try:
            return await Trial(server.spec, log, self._timing).run()
        finally:
            await asyncio.to_thread(log.close)

    async def log(self, name: str) -> str:
        """The end of what a server printed.

        Raises:
            SettingsError: there is none of that name.
        """
        return await asyncio.to_thread(self._server(name).log.tail)

    def prompts(self, name: str) -> tuple[McpPrompt, ...]:
        """The prompts of a server, for the person's composer.

        Raises:
            SettingsError: there is none of that name.
        """
        return self._server(name).state().prompts

    async def get_prompt(self, name: str, prompt: str, arguments: dict[str, str]) -> str:
        """The text of a prompt with its arguments filled in.

        Raises:
            SettingsError: there is no server of that name.
            McpServerError: the server does not run, has no such prompt, or does not answer.
        """
        server = self._server(name)
        limit = self._timing.start
        try:
            async with asyncio.timeout(limit):
                return await server.get_prompt(prompt, arguments)
        except TimeoutError:
            message = f"The MCP server {name} gave no answer within {limit:.0f} seconds."
            raise McpServerError("The MCP server has failed", message) from None

    async def _change(self, change: Callable[..., None], *arguments: Any) -> None:
        async with self._changing:
            await asyncio.to_thread(change, *arguments)
            await self._refresh()

    async def _refresh(self) -> None:
        try:
            specs = await asyncio.to_thread(self._config.read)
        except SettingsError as error:
            logger.warning("%s", error)
            self.problem = error
        else:
            self.problem = None
            await self._apply(specs)
        self._tell()

    async def _apply(self, specs: Sequence[ServerSpec]) -> None:
        before, self._servers = self._servers, {}
        wanted = {spec.name: spec for spec in specs}
        changed = [server for name, server in before.items() if wanted.get(name) != server.spec]
        for name, spec in wanted.items():
            kept = before.get(name)
            self._servers[name] = kept if kept is not None and kept not in changed else self._make(spec)
        await asyncio.gather(*(server.stop() for server in changed))
        for server in self._servers.values():
            server.start()

    def _make(self, spec: ServerSpec) -> Supervisor:
        log = ServerLog(self._log_dir, spec.name, spec.secrets)
        return Supervisor(spec, self._approvals, log, self._timing, self._tell)

    def _server(self, name: str) -> Supervisor:
        if name in self._servers:
            return self._servers[name]
        there = f"There are: {', '.join(self._servers)}." if self._servers else "There are none yet."
        raise SettingsError("There is no such MCP server", f"No MCP server is called {name!r}. {there}")

    def _tell(self) -> None:
        for callback in tuple(self.on_change):
            callback()


def _asked(state: McpServerState) -> tuple[Any, ...]:
    return state.command_line, state.variables, state.folder
