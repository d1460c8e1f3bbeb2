"""Opens the settings, and sees to what is changed there."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtWidgets import QWidget

from tether_desktop.errors import TetherError
from tether_desktop.ui.port.port_desk import PortDesk
from tether_desktop.ui.settings.page_service import PageService
from tether_desktop.ui.settings.settings_dialog import SettingsDialog
from tether_desktop.ui.settings.settings_page import SettingsPage
from tether_desktop.ui.tasks import Tasks
from tether_desktop.ui.tools.tools_desk import ToolsDesk
from tether_desktop.ui.worker.worker import EngineWorker

if TYPE_CHECKING:
    from tether_desktop.app import Tether
    from tether_desktop.settings import Settings


class SettingsDesk(QObject):
    """Shows one dialog of settings at a time; what is changed there is saved and holds at once.

    Attributes:
        dialog: the one that is shown; None when none is.

    Signals:
        settings_changed(Settings): the values that hold now.
        tour_requested(): the first tour is to be shown again; the dialog is closed.
        restart_requested(): Tether is to be started again; what was changed is saved, and the dialog closed.
    """

    settings_changed = Signal(object)
    restart_requested = Signal()
    tour_requested = Signal()

    def __init__(self, worker: EngineWorker, tasks: Tasks, tools: ToolsDesk, port: PortDesk, window: QWidget) -> None:
        super().__init__(window)
        self.dialog: SettingsDialog | None = None
        self._worker = worker
        self._tasks = tasks
        self._tools = tools
        self._port = port
        self._window = window
        self._settings: Settings | None = None
        self._started: Settings | None = None
        self._unsaved: dict[str, Any] = {}
        self._problems: dict[str, str] = {}
        self._saving = False
        self._saved: asyncio.Task[None] | None = None
        self._pages = PageService(worker, tasks, tools, port, self)
        self._pages.settings_chosen.connect(self._on_settings_chosen)
        self._pages.tour_requested.connect(self._on_tour_requested)
        tools.changed.connect(self._on_tools_changed)
        for failed in (tools.failed, port.token_failed):
            failed.connect(self._on_failed)

    def open(self, settings: Settings | None, page: str = "General", row: str = "") -> None:
        """Show the settings, unless they are shown already; turn to a page, and there to a row of the table.

        Before the settings are known there is nothing to show.
        """
        if settings is None:
            return
        self._settings = settings
        self._started = self._started or settings
        if self.dialog is None:
            self.dialog = self._make(settings)
            self.dialog.show_page(page)  # a page that is put into a dialog on the screen is styled and laid out twice
            self.dialog.open()
        self.dialog.show_page(page, row)

    def _make(self, settings: Settings) -> SettingsDialog:
        dialog = SettingsDialog(settings, self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.show_tools(self._tools.snapshot)
        dialog.show_problems(self._problems)
        dialog.setting_changed.connect(self.save)
        dialog.page_made.connect(self._on_page_made)
        dialog.finished.connect(self._on_finished)
        return dialog

    @Slot(str)
    def tell_shortcut(self, problem: str) -> None:
        """Say beside its keys why the quick window cannot be called by them; empty when it can."""
        self._problems = {"quick_window": problem}
        if self.dialog is not None:
            self.dialog.show_problems(self._problems)

    @Slot(str, object)
    def save(self, name: str, value: object) -> None:
        """Keep a row of the settings table, and let it hold from now on; None is its default."""
        self._on_settings_chosen({name: value})

    @Slot(object)
    def _on_settings_chosen(self, changes: dict[str, Any]) -> None:
        self._unsaved |= changes
        if not self._saving:
            self._saved = self._tasks.start(self._save())

    async def _save(self) -> None:
        """Save until nothing is left; what was changed last holds in the end."""
        self._saving = True
        try:
            while self._unsaved:
                changes, self._unsaved = self._unsaved, {}
                await self._save_now(changes)
        finally:
            self._saving = False

    async def _save_now(self, changes: dict[str, Any]) -> None:
        try:
            settings = await self._worker.submit(lambda tether: _change_settings(tether, changes))
        except TetherError as error:
            self._on_failed(error)
            self._show_settings()
            return
        self._settings = settings
        self.settings_changed.emit(settings)
        self._tools.refresh()
        if self.dialog is not None:
            self.dialog.forget_errors()
        self._show_settings()

    def _show_settings(self) -> None:
        """Show what holds, also when a value was refused; what was changed meanwhile is going to hold."""
        if self.dialog is not None and self._settings is not None and not self._unsaved:
            self.dialog.show_settings(self._settings)

    @Slot(str, object)
    def _on_page_made(self, name: str, page: SettingsPage) -> None:
        self._pages.serve(name, page)
        page.restart_requested.connect(self._on_restart_requested)
        if self._started is not None:
            page.show_started(self._started)

    @Slot()
    def _on_tools_changed(self) -> None:
        if self.dialog is not None:
            self.dialog.show_tools(self._tools.snapshot)

    @Slot(object)
    def _on_failed(self, error: TetherError) -> None:
        if self.dialog is not None:
            self.dialog.show_error(error)

    @Slot()
    def _on_tour_requested(self) -> None:
        if self.dialog is not None:
            self.dialog.accept()
        self.tour_requested.emit()

    @Slot()
    def _on_restart_requested(self) -> None:
        self._tasks.start(self._restart())

    async def _restart(self) -> None:
        if self._saved is not None:
            await self._saved
        if self.dialog is not None:
            self.dialog.close()
        self.restart_requested.emit()

    @Slot()
    def _on_finished(self) -> None:
        self.dialog = None
        self._port.has_page = False


async def _change_settings(tether: Tether, changes: dict[str, Any]) -> Settings:
    """Save settings, and let the core take them from the next turn on."""
    from tether_desktop.settings import load_settings, save_settings

    await asyncio.to_thread(save_settings, **changes)
    saved = await asyncio.to_thread(load_settings)
    settings = tether.settings.model_copy(update={name: getattr(saved, name) for name in changes})
    tether.use_settings(settings)
    return settings
