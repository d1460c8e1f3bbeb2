"""Coroutines of the GUI thread: kept alive while they run, and never failing in silence."""

from __future__ import annotations

import logging
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from tether_desktop.ui.told import as_tether_error

if TYPE_CHECKING:
    import asyncio

logger = logging.getLogger(__name__)


class Tasks(QObject):
    """Starts the window's coroutines.

    Signals:
        failed(TetherError): a coroutine raised; anything that is not a TetherError is logged too.
    """

    failed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._running: set[asyncio.Task[Any]] = set()

    def start(self, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run a coroutine in the GUI's loop; its failure is signalled."""
        import asyncio  # not at the top: the first frame of the window must not wait for it

        task = asyncio.get_running_loop().create_task(coroutine)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    def cancel(self) -> None:
        """Cancel everything that still runs."""
        for task in tuple(self._running):
            task.cancel()

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if isinstance(error, Exception):
            told = as_tether_error(error)
            if told is not error:
                logger.error("A task of the window failed", exc_info=error)
            self.failed.emit(told)
