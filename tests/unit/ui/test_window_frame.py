"""The window comes back to where it was, and never to where nobody can see it."""

from __future__ import annotations

from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from tether_desktop.ui.window_frame import SMALLEST, WindowFrame


def saved(qtbot: QtBot, x: int, y: int, width: int, height: int) -> str:
    """What a window at a place leaves behind."""
    frame = WindowFrame()
    qtbot.addWidget(frame)
    frame.setGeometry(x, y, width, height)
    return frame.geometry_text


def test_a_window_comes_back_to_where_it_was(qtbot: QtBot) -> None:
    frame = WindowFrame()
    qtbot.addWidget(frame)
    frame.take_place(saved(qtbot, 40, 60, 700, 500))
    assert frame.geometry().getRect() == (40, 60, 700, 500)


def test_a_window_whose_screen_is_gone_comes_to_one_that_is_there(qtbot: QtBot) -> None:
    frame = WindowFrame()
    qtbot.addWidget(frame)
    frame.take_place(saved(qtbot, 9_000, 9_000, 700, 500))
    assert QApplication.primaryScreen().availableGeometry().contains(frame.geometry().center())


def test_a_spoilt_place_is_as_a_first_start(qtbot: QtBot) -> None:
    frame = WindowFrame()
    qtbot.addWidget(frame)
    frame.take_place("not a place at all")
    assert frame.width() >= SMALLEST.width()


def test_the_first_frame_is_told_once(qtbot: QtBot) -> None:
    frame = WindowFrame()
    qtbot.addWidget(frame)
    with qtbot.waitSignal(frame.painted):
        frame.show()
    with qtbot.assertNotEmitted(frame.painted, wait=50):
        frame.repaint()
    frame.hide()
