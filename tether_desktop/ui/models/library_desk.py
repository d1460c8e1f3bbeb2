"""Asking once whether a library may run, and remembering the answer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtWidgets import QWidget

from tether_desktop.ui.models.library_dialog import LibraryDialog
from tether_desktop.ui.models.model_status import split_name
from tether_desktop.ui.tasks import Tasks
from tether_desktop.ui.worker.worker import EngineWorker

if TYPE_CHECKING:
    from pathlib import Path

    from tether_desktop.app import Tether


class LibraryDesk(QObject):
    """Shows the question for one model at a time.

    Attributes:
        dialog: the question that is shown; None when none is.

    Signals:
        allowed(name): the model's library may run from now on.
    """

    allowed = Signal(str)

    def __init__(self, worker: EngineWorker, tasks: Tasks, window: QWidget) -> None:
        super().__init__(window)
        self.dialog: LibraryDialog | None = None
        self._worker = worker
        self._tasks = tasks
        self._window = window

    @Slot(str)
    def ask(self, name: str) -> None:
        """Ask about the library of a model, unless a question is shown already."""
        self._tasks.start(self._ask(name))

    async def _ask(self, name: str) -> None:
        async def look(tether: Tether) -> tuple[Path, str]:
            return await asyncio.to_thread(tether.catalog.library_in_question, name)

        library, sha256 = await self._worker.submit(look)
        if self.dialog is not None:
            return
        dialog = LibraryDialog(split_name(name)[0], str(library), sha256, self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.accepted.connect(lambda: self._tasks.start(self._allow(name, sha256)))
        dialog.finished.connect(self._on_finished)
        self.dialog = dialog
        dialog.open()

    async def _allow(self, name: str, sha256: str) -> None:
        async def remember(tether: Tether) -> None:
            await asyncio.to_thread(tether.catalog.trust_library, name, sha256)

        await self._worker.submit(remember)
        await self._worker.refresh_models()
        self.allowed.emit(name)

    @Slot()
    def _on_finished(self) -> None:
        self.dialog = None
