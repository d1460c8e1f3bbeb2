"""Adding and preparing models: one after the other, with progress, pause, cancel and another try."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from tether_desktop.errors import TetherError
from tether_desktop.ui.models.installation import Installation
from tether_desktop.ui.tasks import Tasks
from tether_desktop.ui.told import as_tether_error
from tether_desktop.ui.worker.worker import EngineWorker

if TYPE_CHECKING:
    import asyncio

    from tether_desktop.app import Tether
    from tether_desktop.model.install.progress import Checked, InstallProgress

logger = logging.getLogger(__name__)

Key = tuple[str, bool]


class InstallDesk(QObject):
    """Runs the installer, and knows what it has done, does and is to do.

    Attributes:
        installations: all that the person has not put away, in the order in which they were asked for.

    Signals:
        changed(): one of them.
        added(name): a model is there.
    """

    changed = Signal()
    added = Signal(str)

    def __init__(self, worker: EngineWorker, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.installations: list[Installation] = []
        self._worker = worker
        self._tasks = tasks
        self._task: asyncio.Task[None] | None = None
        self._listening = False
        worker.install_progressed.connect(self._on_progress)
        worker.install_checked.connect(self._on_checked)

    @property
    def working(self) -> Installation | None:
        """The one that goes on."""
        return next((each for each in self.installations if each.phase == "working"), None)

    @property
    def installation(self) -> Installation | None:
        """The one to tell of in a line: what goes on, else what ended last and was not looked at."""
        ended = [each for each in self.installations if each.phase in {"failed", "done"}]
        return self.working or (ended[-1] if ended else None)

    @property
    def busy(self) -> bool:
        """Whether a model is being added or prepared."""
        return self.working is not None

    def find(self, what: str, *, prepares: bool = False) -> Installation | None:
        """The one of that kind, if there is one."""
        return next((each for each in self.installations if each.key == (what, prepares)), None)

    def begin(self, installation: Installation) -> None:
        """Begin this one as soon as no other one goes on; one that waits or goes on already stays as it is."""
        known = self.find(installation.what, prepares=installation.prepares)
        if known is not None and known.phase in {"working", "queued"}:
            return
        if known is None:
            self.installations.append(installation.anew("queued"))
        else:
            self._put(replace(known.anew("queued"), title=installation.title))
        if self.busy and not installation.prepares:
            self._tasks.start(self._plan(installation.what))
        self._next()

    def resume(self, key: Key) -> None:
        """Go on with one that was paused, or begin one anew that failed."""
        one = self._at(key)
        if one is not None and one.phase in {"paused", "failed"}:
            self._put(one.anew("queued"))
            self._next()

    def pause(self, key: Key) -> None:
        """Stop the download of one, and keep what is there."""
        one = self._at(key)
        if one is not None and one.phase == "working" and self._task is not None:
            self._task.cancel()
            self._put(one.paused())
            self._tasks.start(self._measure_kept())
            self._next()

    def cancel(self, key: Key) -> None:
        """Stop one, take it off the list, and remove what is there of it."""
        one = self._at(key)
        if one is None:
            return
        if one.phase == "working" and self._task is not None:
            self._task.cancel()
        self.installations.remove(one)
        self.changed.emit()
        if not one.prepares:
            self._tasks.start(self._discard(one.what))
        self._next()

    def forget(self, key: Key) -> None:
        """How one ended was seen."""
        one = self._at(key)
        if one is not None and one.phase in {"failed", "done"}:
            self.installations.remove(one)
            self.changed.emit()

    @Slot()
    def cancel_working(self) -> None:
        """Stop what goes on."""
        if self.working is not None:
            self.cancel(self.working.key)

    def take_unfinished(self, found: Iterable[Installation]) -> None:
        """List what was interrupted when the program last ended."""
        known = {each.what for each in self.installations}
        self.installations.extend(each for each in found if each.what not in known)
        self.changed.emit()

    def _next(self) -> None:
        waiting = next((each for each in self.installations if each.phase == "queued"), None)
        if waiting is not None and not self.busy:
            begun = replace(waiting, phase="working")
            self._put(begun)
            self._listening = False
            self._task = self._tasks.start(self._run(begun))
        else:
            self.changed.emit()

    async def _run(self, begun: Installation) -> None:
        start = self._worker.prepare_model if begun.prepares else self._worker.add_model
        try:
            # What one that was stopped still tells is not of this one.
            await self._worker.settle_installs()
            self._listening = True
            installed = await start(begun.what)
        except Exception as error:  # whatever it was, the person sees it where the progress was
            told = as_tether_error(error)
            if told is not error:
                logger.exception("A model could not be added")
            self._end(begun, told)
            return
        self._put((self._at(begun.key) or begun).done(installed))
        self.added.emit(installed.name)
        self._next()

    def _end(self, begun: Installation, error: TetherError) -> None:
        self._put((self._at(begun.key) or begun).failed(error))
        self._tasks.start(self._measure_kept())
        self._next()

    async def _plan(self, what: str) -> None:
        """Remember what waits, so that it is not forgotten when the program ends; that it is wrong is told later."""

        async def plan(tether: Tether) -> None:
            await tether.installer.plan(what)

        try:
            await self._worker.submit(plan)
        except TetherError:
            logger.info("%s cannot be planned", what)

    async def _discard(self, what: str) -> None:
        await self._worker.discard_download(what)

    async def _measure_kept(self) -> None:
        """See what is on the disk of downloads that do not go on."""

        async def look(tether: Tether) -> dict[str, tuple[int, int | None]]:
            import asyncio

            listed = await asyncio.to_thread(tether.installer.downloads.list)
            return {each.what: (each.done_bytes, each.total_bytes) for each in listed}

        sizes = await self._worker.submit(look)
        for one in list(self.installations):
            if one.what in sizes and one.phase in {"paused", "failed"}:
                done, total = sizes[one.what]
                self._put(replace(one, kept_bytes=done, total_bytes=total))

    @Slot(object)
    def _on_progress(self, progress: InstallProgress) -> None:
        if self.working is not None and self._listening:
            self._put(self.working.at(progress))

    @Slot(object)
    def _on_checked(self, checked: Checked) -> None:
        if self.working is not None and self._listening:
            self._put(replace(self.working, checked=checked))

    def _at(self, key: Key) -> Installation | None:
        return next((each for each in self.installations if each.key == key), None)

    def _put(self, installation: Installation) -> None:
        """Show another state of one; of one that was taken off the list nothing is shown."""
        keys = [each.key for each in self.installations]
        if installation.key in keys:
            self.installations[keys.index(installation.key)] = installation
            self.changed.emit()
