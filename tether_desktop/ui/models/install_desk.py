"""Adding and preparing models: one at a time, with progress, cancel and another try."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from tether_desktop.ui.models.installation import Installation
from tether_desktop.ui.tasks import Tasks
from tether_desktop.ui.told import as_tether_error
from tether_desktop.ui.worker.worker import EngineWorker

if TYPE_CHECKING:
    import asyncio

    from tether_desktop.model.install.progress import Checked, InstallProgress

logger = logging.getLogger(__name__)


class InstallDesk(QObject):
    """Runs the installer, and knows how far it is.

    Attributes:
        installation: what is being added, or ended and was not looked at yet; None when there is none.

    Signals:
        changed(): the installation.
        added(name): a model is there.
    """

    changed = Signal()
    added = Signal(str)

    def __init__(self, worker: EngineWorker, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.installation: Installation | None = None
        self._worker = worker
        self._tasks = tasks
        self._task: asyncio.Task[None] | None = None
        worker.install_progressed.connect(self._on_progress)
        worker.install_checked.connect(self._on_checked)

    @property
    def busy(self) -> bool:
        """Whether a model is being added or prepared."""
        return self.installation is not None and self.installation.phase == "working"

    def begin(self, installation: Installation) -> None:
        """Begin this one, unless another one goes on."""
        if not self.busy:
            self._show(installation)
            self._task = self._tasks.start(self._run(installation))

    @Slot()
    def try_again(self) -> None:
        """Begin anew what failed."""
        failed = self.installation
        if failed is not None and failed.phase == "failed":
            self.begin(Installation(failed.what, failed.title, failed.prepares))

    @Slot()
    def cancel(self) -> None:
        """Stop; nothing half-made is left."""
        if self.busy and self._task is not None:
            self._task.cancel()
            self._show(None)

    @Slot()
    def forget(self) -> None:
        """How it ended was seen."""
        if not self.busy:
            self._show(None)

    async def _run(self, begun: Installation) -> None:
        start = self._worker.prepare_model if begun.prepares else self._worker.add_model
        try:
            installed = await start(begun.what)
        except Exception as error:  # whatever it was, the person sees it where the progress was
            told = as_tether_error(error)
            if told is not error:
                logger.exception("A model could not be added")
            self._show((self.installation or begun).failed(told))
            return
        self._show((self.installation or begun).done(installed))
        self.added.emit(installed.name)

    @Slot(object)
    def _on_progress(self, progress: InstallProgress) -> None:
        if self.installation is not None and self.busy:
            self._show(self.installation.at(progress))

    @Slot(object)
    def _on_checked(self, checked: Checked) -> None:
        if self.installation is not None and self.busy:
            self._show(replace(self.installation, checked=checked))

    def _show(self, installation: Installation | None) -> None:
        self.installation = installation
        self.changed.emit()
