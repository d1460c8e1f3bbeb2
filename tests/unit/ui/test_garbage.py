"""Garbage is collected in the GUI thread alone."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from typing import ClassVar

import pytest
from PySide6.QtCore import QEventLoop, QTimer
from pytestqt.qtbot import QtBot

from tether_desktop.ui.garbage import DUE, GarbageCollector


class Cycle:
    """An object that only the search finds; it tells who has destroyed it."""

    destroyed_in: ClassVar[list[threading.Thread]] = []

    def __init__(self) -> None:
        self.own = self

    def __del__(self) -> None:
        self.destroyed_in.append(threading.current_thread())


@pytest.fixture
def collector() -> Iterator[GarbageCollector]:
    Cycle.destroyed_in = []
    made = GarbageCollector()
    yield made
    made.stop()


@pytest.mark.usefixtures("collector")
def test_what_a_thread_leaves_is_collected_by_the_gui_once_it_has_nothing_else_to_do(qtbot: QtBot) -> None:
    def work() -> None:
        Cycle()
        for _ in range(3):
            kept = [[] for _ in range(DUE)]
        del kept

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert Cycle.destroyed_in == []
    young = [[] for _ in range(DUE + 10)]
    loop = QEventLoop()
    QTimer.singleShot(0, lambda: QTimer.singleShot(0, loop.quit))
    loop.exec()
    del young
    qtbot.waitUntil(lambda: Cycle.destroyed_in == [threading.main_thread()])


def test_a_collector_that_stops_leaves_the_search_as_it_was_before() -> None:
    was = gc.isenabled()  # off, since every test of the window has a collector
    gc.enable()
    collector = GarbageCollector()
    assert not gc.isenabled()
    collector.stop()
    assert gc.isenabled()
    if not was:
        gc.disable()
