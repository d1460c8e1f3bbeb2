"""Opens the settings, and sees to what is changed there."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtWidgets import QWidget

from tether_desktop.errors import TetherError
from tether_desktop.ui.look import theme
from tether_desktop.ui.port.port_desk import PortDesk
from tether_desktop.ui.settings.settings_dialog import SettingsDialog
from tether_desktop.ui.tasks import Tasks
from tether_desktop.ui.tools.server_dialogs import ChangesDialog, LogDialog
from tether_desktop.ui.tools.tools_desk import ToolsDesk
from tether_desktop.ui.worker.worker import EngineWorker

if TYPE_CHECKING:
    from tether_desktop.app import Tether
    from tether_desktop.settings import Settings
    from tether_desktop.tools.mcp.states import McpServerState


class SettingsDesk(QObject):
    """Shows one dialog of settings at a time.

    Attributes:
        dialog: the one that is shown; None when none is.

    Signals:
        theme_chosen(choice): "system", "light" or "dark".
        settings_changed(Settings): the values that hold now.
    """

    theme_chosen = Signal(str)
    settings_changed = Signal(object)

    def __init__(self, worker: EngineWorker, tasks: Tasks, tools: ToolsDesk, port: PortDesk, window: QWidget) -> None:
        super().__init__(window)
        self.dialog: SettingsDialog | None = None
        self._worker = worker
        self._tasks = tasks
        self._tools = tools
        self._port = port
        self._window = window
        self._settings: Settings | None = None
        self._saving = asyncio.Lock()
        tools.changed.connect(self._on_tools_changed)
        tools.failed.connect(self._on_failed)
        tools.server_added.connect(self._on_server_added)
        tools.server_noted.connect(self._on_server_noted)
        port.changed.connect(self._on_port_changed)
        port.token_known.connect(self._on_token_known)
        port.token_failed.connect(self._on_failed)

    def open(self, settings: Settings | None, folders: dict[str, Path], page: str = "General") -> None:
        """Show the settings, unless they are shown already; turn to a page."""
        self._settings = settings
        if self.dialog is None:
            self.dialog = self._make(settings, folders)
            self.dialog.open()
        self.dialog.show_page(page)

    def _make(self, settings: Settings | None, folders: dict[str, Path]) -> SettingsDialog:
        dialog = SettingsDialog(theme.appearance().choice, folders, settings, self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.show_tools(self._tools.snapshot)
        dialog.theme_chosen.connect(self.theme_chosen)
        dialog.setting_changed.connect(self.save)
        dialog.finished.connect(self._on_finished)
        self._connect_tools(dialog)
        self._connect_port(dialog)
        return dialog

    def _connect_tools(self, dialog: SettingsDialog) -> None:
        dialog.tools.enabled_changed.connect(self._tools.set_enabled)
        dialog.tools.permission_changed.connect(self._tools.set_permission)
        dialog.tools.allow_requested.connect(self._tools.allow_file)
        dialog.tools.forget_requested.connect(self._tools.forget_file)
        dialog.tools.files_refresh_requested.connect(self._tools.refresh_files)
        dialog.servers.add_requested.connect(self._tools.add_server)
        dialog.servers.enabled_changed.connect(self._tools.enable_server)
        dialog.servers.refresh_requested.connect(self._tools.refresh_servers)
        dialog.servers.action_requested.connect(self._on_action)

    def _connect_port(self, dialog: SettingsDialog) -> None:
        self._port.has_page = True
        dialog.port.show_port(self._port.state)
        dialog.port.settings_chosen.connect(self._on_settings_chosen)
        dialog.port.retry_requested.connect(self._port.open_again)
        dialog.port.token.token_requested.connect(self._port.tell_token)
        dialog.port.token.renew_requested.connect(self._port.renew_token)

    @Slot(str, str)
    def save(self, name: str, value: str) -> None:
        """Keep a row of the settings table, and let it hold from now on."""
        self._tasks.start(self._save({name: value}))

    @Slot(object)
    def _on_settings_chosen(self, changes: dict[str, str]) -> None:
        self._tasks.start(self._save(changes))

    async def _save(self, changes: dict[str, str]) -> None:
        async with self._saving:  # what was changed last is to hold in the end
            await self._save_now(changes)

    async def _save_now(self, changes: dict[str, str]) -> None:
        try:
            settings = await self._worker.submit(lambda tether: _change_settings(tether, changes))
        except TetherError as error:
            self._on_failed(error)
            self._show_settings()
            return
        self.settings_changed.emit(settings)
        self._settings = settings
        self._tools.refresh()
        self._show_settings()

    def _show_settings(self) -> None:
        """Show what holds, also when a value was refused."""
        if self.dialog is not None and self._settings is not None:
            self.dialog.show_settings(self._settings)

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
        dialog = LogDialog(name, self.dialog)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)

        async def read() -> None:
            text = await self._tools.log_of(name)
            if shown:
                dialog.show_log(text)

        shown = [dialog]
        dialog.finished.connect(shown.clear)
        dialog.refresh_requested.connect(lambda: self._tasks.start(read()))
        dialog.open()
        self._tasks.start(read())

    def _open_changes(self, state: McpServerState) -> None:
        dialog = ChangesDialog(state, self.dialog)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.accepted.connect(lambda: self._tools.accept_changes(state))
        dialog.open()

    @Slot()
    def _on_tools_changed(self) -> None:
        if self.dialog is not None:
            self.dialog.show_tools(self._tools.snapshot)

    @Slot(object)
    def _on_failed(self, error: TetherError) -> None:
        if self.dialog is not None:
            self.dialog.show_error(error)

    @Slot(str)
    def _on_server_added(self, name: str) -> None:
        if self.dialog is not None:
            self.dialog.servers.show_added(name)

    @Slot(str, str)
    def _on_server_noted(self, name: str, text: str) -> None:
        if self.dialog is not None:
            self.dialog.servers.show_note(name, text)

    @Slot()
    def _on_port_changed(self) -> None:
        if self.dialog is not None:
            self.dialog.port.show_port(self._port.state)

    @Slot(str)
    def _on_token_known(self, token: str) -> None:
        if self.dialog is not None:
            self.dialog.port.token.take_token(token)

    @Slot()
    def _on_finished(self) -> None:
        self.dialog = None
        self._port.has_page = False


async def _change_settings(tether: Tether, changes: dict[str, str]) -> Settings:
    """Save settings, and let the core take them from the next turn on."""
    from tether_desktop.settings import load_settings, save_settings

    await asyncio.to_thread(save_settings, **changes)
    saved = await asyncio.to_thread(load_settings)
    settings = tether.settings.model_copy(update={name: getattr(saved, name) for name in changes})
    tether.use_settings(settings)
    return settings
