"""Runs the window: Qt's application, the GUI's loop and the worker, started and ended in order."""

from __future__ import annotations

import gc
import logging
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QEventLoop, QProcess, QTimer
from PySide6.QtWidgets import QApplication

from tether_desktop import paths
from tether_desktop.ui import translation
from tether_desktop.ui.garbage import GarbageCollector
from tether_desktop.ui.look import icons, theme
from tether_desktop.ui.main_window import MainWindow
from tether_desktop.ui.system.application import Application
from tether_desktop.ui.window_state import WindowState, read_state
from tether_desktop.ui.worker.worker import EngineWorker, open_tether

if TYPE_CHECKING:
    import asyncio

    from tether_desktop.hand_over import Request
    from tether_desktop.settings import Settings

logger = logging.getLogger(__name__)

FIRST_FRAME_MS = 1_000
"""How long the first frame is waited for."""

SHUTDOWN_S = 15.0
"""How long closing may take before the program ends all the same."""


def run_window(
    first: Request | None = None,
    *,
    settings: Settings | None = None,
    on_window: Callable[[MainWindow], None] | None = None,
) -> int:
    """Open the window and stay until it is closed; the exit status.

    Args:
        first: what this start asks for, to be done once the window is usable.
        settings: the settings to use; None reads them in the worker, after the window is shown.
        on_window: gets the window before it is shown; the benchmarks drive it so.
    """
    app = QApplication.instance() or Application(sys.argv[:1])
    assert isinstance(app, QApplication)  # noqa: S101  (narrows Qt's type)
    app.setApplicationName(paths.APP_NAME)
    app.setDesktopFileName(paths.APP_ID)
    app.setQuitOnLastWindowClosed(False)
    state = read_state()
    worker = EngineWorker(open_tether(settings))
    translation.install(os.environ.get("TETHER_LANGUAGE") or state.language)
    window = MainWindow(worker, state)
    theme.install(
        app, first_theme(state), state.text_size, state.density
    )  # after the widgets: they are styled once, not at every new parent
    window.painted.connect(worker.start)
    # What lives as long as the program is searched for garbage no more: a search of all of it stops the window for
    # a tenth of a second, and importing what the local port needs sets one off.
    window.usable.connect(gc.freeze)
    garbage = GarbageCollector(window)
    worker.garbage_due.connect(garbage.collect_if_due)
    if on_window is not None:
        on_window(window)
    if first is not None:
        window.ask_when_usable(first)
    if isinstance(app, Application):
        app.asked.connect(window.ask_when_usable)
    window.show()
    _show_first_frame(window)
    app.setWindowIcon(icons.program_icon())
    from qasync import QEventLoop as AsyncioLoop  # after the first frame, like asyncio, which it imports

    from tether_desktop.ui.quit_signals import QuitSignals

    with AsyncioLoop(app) as loop, QuitSignals(window.leave):
        status = cast("int", loop.run_until_complete(live(window, worker)))
    if window.restarts:
        start_again()
    return status


def start_again() -> None:
    """Start the program once more, now that this one has given back all that only one may have.

    A file that this start was to open is not opened again: it has been.
    """
    from tether_desktop.child_process import program_command

    os.environ.pop("XDG_ACTIVATION_TOKEN", None)  # it was for this start
    program, *arguments = program_command()
    if not QProcess.startDetached(program, arguments):
        logger.error("Tether could not be started again: %s", program)


def _show_first_frame(window: MainWindow) -> None:
    """Let Qt paint the window, before anything else is imported."""
    waiting = QEventLoop()
    window.painted.connect(waiting.quit)
    QTimer.singleShot(FIRST_FRAME_MS, waiting.quit)  # it may be covered or minimised, and is never painted then
    waiting.exec()


def first_theme(state: WindowState) -> theme.ThemeChoice:
    """The theme of the first frame, before the settings are read."""
    wanted = os.environ.get("TETHER_THEME", state.theme)
    return cast("theme.ThemeChoice", wanted) if wanted in {"system", "light", "dark"} else "system"


async def live(window: MainWindow, worker: EngineWorker) -> int:
    """Wait until the window is closed, then end everything in order; the exit status."""
    import asyncio

    closed, ended = asyncio.Event(), asyncio.Event()
    window.close_requested.connect(closed.set)
    worker.finished.connect(ended.set)
    await closed.wait()
    return await shut_down(window, worker, ended)


async def shut_down(window: MainWindow, worker: EngineWorker, ended: asyncio.Event) -> int:
    """Save the window's state, cancel and store what is being answered, end the thread."""
    import asyncio

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
