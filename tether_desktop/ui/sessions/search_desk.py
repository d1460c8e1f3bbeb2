"""Finds messages as one types: one search at a time, and always the newest one."""

from __future__ import annotations

from PySide6.QtCore import QObject, Slot

from tether_desktop.ui.sessions.session_list import SessionList
from tether_desktop.ui.tasks import Tasks
from tether_desktop.ui.worker.worker import EngineWorker

AT_ONCE = 30
"""Messages that are found at a time; more come by scrolling."""


class SearchDesk(QObject):
    """Asks the worker for what the sidebar wants to find; what is typed meanwhile is asked for next."""

    def __init__(self, worker: EngineWorker, sidebar: SessionList, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._worker = worker
        self._sidebar = sidebar
        self._tasks = tasks
        self._wanted: tuple[str, int] | None = None
        self._searching = False
        sidebar.search_wanted.connect(self._on_wanted)

    @Slot(str, int)
    def _on_wanted(self, query: str, offset: int) -> None:
        self._wanted = (query, offset) if query.strip() else None
        if not self._searching and self._wanted is not None:
            self._searching = True
            self._tasks.start(self._search())

    async def _search(self) -> None:
        try:
            while self._wanted is not None:
                (query, offset), self._wanted = self._wanted, None
                await self._find(query, offset)
        finally:
            self._searching = False

    async def _find(self, query: str, offset: int) -> None:
        hits = await self._worker.submit(lambda tether: tether.sessions.search(query, limit=AT_ONCE + 1, offset=offset))
        self._sidebar.found.show_hits(query, offset, hits[:AT_ONCE], more=len(hits) > AT_ONCE)
