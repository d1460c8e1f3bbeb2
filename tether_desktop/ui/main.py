"""Runs the window: Qt's application, the GUI's loop and the worker, started and ended in order."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from PySide6.QtWidgets import QApplication

from tether_desktop.ui import theme
from tether_desktop.ui.main_window import MainWindow
from tether_desktop.ui.quit_signals import QuitSignals
from tether_desktop.ui.window_state import WindowState, read_state
from tether_desktop.ui.worker import EngineWorker, open_tether

if TYPE_CHECKING:
    from tether_desktop.settings import Settings

SHUTDOWN_S = 15.0
"""How long closing may take before the program ends all the same."""


def run_window(settings: Settings | None = None, on_window: Callable[[MainWindow], None] | None = None) -> int:
    """Open the window and stay until it is closed; the exit status.

    Args:
        settings: the settings to use; None reads them in the worker, after the window is shown.
        on_window: gets the window before it is shown; the benchmarks drive it so.
    """
    # qasync binds to the Qt that is imported first and must not choose one itself.
    from qasync import QEventLoop

    app = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(app, QApplication)  # noqa: S101  (narrows Qt's type)
    app.setApplicationName("Tether")
    app.setDesktopFileName("tether")
    app.setQuitOnLastWindowClosed(False)
    state = read_state()
    theme.install(app, first_theme(state))
    worker = EngineWorker(open_tether(settings))
    window = MainWindow(worker, state)
    window.painted.connect(worker.start)
    if on_window is not None:
        on_window(window)
    window.show()
    with QEventLoop(app) as loop, QuitSignals(window.close):
        return cast("int", loop.run_until_complete(live(window, worker)))


def first_theme(state: WindowState) -> theme.ThemeChoice:
    """The theme of the first frame, before the settings are read."""
    wanted = os.environ.get("TETHER_THEME", state.theme)
    return cast("theme.ThemeChoice", wanted) if wanted in {"system", "light", "dark"} else "system"


async def live(window: MainWindow, worker: EngineWorker) -> int:
    """Wait until the window is closed, then end everything in order; the exit status."""
    closed, ended = asyncio.Event(), asyncio.Event()
    window.close_requested.connect(closed.set)
    worker.finished.connect(ended.set)
    await closed.wait()
    return await shut_down(window, worker, ended)


async def shut_down(window: MainWindow, worker: EngineWorker, ended: asyncio.Event) -> int:
    """Save the window's state, cancel and store what is being answered, end the thread."""
    status = 0
    try:
        async with asyncio.timeout(SHUTDOWN_S):
            await window.save_state()
            worker.request_stop()
            if worker.is_running():
                await ended.wait()
    except (TimeoutError, OSError):
        status = 1
    window.tasks.cancel()
    worker.stop()
    return status
