"""Adding the starter model from the welcome page: one at a time, with progress, cancel and retry."""

from __future__ import annotations

import asyncio

from PySide6.QtCore import QObject, Signal, Slot

from tether_desktop.errors import TetherError
from tether_desktop.ui.tasks import Tasks
from tether_desktop.ui.welcome_page import StarterCard
from tether_desktop.ui.worker import EngineWorker


class StarterDesk(QObject):
    """Runs the installer for a card that shows it.

    Signals:
        added(name): the model is there.
    """

    added = Signal(str)

    def __init__(self, worker: EngineWorker, card: StarterCard, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._worker = worker
        self._card = card
        self._tasks = tasks
        self._task: asyncio.Task[None] | None = None
        card.add_requested.connect(self.add)
        card.cancel_requested.connect(self.cancel)
        worker.install_progressed.connect(card.show_progress)

    @Slot()
    def add(self) -> None:
        """Begin, unless it is being added already."""
        if self._task is None or self._task.done():
            self._card.show_working()
            self._task = self._tasks.start(self._add())

    @Slot()
    def cancel(self) -> None:
        """Stop; nothing half-made is left."""
        if self._task is not None:
            self._task.cancel()

    async def _add(self) -> None:
        try:
            name = await self._worker.install_starter()
        except asyncio.CancelledError:
            self._card.show_offer()
            raise
        except TetherError as error:
            self._card.show_error(error)
            return
        self._card.show_offer()
        self.added.emit(name)
