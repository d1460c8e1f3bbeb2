"""What the window knows of the tools, and what a person changes about them; all of it by way of the worker."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, cast

from PySide6.QtCore import QObject, Signal, Slot

from tether_desktop.ui.tasks import Tasks
from tether_desktop.ui.told import as_tether_error
from tether_desktop.ui.tools.tool_facts import ToolsSnapshot
from tether_desktop.ui.worker.tools_snapshot import tools_snapshot
from tether_desktop.ui.worker.worker import EngineWorker

if TYPE_CHECKING:
    from tether_desktop.app import Tether
    from tether_desktop.tools.mcp.states import McpServerState
    from tether_desktop.tools.own_tools import OwnFile
    from tether_desktop.tools.tool import Permission

logger = logging.getLogger(__name__)

Work = Callable[["Tether"], Coroutine[Any, Any, Any]]


class ToolsDesk(QObject):
    """Keeps the window's knowledge of the tools, and changes them.

    Attributes:
        snapshot: what is known.

    Signals:
        changed(): the snapshot; also when a change failed, so that what is shown holds again.
        failed(TetherError): something was not done.
        server_added(name): an MCP server is in the file.
        server_noted(name, text): how a test of a server goes, or ended.
    """

    changed = Signal()
    failed = Signal(object)
    server_added = Signal(str)
    server_noted = Signal(str, str)

    def __init__(self, worker: EngineWorker, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.snapshot = ToolsSnapshot()
        self._worker = worker
        self._tasks = tasks
        worker.tools_changed.connect(self._on_tools)

    def refresh(self) -> None:
        """Ask which tools there are now, because a setting has changed that decides it."""

        async def look(tether: Tether) -> ToolsSnapshot:
            return tools_snapshot(tether)

        self._start(look, self._on_tools)

    @Slot(str, bool)
    def set_enabled(self, name: str, on: bool) -> None:
        """Tell models of a tool, or not."""
        self._start(lambda tether: tether.toolbox.set_enabled(name, on))

    @Slot(str, str)
    def set_permission(self, name: str, permission: str) -> None:
        """Decide whether a tool's calls ask."""
        self._start(lambda tether: tether.toolbox.set_permission(name, cast("Permission", permission)))

    @Slot()
    def reset_permissions(self) -> None:
        """Let every tool ask as it does by itself."""

        async def reset(tether: Tether) -> None:
            for entry in tether.toolbox.entries():
                if entry.permission != entry.tool.permission:
                    await tether.toolbox.set_permission(entry.tool.declaration.name, None)

        self._start(reset)

    @Slot(object)
    def allow_file(self, file: OwnFile) -> None:
        """Let a file of own tools run as it was shown."""
        self._start(lambda tether: tether.own_tools.allow(file.name, file.sha256))

    @Slot(object)
    def forget_file(self, file: OwnFile) -> None:
        """Let a file of own tools not run any more."""
        self._start(lambda tether: tether.own_tools.forbid(file.name))

    @Slot()
    def refresh_files(self) -> None:
        """Look into the folder of own tools again."""
        self._start(lambda tether: tether.own_tools.refresh())

    @Slot()
    def refresh_servers(self) -> None:
        """Read the file of MCP servers again."""
        self._start(lambda tether: tether.mcp.refresh())

    @Slot(str, object)
    def add_server(self, name: str, entry: dict[str, Any]) -> None:
        """Add an MCP server to the file; nothing is started yet."""
        self._start(lambda tether: tether.mcp.add(name, entry), lambda _: self.server_added.emit(name))

    @Slot(str, bool)
    def enable_server(self, name: str, on: bool) -> None:
        """Switch an MCP server on or off."""
        self._start(lambda tether: tether.mcp.set_enabled(name, on))

    def allow_server(self, state: McpServerState) -> None:
        """Let an MCP server start as it was shown."""
        self._start(lambda tether: tether.mcp.allow(state.name, state))

    def accept_changes(self, state: McpServerState) -> None:
        """Offer the tools of an MCP server as they were shown."""
        self._start(lambda tether: tether.mcp.accept_changes(state.name, state))

    def restart_server(self, name: str) -> None:
        """End an MCP server and start it."""
        self._start(lambda tether: tether.mcp.restart(name))

    def remove_server(self, name: str) -> None:
        """Take an MCP server out of the file."""
        self._start(lambda tether: tether.mcp.remove(name))

    def test_server(self, name: str) -> None:
        """Try an MCP server, and tell what came of it."""
        self.server_noted.emit(name, self.tr("Testing…"))
        self._tasks.start(self._test(name))

    async def log_of(self, name: str) -> str:
        """The end of what an MCP server printed; empty where it cannot be read, which is told."""
        return str(await self._do(lambda tether: tether.mcp.log(name)) or "")

    async def _test(self, name: str) -> None:
        report = await self._do(lambda tether: tether.mcp.test(name))
        self.server_noted.emit(name, report.text if report is not None else "")

    def _start(self, work: Work, then: Callable[[Any], None] | None = None) -> None:
        self._tasks.start(self._do(work, then))

    async def _do(self, work: Work, then: Callable[[Any], None] | None = None) -> Any:
        """Do something in the worker; None when it failed, which is told where it was asked for."""
        try:
            result = await self._worker.submit(work)
        except Exception as error:  # whatever it was, the person sees it on the page where it was asked for
            told = as_tether_error(error)
            if told is not error:
                logger.exception("Something about the tools was not done")
            self.failed.emit(told)
            self.changed.emit()
            return None
        if then is not None:
            then(result)
        return result

    @Slot(object)
    def _on_tools(self, snapshot: ToolsSnapshot) -> None:
        self.snapshot = snapshot
        self.changed.emit()
