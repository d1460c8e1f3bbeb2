"""The tray's icon is there while it is of use, and its menu asks for what it says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication, QSystemTrayIcon, QWidget
from pytestqt.qtbot import QtBot

from tether_desktop.settings import Settings
from tether_desktop.ui.look import theme
from tether_desktop.ui.system.notifier import Notifier
from tether_desktop.ui.system.tray import Tray, tray_icon

# The offscreen platform has no tray, and Qt says so.
pytestmark = pytest.mark.qt_log_ignore("systemTrayWindowChanged", extend=True)


@pytest.fixture
def tray(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tray]:
    monkeypatch.setattr(QSystemTrayIcon, "isSystemTrayAvailable", lambda: True)
    monkeypatch.setattr(QSystemTrayIcon, "supportsMessages", lambda: True)
    window = QWidget()
    qtbot.addWidget(window)
    tray = Tray(window)
    yield tray
    tray.close()


def entry(tray: Tray, words: str) -> None:
    next(action for action in tray.menu.actions() if action.text() == words).trigger()


def test_the_icon_is_there_for_as_long_as_somebody_wants_it(tray: Tray) -> None:
    assert not tray.icon.isVisible()
    tray.want("hidden", wanted=True)
    tray.show_port("http://127.0.0.1:8090")
    tray.want("hidden", wanted=False)
    assert tray.icon.isVisible()
    tray.show_port("")
    assert not tray.icon.isVisible()


def test_there_is_no_icon_after_the_end(tray: Tray) -> None:
    tray.close()
    tray.want("hidden", wanted=True)
    assert not tray.icon.isVisible()


@pytest.mark.parametrize(
    ("words", "signal"),
    [
        ("Open Tether", "open_requested"),
        ("New chat", "new_requested"),
        ("Quick question", "quick_requested"),
        ("Quit", "quit_requested"),
    ],
)
def test_each_entry_of_the_menu_asks_for_what_it_says(qtbot: QtBot, tray: Tray, words: str, signal: str) -> None:
    with qtbot.waitSignal(getattr(tray, signal)):
        entry(tray, words)


def test_the_address_of_an_open_port_can_be_copied(tray: Tray) -> None:
    tray.show_port("http://127.0.0.1:8090")
    entry(tray, "Copy http://127.0.0.1:8090")
    assert QApplication.clipboard().text() == "http://127.0.0.1:8090"


def test_the_icon_shows_what_goes_on(tray: Tray) -> None:
    corner = tray_icon("idle").pixmap(32, 32).toImage().pixelColor(25, 25)
    assert corner == QColor(theme.active().color("accent"))
    assert tray_icon("waiting").pixmap(32, 32).toImage().pixelColor(25, 25) == QColor(theme.active().color("warning"))
    tray.show_state("waiting")
    assert tray.icon.icon().isNull(), "nobody sees it yet"
    tray.want("closed", wanted=True)
    assert tray.icon.toolTip() == "Tether waits for your approval"
    assert not tray.icon.icon().isNull()


class Shown:
    """What was shown by the desktop."""

    def __init__(self, tray: Tray, monkeypatch: pytest.MonkeyPatch) -> None:
        self.messages: list[tuple[str, str]] = []
        monkeypatch.setattr(tray.icon, "showMessage", lambda title, text, _icon: self.messages.append((title, text)))


@pytest.fixture
def notifier(qtbot: QtBot, tray: Tray) -> Notifier:
    window = QWidget()
    qtbot.addWidget(window)
    notifier = Notifier(window, tray)
    notifier.follow(Settings())
    return notifier


def test_an_answer_out_of_sight_is_told_by_the_title_of_its_chat(
    qtbot: QtBot, tray: Tray, notifier: Notifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = Shown(tray, monkeypatch)
    notifier.tell_answered("s1", "Holidays")
    assert shown.messages == [("Holidays", "The answer is done.")]
    with qtbot.waitSignal(notifier.chosen) as chosen:
        tray.icon.messageClicked.emit()
    assert chosen.args == ["s1"]
    notifier.withdraw()
    assert not tray.icon.isVisible()


def test_a_chat_without_a_title_says_nothing_of_itself(
    tray: Tray, notifier: Notifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = Shown(tray, monkeypatch)
    notifier.tell_waiting("s1", "")
    assert shown.messages == [("Tether", "A tool waits for your approval.")]


def test_who_wants_no_notifications_gets_none(tray: Tray, notifier: Notifier, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = Shown(tray, monkeypatch)
    notifier.follow(Settings(notifications="off"))
    notifier.tell_answered("s1", "Holidays")
    assert shown.messages == []
