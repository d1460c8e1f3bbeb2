"""Tests that run inside the GUI's own asyncio loop, with a real window and a real worker."""

from __future__ import annotations

import asyncio
import functools
import os
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from concurrent.futures import Future
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, ParamSpec, TypeVar

from PySide6.QtCore import QCoreApplication, QObject, Slot
from PySide6.QtWidgets import QApplication

from tether_desktop.ui.main import live
from tether_desktop.ui.main_window import MainWindow
from tether_desktop.ui.window_state import read_state
from tether_desktop.ui.worker.worker import EngineWorker, open_tether

P = ParamSpec("P")
T = TypeVar("T")

LONGEST_S = 60.0
"""After this long a test that waits for something has failed."""


def in_gui_loop(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Let a test be a coroutine of the GUI's loop, as the window's own coroutines are."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        from qasync import QEventLoop

        with QEventLoop(QApplication.instance()) as loop:
            loop.run_until_complete(_bounded(test(*args, **kwargs)))

    return run


async def until(condition: Callable[[], object]) -> None:
    """Let the window work until something is true; TimeoutError when it never is.

    Qt shows a widget that was put into a layout by an event of its own, and a coroutine may look between the two:
    what Qt still has to do is done before anybody looks, so that whoever is found can be seen and clicked.
    """
    async with asyncio.timeout(LONGEST_S):
        QCoreApplication.sendPostedEvents()
        while not condition():
            await asyncio.sleep(0.005)
            QCoreApplication.sendPostedEvents()


async def elsewhere(work: Callable[[], T]) -> T:
    """Let another client do something that takes a while, in a thread of its own, and the window work meanwhile."""
    done: Future[T] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as error:  # noqa: BLE001 — it is raised again where it is waited for
            done.set_exception(error)

    thread = threading.Thread(target=run, name="another client")
    thread.start()
    await until(lambda: not thread.is_alive())
    return done.result()


class Recorder(QObject):
    """Receives a signal in the GUI thread and keeps what came, as tuples."""

    def __init__(self, signal: Any) -> None:
        super().__init__()
        self.calls: list[tuple[Any, ...]] = []
        signal.connect(self.take)

    @Slot(object)
    @Slot(object, object)
    @Slot(object, object, object)
    def take(self, *values: Any) -> None:
        """Keep one emission."""
        self.calls.append(values)


@asynccontextmanager
async def running_worker() -> AsyncIterator[EngineWorker]:
    """A worker with a real Tether, stopped at the end."""
    worker = EngineWorker(open_tether())
    worker.start()
    try:
        yield worker
    finally:
        assert worker.stop()


@asynccontextmanager
async def open_window(*, usable: bool = True, toured: bool = True) -> AsyncIterator[MainWindow]:
    """The real window with its worker, opened as the program does and ended in order; the first tour was seen."""
    worker = EngineWorker(open_tether())
    state = read_state()
    window = MainWindow(worker, replace(state, toured=toured or state.toured))
    window.painted.connect(worker.start)
    opened = Recorder(window.usable)
    life = asyncio.get_running_loop().create_task(live(window, worker))
    window.show()
    try:
        await until(lambda: opened.calls or not usable)
        yield window
    finally:
        window.leave()
        await _ended(life)
        window.deleteLater()
        worker.deleteLater()


def environment(**changes: str) -> dict[str, str]:
    """This process's environment with changes, for a child process."""
    return {**os.environ, **changes}


async def _bounded(work: Awaitable[None]) -> None:
    async with asyncio.timeout(LONGEST_S + 30):
        await work


async def _ended(life: asyncio.Task[int]) -> None:
    assert await life == 0, "the window did not close in order"
