"""Follows the requests of the local port while somebody looks at them."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal, Slot

from tether_desktop.ui.tasks import Tasks
from tether_desktop.ui.worker.worker import EngineWorker

if TYPE_CHECKING:
    from tether_desktop.app import Tether
    from tether_desktop.protocol.api.port.recent_requests import RecentRequest

_PAUSE_S = 0.2


class RequestDesk(QObject):
    """Listens in the worker, and brings what came over a few times a second at most.

    Signals:
        came(requests): those since the last time, oldest first; the first time all that are kept.
    """

    came = Signal(object)

    def __init__(self, worker: EngineWorker, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._worker = worker
        self._tasks = tasks
        self._watching = False
        self._stop: Callable[[], None] | None = None

    @Slot(bool)
    def watch(self, on: bool) -> None:
        """Follow them from now on, or no more."""
        if on != self._watching:
            self._watching = on
            self._tasks.start(self._ask(self._follow if on else self._leave))

    async def _ask(self, work: Callable[[Tether], Coroutine[Any, Any, None]]) -> None:
        await self._worker.submit(work)

    async def _follow(self, tether: Tether) -> None:
        """Tell what is kept, and then what comes; runs in the worker."""
        import asyncio

        waiting: list[RecentRequest] = []
        loop = asyncio.get_running_loop()

        def tell() -> None:
            came = tuple(waiting)
            waiting.clear()
            if self._stop is not None:  # somebody still looks
                self.came.emit(came)

        def take(request: RecentRequest) -> None:
            if not waiting:
                loop.call_later(_PAUSE_S, tell)
            waiting.append(request)

        await self._leave(tether)
        self._stop = tether.port.requests.subscribe(take)
        self.came.emit(tether.port.requests.all())

    async def _leave(self, _tether: Tether) -> None:
        if self._stop is not None:
            self._stop()
        self._stop = None
