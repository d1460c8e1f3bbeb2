"""Gathering changes for one frame."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from tether_desktop.ui.look import flush_timer
from tether_desktop.ui.look.flush_timer import FRAME_S, SHARE, FlushTimer


class Clock:
    """Time that passes only when told."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        """The time in seconds."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The timer's clock."""
    clock = Clock()
    monkeypatch.setattr(flush_timer, "time", clock)
    return clock


def test_many_requests_make_one_flush(qtbot: QtBot, clock: Clock) -> None:
    parent, flushes = QObject(), []
    timer = FlushTimer(lambda: flushes.append(1), parent)
    for _ in range(10):
        timer.request()
    qtbot.waitUntil(lambda: bool(flushes))
    assert flushes == [1]
    assert timer.wait_ms() == round(FRAME_S * 1000)


def test_the_first_request_after_a_pause_is_served_at_once(clock: Clock) -> None:
    timer = FlushTimer(lambda: None, QObject())
    assert timer.wait_ms() == 0


def test_a_slow_flush_is_followed_by_a_longer_pause(qtbot: QtBot, clock: Clock) -> None:
    flushes: list[int] = []

    def flush() -> None:
        clock.now += 0.1
        flushes.append(1)

    parent = QObject()
    timer = FlushTimer(flush, parent)
    timer.request()
    qtbot.waitUntil(lambda: bool(flushes))
    assert timer.wait_ms() == round(0.1 * SHARE * 1000)
