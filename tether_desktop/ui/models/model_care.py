"""Checking, removing and measuring models: what is going on with each of them, and how it ended."""

from __future__ import annotations

import logging
import threading
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QObject, Signal, Slot

from tether_desktop.errors import TetherError
from tether_desktop.ui.tasks import Tasks
from tether_desktop.ui.told import as_tether_error
from tether_desktop.ui.worker.worker import EngineWorker

if TYPE_CHECKING:
    import asyncio

    from tether_desktop.app import Tether
    from tether_desktop.model.install.removal import Removal
    from tether_desktop.protocol.speed_test import SpeedProgress, SpeedResult

logger = logging.getLogger(__name__)

Work = Literal["", "verifying", "removing", "measuring"]


@dataclass(frozen=True, slots=True)
class Care:
    """What is done with a model, or how it ended.

    Attributes:
        work: what goes on; empty when nothing does.
        stage: of a measurement: "waiting", "loading" or "measuring".
        progress: 0..1, or None when it cannot be said.
        note: how it ended well.
        error: why it failed.
        removal: what would be removed, as long as that is asked.
    """

    work: Work = ""
    stage: str = ""
    progress: float | None = None
    note: str = ""
    error: TetherError | None = None
    removal: Removal | None = None


NOTHING = Care()


class ModelCare(QObject):
    """Does one thing at a time with each model.

    Attributes:
        speeds: what was measured so far, the oldest first.

    Signals:
        changed(name): what is going on with that model.
        measured(): there is another result, or fewer.
    """

    changed = Signal(str)
    measured = Signal()
    _told = Signal(str, object)

    def __init__(self, worker: EngineWorker, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.speeds: list[SpeedResult] = []
        self._worker = worker
        self._tasks = tasks
        self._cares: dict[str, Care] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._told.connect(self._on_told)

    def of(self, name: str) -> Care:
        """What is going on with a model."""
        return self._cares.get(name, NOTHING)

    @Slot(str)
    def verify(self, name: str) -> None:
        """Compare all weight files with their checksums."""
        self._start(name, Care("verifying", progress=0.0), self._verify(name))

    @Slot(str)
    def measure(self, name: str) -> None:
        """Measure how fast it answers."""
        self._start(name, Care("measuring", "waiting"), self._measure(name))

    @Slot(str)
    def stop(self, name: str) -> None:
        """Stop what goes on, but for removing."""
        task = self._running.get(name)
        if task is not None and self.of(name).work != "removing":
            task.cancel()
            self._put(name, NOTHING)

    @Slot(str)
    def ask_removal(self, name: str) -> None:
        """Find out what removing it would take away; comes as ``Care.removal``."""
        self._start(name, NOTHING, self._plan_removal(name))

    @Slot(str)
    def remove(self, name: str) -> None:
        """Unload and delete it, as it was asked about."""
        removal = self.of(name).removal
        if removal is not None:
            self._start(name, Care("removing"), self._remove(removal))

    @Slot(str)
    def forget(self, name: str) -> None:
        """How it ended was seen, or was refused."""
        if not self.of(name).work:
            self._put(name, NOTHING)

    def read_speeds(self) -> None:
        """Read what was measured; ``measured`` tells when it is there."""
        self._tasks.start(self._read_speeds())

    def _start(self, name: str, care: Care, work: Coroutine[object, object, Care]) -> None:
        if name in self._running and not self._running[name].done():
            work.close()
            return
        self._put(name, care)
        self._running[name] = self._tasks.start(self._run(name, work))

    async def _run(self, name: str, work: Coroutine[object, object, Care]) -> None:
        try:
            care = await work
        except Exception as error:  # whatever it was, the person sees it at the model
            told = as_tether_error(error)
            if told is not error:
                logger.exception("Work on a model failed")
            care = Care(error=told)
        self._put(name, care)

    async def _verify(self, name: str) -> Care:
        stopped = threading.Event()

        def report(part: float) -> None:
            if stopped.is_set():
                raise _Stopped
            self._told.emit(name, replace(NOTHING, work="verifying", progress=part))

        async def verify(tether: Tether) -> None:
            import asyncio

            await asyncio.to_thread(tether.catalog.verify, name, report)

        try:
            await self._worker.submit(verify)
        finally:
            stopped.set()
        return Care(note=self.tr("Every file is complete and unchanged."))

    async def _plan_removal(self, name: str) -> Care:
        async def plan(tether: Tether) -> Removal:
            import asyncio

            from tether_desktop.model.install.removal import plan_removal

            return await asyncio.to_thread(plan_removal, tether.catalog, name)

        return Care(removal=await self._worker.submit(plan))

    async def _remove(self, removal: Removal) -> Care:
        async def remove(tether: Tether) -> list[SpeedResult]:
            import asyncio

            from tether_desktop.model.install import removal as removing
            from tether_desktop.protocol.speed_history import SpeedHistory

            await tether.pool.unload(removal.name)
            await asyncio.to_thread(removing.remove, tether.catalog, removal)
            history = SpeedHistory()
            await asyncio.to_thread(history.forget, removal.name)
            return await asyncio.to_thread(history.results)

        self.speeds = await self._worker.submit(remove)
        self.measured.emit()
        await self._worker.refresh_models()
        return NOTHING

    async def _measure(self, name: str) -> Care:
        def report(now: SpeedProgress) -> None:
            self._told.emit(name, Care("measuring", now.stage, now.progress))

        async def measure(tether: Tether) -> list[SpeedResult]:
            import asyncio

            from tether_desktop.protocol.speed_history import SpeedHistory

            result = await tether.speed_test.run(name, report)
            history = SpeedHistory()
            await asyncio.to_thread(history.add, result)
            return await asyncio.to_thread(history.results)

        self.speeds = await self._worker.submit(measure)
        self.measured.emit()
        return NOTHING

    async def _read_speeds(self) -> None:
        async def read(_tether: Tether) -> list[SpeedResult]:
            import asyncio

            from tether_desktop.protocol.speed_history import SpeedHistory

            return await asyncio.to_thread(SpeedHistory().results)

        self.speeds = await self._worker.submit(read)
        self.measured.emit()

    @Slot(str, object)
    def _on_told(self, name: str, care: Care) -> None:
        if self.of(name).work == care.work:
            self._put(name, care)

    def _put(self, name: str, care: Care) -> None:
        self._cares[name] = care
        self.changed.emit(name)


class _Stopped(Exception):
    """Ends a check in its thread, because nobody waits for it any more."""
