"""Does for the page of MCP servers what is asked there, and shows their logs and changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Slot
from shiboken6 import isValid

from tether_desktop.ui.tasks import Tasks
from tether_desktop.ui.tools.server_dialogs import ChangesDialog, LogDialog
from tether_desktop.ui.tools.servers_page import ServersPage
from tether_desktop.ui.tools.tools_desk import ToolsDesk

if TYPE_CHECKING:
    from tether_desktop.tools.mcp.states import McpServerState


class ServersDesk(QObject):
    """Serves one page as long as it is there."""

    def __init__(self, tools: ToolsDesk, tasks: Tasks, page: ServersPage) -> None:
        super().__init__(page)
        self._tools = tools
        self._tasks = tasks
        self._page = page
        page.add_requested.connect(tools.add_server)
        page.enabled_changed.connect(tools.enable_server)
        page.refresh_requested.connect(tools.refresh_servers)
        page.action_requested.connect(self._on_action)
        tools.server_added.connect(page.show_added)
        tools.server_noted.connect(page.show_note)

    @Slot(str, object)
    def _on_action(self, action: str, state: McpServerState) -> None:
        match action:
            case "allow":
                self._tools.allow_server(state)
            case "test":
                self._tools.test_server(state.name)
            case "restart":
                self._tools.restart_server(state.name)
            case "remove":
                self._tools.remove_server(state.name)
            case "log":
                self._open_log(state.name)
            case "changes":
                self._open_changes(state)

    def _open_log(self, name: str) -> None:
        dialog = LogDialog(name, self._page)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)

        async def read() -> None:
            text = await self._tools.log_of(name)
            if isValid(dialog):
                dialog.show_log(text)

        dialog.refresh_requested.connect(lambda: self._tasks.start(read()))
        dialog.open()
        self._tasks.start(read())

    def _open_changes(self, state: McpServerState) -> None:
        dialog = ChangesDialog(state, self._page)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.accepted.connect(lambda: self._tools.accept_changes(state))
        dialog.open()
