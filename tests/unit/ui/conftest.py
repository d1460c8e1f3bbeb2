"""A themed offscreen application for every test of the window, and a guard against what a test leaves behind."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Iterator

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QObject, QThread, QTimer
from PySide6.QtWidgets import QApplication, QWidget

from tether_desktop.ui import translation
from tether_desktop.ui.garbage import GarbageCollector
from tether_desktop.ui.look import theme


@pytest.fixture(scope="session")
def qapp(qapp_args: list[str], qapp_cls: type[QApplication], pytestconfig: pytest.Config) -> QApplication:
    """The one application of the test run, in the light theme."""
    app = QApplication.instance() or qapp_cls(qapp_args)
    app.setQuitOnLastWindowClosed(False)
    translation.install("en")
    theme.install(app, "light")
    return app


@pytest.fixture(autouse=True)
def look(qapp: QApplication) -> Iterator[theme.Appearance]:
    """The light theme, whatever theme the test turns on."""
    appearance = theme.appearance()
    yield appearance
    appearance.choose("light")
    appearance.resize(15, "comfortable")
    appearance.still = False


@pytest.fixture(autouse=True)
def nothing_is_left_behind(qapp: QApplication, look: theme.Appearance) -> Iterator[None]:
    """Fail a test that leaves a thread running, a timer ticking or a window open."""
    # What exists already cannot be left behind by this test; frozen, it need not be searched or collected again.
    gc.freeze()
    collector = GarbageCollector()  # as the program has it: a worker's thread must not destroy what is Qt's
    threads = set(threading.enumerate())
    windows = set(map(id, QApplication.topLevelWidgets()))
    yield
    _settle()
    collector.stop()
    left = [f"thread {thread.name}" for thread in threading.enumerate() if thread not in threads and _is_alive(thread)]
    left += [f"window {widget!r}" for widget in QApplication.topLevelWidgets() if _is_left(widget, windows)]
    left += [f"running {found!r}" for found in gc.get_objects() if _is_running(found)]
    assert not left, "left behind: " + ", ".join(left)


def _settle() -> None:
    """Let deleteLater happen, and collect widgets that only a reference cycle keeps."""
    for _ in range(2):
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        QCoreApplication.processEvents()
        gc.collect()


def _is_alive(thread: threading.Thread) -> bool:
    # Python's stand-in for a QThread never ends; whether the QThread runs is asked for itself.
    return thread.is_alive() and not isinstance(thread, threading._DummyThread)


def _is_left(widget: QWidget, before: set[int]) -> bool:
    # Qt keeps its own popups (tooltips, completers) and deletes them when it likes.
    return id(widget) not in before and widget.isVisible() and type(widget).__module__ != "PySide6.QtWidgets"


def _is_running(found: object) -> bool:
    if not isinstance(found, QThread | QTimer):
        return False
    try:
        return _belongs_to_the_test(found) and (found.isRunning() if isinstance(found, QThread) else found.isActive())
    except RuntimeError:  # the C++ object is gone already
        return False


def _belongs_to_the_test(found: QObject) -> bool:
    return found is not QThread.currentThread() and found is not QCoreApplication.instance()
