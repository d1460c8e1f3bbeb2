"""What closing the window means, and when it is asked."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSystemTrayIcon, QWidget
from pytestqt.qtbot import QtBot

from tests.helpers.gui import Recorder
from tether_desktop.settings import Settings
from tether_desktop.ui.system.closing_desk import ClosingDesk, Running

Make = Callable[..., ClosingDesk]


@pytest.fixture
def make(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Make:
    def make(closing: str = "ask", *, tray: bool = True, running: Running = Running()) -> ClosingDesk:  # noqa: B008
        monkeypatch.setattr(QSystemTrayIcon, "isSystemTrayAvailable", lambda: tray)
        window = QWidget()
        qtbot.addWidget(window)
        desk = ClosingDesk(window, lambda: running)
        desk.follow(Settings().model_copy(update={"closing": closing}))
        return desk

    return make


@pytest.mark.parametrize("closing", ["ask", "background", "quit"])
def test_where_there_is_no_tray_closing_ends_the_program(make: Make, closing: str) -> None:
    desk = make(closing, tray=False)
    left, hidden = Recorder(desk.left), Recorder(desk.sent_to_tray)
    desk.close_window()
    assert (len(left.calls), len(hidden.calls)) == (1, 0)


def test_closing_does_what_was_chosen(make: Make) -> None:
    desk = make("background")
    hidden = Recorder(desk.sent_to_tray)
    desk.close_window()
    assert len(hidden.calls) == 1
    desk = make("quit")
    left = Recorder(desk.left)
    desk.close_window()
    assert len(left.calls) == 1


@pytest.mark.parametrize(("answer", "kept"), [("tray", "background"), ("quit", "quit")])
def test_it_is_asked_once_where_the_window_goes(qtbot: QtBot, make: Make, answer: str, kept: str) -> None:
    desk = make()
    left, hidden, remembered = Recorder(desk.left), Recorder(desk.sent_to_tray), Recorder(desk.remembered)
    desk.close_window()
    assert desk.sheet.title.text() == "Keep Tether in the tray?"
    desk.sheet.remember.setChecked(True)
    qtbot.mouseClick(desk.sheet.buttons[answer], Qt.MouseButton.LeftButton)
    assert remembered.calls == [(kept,)]
    assert (len(left.calls), len(hidden.calls)) == ((0, 1) if answer == "tray" else (1, 0))


def test_an_answer_for_this_time_is_not_remembered(qtbot: QtBot, make: Make) -> None:
    desk = make()
    remembered = Recorder(desk.remembered)
    desk.close_window()
    qtbot.mouseClick(desk.sheet.buttons["tray"], Qt.MouseButton.LeftButton)
    assert remembered.calls == []


def test_quitting_asks_only_while_something_would_be_cut_off(qtbot: QtBot, make: Make) -> None:
    desk = make()
    left = Recorder(desk.left)
    desk.quit()
    assert len(left.calls) == 1
    assert "sheet" not in vars(desk)


@pytest.mark.parametrize(
    ("running", "words"),
    [
        (Running(answers=2), "2 answer"),
        (Running(queued=2), "wait for their turn"),
        (Running(installing=True), "A model is being added."),
        (Running(answers=1, installing=True), "kept as far as they came. A model is being added."),
    ],
)
def test_what_would_be_cut_off_is_told_first(qtbot: QtBot, make: Make, running: Running, words: str) -> None:
    desk = make("quit", running=running)
    left = Recorder(desk.left)
    desk.close_window()
    assert left.calls == []
    assert words in desk.sheet.text.text()
    qtbot.mouseClick(desk.sheet.buttons["stay"], Qt.MouseButton.LeftButton)
    assert left.calls == []
    desk.quit()
    qtbot.mouseClick(desk.sheet.buttons["leave"], Qt.MouseButton.LeftButton)
    assert len(left.calls) == 1


def test_starting_again_asks_in_its_own_words_while_something_would_be_cut_off(qtbot: QtBot, make: Make) -> None:
    desk = make()
    restarted = Recorder(desk.restarted)
    desk.restart()
    assert len(restarted.calls) == 1
    desk = make(running=Running(answers=1))
    left, restarted = Recorder(desk.left), Recorder(desk.restarted)
    desk.restart()
    assert desk.sheet.title.text() == "Restart anyway?"
    qtbot.mouseClick(desk.sheet.buttons["stay"], Qt.MouseButton.LeftButton)
    assert restarted.calls == []
    desk.restart()
    qtbot.mouseClick(desk.sheet.buttons["restart"], Qt.MouseButton.LeftButton)
    assert (len(left.calls), len(restarted.calls)) == (0, 1)
