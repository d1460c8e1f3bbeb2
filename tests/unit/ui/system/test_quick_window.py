"""The quick window takes one question and shows its answer."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from tether_desktop.ui.chat.message_view import MessageView
from tether_desktop.ui.system.quick_window import MOST_ANSWER, QuickWindow

REPLY = MessageView("r", "assistant", "Half an", state="streaming")


@pytest.fixture
def quick(qtbot: QtBot) -> QuickWindow:
    quick = QuickWindow()
    qtbot.addWidget(quick)
    quick.appear()
    qtbot.waitExposed(quick)
    return quick


def test_enter_asks_and_empties_the_field(qtbot: QtBot, quick: QuickWindow) -> None:
    QTest.keyClicks(quick.edit, "  How high is K2? ")
    with qtbot.waitSignal(quick.asked) as asked:
        QTest.keyClick(quick.edit, Qt.Key.Key_Return)
    assert asked.args == ["How high is K2?"]
    assert quick.edit.text() == ""
    with qtbot.assertNotEmitted(quick.asked):
        QTest.keyClick(quick.edit, Qt.Key.Key_Return)


def test_the_answer_grows_until_it_scrolls(quick: QuickWindow) -> None:
    small = quick.height()
    quick.show_reply("How high?", REPLY)
    assert quick.height() > small
    quick.show_reply("How high?", replace(REPLY, text="A line.\n\n" * 200))
    assert quick.height() < MOST_ANSWER + 300
    quick.start_anew()
    assert quick.height() == small


def test_escape_stops_an_answer_and_then_hides_the_window(qtbot: QtBot, quick: QuickWindow) -> None:
    quick.show_reply("How high?", REPLY)
    with qtbot.waitSignal(quick.stop_requested):
        QTest.keyClick(quick, Qt.Key.Key_Escape)
    quick.show_reply("How high?", replace(REPLY, state="done"))
    with qtbot.waitSignal(quick.hidden):
        QTest.keyClick(quick, Qt.Key.Key_Escape)
    assert not quick.isVisible()


def test_an_error_is_told_in_place_of_the_answer(quick: QuickWindow) -> None:
    quick.show_reply("How?", replace(REPLY, text="", state="error", error_title="No", error_message="It broke."))
    assert quick.status_label.text() == "No It broke."
    assert not quick.copy_button.isEnabled()


def test_nothing_is_asked_while_there_is_no_model(quick: QuickWindow) -> None:
    quick.set_reason("There is no model yet.")
    assert not quick.edit.isEnabled()
    assert quick.status_label.isVisible()


def test_shift_and_enter_begin_a_line_and_the_button_asks(qtbot: QtBot, quick: QuickWindow) -> None:
    QTest.keyClicks(quick.edit, "one")
    with qtbot.assertNotEmitted(quick.asked):
        QTest.keyClick(quick.edit, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    QTest.keyClicks(quick.edit, "two")
    with qtbot.waitSignal(quick.asked) as asked:
        quick.send_button.click()
    assert asked.args == ["one\ntwo"]


def test_while_an_answer_is_written_enter_asks_nothing_and_keeps_what_is_typed(
    qtbot: QtBot, quick: QuickWindow
) -> None:
    quick.show_reply("How high?", REPLY)
    QTest.keyClicks(quick.edit, "And K2?")
    with qtbot.assertNotEmitted(quick.asked):
        QTest.keyClick(quick.edit, Qt.Key.Key_Return)
    assert quick.edit.text() == "And K2?"


def test_escape_in_the_field_puts_the_window_away_too(qtbot: QtBot, quick: QuickWindow) -> None:
    with qtbot.waitSignal(quick.hidden):
        QTest.keyClick(quick.edit, Qt.Key.Key_Escape)
    assert not quick.isVisible()
