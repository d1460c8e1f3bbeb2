"""Keeps and forgets personas for the page of the settings."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Slot
from shiboken6 import isValid

from tether_desktop.context.records import Persona
from tether_desktop.errors import TetherError
from tether_desktop.ui.settings.personas_page import PersonasPage
from tether_desktop.ui.tasks import Tasks
from tether_desktop.ui.worker.worker import EngineWorker

if TYPE_CHECKING:
    from tether_desktop.app import Tether


class PersonasDesk(QObject):
    """Serves one page as long as it is there."""

    def __init__(self, worker: EngineWorker, tasks: Tasks, page: PersonasPage) -> None:
        super().__init__(page)
        self._worker = worker
        self._tasks = tasks
        self._page = page
        page.save_requested.connect(self._on_save)
        page.delete_requested.connect(self._on_delete)
        tasks.start(self._look())

    @Slot(str)
    def look_again(self, shelf: str) -> None:
        """Show the personas anew when they are what has changed in the library."""
        if shelf == "personas":
            self._tasks.start(self._look())

    async def _look(self) -> None:
        personas = await self._worker.submit(lambda tether: tether.library.personas())
        if isValid(self._page):
            self._page.show_personas(personas)

    async def _change(self, work: Callable[[Tether], Coroutine[Any, Any, Any]], *, saves: bool) -> None:
        try:
            await self._worker.submit(work)
        except TetherError as error:
            if not isValid(self._page):
                raise
            self._page.show_error(error)
            return
        if saves and isValid(self._page):
            self._page.close_form()

    @Slot(object)
    def _on_save(self, persona: Persona) -> None:
        self._tasks.start(self._change(lambda tether: tether.library.save_persona(persona), saves=True))

    @Slot(object)
    def _on_delete(self, persona: Persona) -> None:
        self._tasks.start(self._change(lambda tether: tether.library.delete_persona(persona.id), saves=False))
