"""Fills the archive and the bin of the sidebar, and keeps them as they are in the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot

from tether_desktop.context.records import SessionRecord
from tether_desktop.ui.sessions.session_list import SessionList
from tether_desktop.ui.tasks import Tasks
from tether_desktop.ui.worker.worker import EngineWorker

if TYPE_CHECKING:
    from tether_desktop.app import Tether


class ShelfDesk(QObject):
    """Reads the shelf that is shown: the archive from what is listed, the bin from the store."""

    def __init__(self, worker: EngineWorker, sidebar: SessionList, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._worker = worker
        self._sidebar = sidebar
        self._tasks = tasks
        self._reading = False
        self._outdated = False
        sidebar.shelf_opened.connect(self.refresh)

    @Slot()
    def refresh(self, *_: object) -> None:
        """Show the shelf that is open as it is now."""
        shelf = self._sidebar.open_shelf
        if shelf == "archive":
            self._sidebar.shelf.show_chats(self._sidebar.model.archived())
        elif shelf == "bin":
            self._outdated = True
            if not self._reading:
                self._reading = True
                self._tasks.start(self._read())

    async def _read(self) -> None:
        try:
            while self._outdated:
                self._outdated = False
                records, days = await self._worker.submit(_bin)
                if self._sidebar.open_shelf == "bin":
                    self._sidebar.shelf.show_chats(records, days)
        finally:
            self._reading = False


async def _bin(tether: Tether) -> tuple[list[SessionRecord], int]:
    records = await tether.sessions.list(deleted=True)
    newest = sorted(records, key=lambda record: record.deleted_at or record.last_active, reverse=True)
    return newest, tether.settings.bin_days
