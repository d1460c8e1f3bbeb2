"""Connects each page of the settings, when it is made, with what does its work."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal, Slot

from tether_desktop.ui.port.port_desk import PortDesk
from tether_desktop.ui.settings.settings_page import SettingsPage
from tether_desktop.ui.tasks import Tasks
from tether_desktop.ui.tools.tools_desk import ToolsDesk
from tether_desktop.ui.worker.worker import EngineWorker

if TYPE_CHECKING:
    from tether_desktop.app import Tether


class PageService(QObject):
    """Knows what each page needs; a page that is made anew is connected anew.

    Signals:
        settings_chosen(dict): rows of the settings table that change together, by name.
        tour_requested(): the first tour is to be shown again.
    """

    settings_chosen = Signal(object)
    tour_requested = Signal()
    _library_changed = Signal(str)

    def __init__(self, worker: EngineWorker, tasks: Tasks, tools: ToolsDesk, port: PortDesk, parent: QObject) -> None:
        super().__init__(parent)
        self._worker = worker
        self._tasks = tasks
        self._tools = tools
        self._port = port
        self._follows = False

    def serve(self, name: str, page: SettingsPage) -> None:
        """Connect a page; one that needs nothing is left as it is."""
        servants: dict[str, Callable[[Any], None]] = {
            "Models and answers": self._serve_answers,
            "Personas": self._serve_personas,
            "Tools": self._serve_tools,
            "MCP servers": self._serve_servers,
            "Local port": self._serve_port,
            "Data": self._serve_data,
            "About": self._serve_about,
        }
        if name in servants:
            servants[name](page)

    def _serve_answers(self, page: Any) -> None:
        page.reload_requested.connect(self._on_reload)
        self._tasks.start(self._list_models(page))

    def _serve_personas(self, page: Any) -> None:
        from tether_desktop.ui.settings.personas_desk import PersonasDesk

        desk = PersonasDesk(self._worker, self._tasks, page)
        self._library_changed.connect(desk.look_again)
        self._tasks.start(self._follow_library())
        self._tasks.start(self._list_models(page))

    def _serve_tools(self, page: Any) -> None:
        page.enabled_changed.connect(self._tools.set_enabled)
        page.permission_changed.connect(self._tools.set_permission)
        page.permissions_reset.connect(self._tools.reset_permissions)
        page.allow_requested.connect(self._tools.allow_file)
        page.forget_requested.connect(self._tools.forget_file)
        page.files_refresh_requested.connect(self._tools.refresh_files)

    def _serve_servers(self, page: Any) -> None:
        from tether_desktop.ui.tools.servers_desk import ServersDesk

        ServersDesk(self._tools, self._tasks, page)

    def _serve_port(self, page: Any) -> None:
        from tether_desktop.ui.port.request_desk import RequestDesk

        requests = RequestDesk(self._worker, self._tasks, page)
        page.log.watched.connect(requests.watch)
        requests.came.connect(page.log.take)
        port = self._port
        port.has_page = True
        page.show_port(port.state)
        port.state_changed.connect(page.show_port)
        port.token_known.connect(page.token.take_token)
        page.settings_chosen.connect(self.settings_chosen)
        page.retry_requested.connect(port.open_again)
        page.token.token_requested.connect(port.tell_token)
        page.token.renew_requested.connect(port.renew_token)

    def _serve_data(self, page: Any) -> None:
        from tether_desktop.ui.settings.data_desk import DataDesk

        DataDesk(self._worker, self._tasks, page)

    def _serve_about(self, page: Any) -> None:
        from tether_desktop.ui.settings.about_desk import AboutDesk

        AboutDesk(self._worker, self._tasks, page)
        page.tour_requested.connect(self.tour_requested)

    async def _follow_library(self) -> None:
        """Hear of what others change in the library, from now on."""

        async def subscribe(tether: Tether) -> None:
            tether.library.subscribe(self._library_changed.emit)

        if not self._follows:
            self._follows = True
            await self._worker.submit(subscribe)

    async def _list_models(self, page: Any) -> None:
        from shiboken6 import isValid

        names = await self._worker.submit(_usable_models)
        if isValid(page):
            page.show_models(names)

    @Slot()
    def _on_reload(self) -> None:
        self._tasks.start(self._reload())

    async def _reload(self) -> None:
        await self._worker.submit(_reload)


async def _usable_models(tether: Tether) -> list[str]:
    import asyncio

    entries = await asyncio.to_thread(tether.catalog.list)
    return sorted((entry.name for entry in entries if entry.usable), key=str.casefold)


async def _reload(tether: Tether) -> None:
    """Load again what is loaded and answers nobody now; the rest takes its values when it is next loaded."""
    for name, state in tether.pool.states().items():
        if state.state == "ready":
            await tether.pool.unload(name)
            await tether.pool.load(name, lambda _progress: None)
