"""A question over the window is answered by mouse and keyboard, and lets nothing through until then."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from tether_desktop.ui.system.sheet import Sheet

ANSWERS = {"stay": "Stay", "go": "Go"}


@pytest.fixture
def window(qtbot: QtBot) -> QWidget:
    window = QWidget()
    qtbot.addWidget(window)
    QVBoxLayout(window).addWidget(QPushButton("Below"))
    window.resize(800, 600)
    window.show()
    qtbot.waitExposed(window)
    return window


def test_an_answer_is_told_with_whether_it_is_to_hold(qtbot: QtBot, window: QWidget) -> None:
    sheet = Sheet(window)
    sheet.ask("Go?", "It is late.", ANSWERS, remember="Always")
    sheet.remember.setChecked(True)
    with qtbot.waitSignal(sheet.answered) as answered:
        qtbot.mouseClick(sheet.buttons["go"], Qt.MouseButton.LeftButton)
    assert answered.args == ["go", True]
    assert sheet.isHidden()


def test_enter_takes_the_safe_answer_and_escape_none(qtbot: QtBot, window: QWidget) -> None:
    sheet = Sheet(window)
    sheet.ask("Go?", "It is late.", ANSWERS)
    assert not sheet.remember.isVisible()
    with qtbot.waitSignal(sheet.answered) as answered:
        QTest.keyClick(sheet.buttons["stay"], Qt.Key.Key_Return)
    assert answered.args == ["stay", False]
    sheet.ask("Go?", "It is late.", ANSWERS)
    with qtbot.waitSignal(sheet.dismissed), qtbot.assertNotEmitted(sheet.answered):
        QTest.keyClick(sheet, Qt.Key.Key_Escape)


def test_tab_stays_on_the_sheet_and_it_covers_the_window_at_any_size(qtbot: QtBot, window: QWidget) -> None:
    sheet = Sheet(window)
    sheet.ask("Go?", "It is late.", ANSWERS)
    assert sheet.focusWidget() is sheet.buttons["stay"]
    seen = set()
    for _ in range(4):
        QTest.keyClick(sheet.focusWidget() or sheet, Qt.Key.Key_Tab)
        seen.add(sheet.focusWidget())
    assert seen == set(sheet.buttons.values())
    window.resize(900, 500)
    assert sheet.size() == window.size()


def test_long_words_are_shown_whole(qtbot: QtBot, window: QWidget) -> None:
    sheet = Sheet(window)
    sheet.ask("Go?", "It is late, and the way is long. " * 6, ANSWERS, remember="Always")
    assert sheet.text.height() >= sheet.text.heightForWidth(sheet.text.width())
