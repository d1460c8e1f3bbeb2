"""The composer: keys, growth, pasting, and saying why nothing can be sent."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QMimeData, Qt
from PySide6.QtGui import QKeySequence, QShortcut, QTextCursor
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from tether_desktop.ui.composer.composer import Composer
from tether_desktop.ui.composer.message_edit import LONG_LINE, MAX_LINES
from tether_desktop.ui.composer.question import Question


@pytest.fixture
def composer(qtbot: QtBot) -> Iterator[Composer]:
    widget = Composer()
    qtbot.addWidget(widget)
    widget.resize(700, 120)
    widget.show()
    widget.activateWindow()
    widget.edit.setFocus()
    QApplication.processEvents()
    yield widget
    widget.close()


def paste(composer: Composer, text: str, html: str = "") -> None:
    data = QMimeData()
    data.setText(text)
    if html:
        data.setHtml(html)
    composer.edit.insertFromMimeData(data)


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Enter])
def test_enter_sends_and_empties_the_field(qtbot: QtBot, composer: Composer, key: Qt.Key) -> None:
    qtbot.keyClicks(composer.edit, "  Hello ")
    with qtbot.waitSignal(composer.send_requested) as sent:
        qtbot.keyClick(composer.edit, key)
    assert sent.args == [Question("Hello")]
    assert composer.text() == ""


def test_shift_enter_breaks_the_line(qtbot: QtBot, composer: Composer) -> None:
    qtbot.keyClicks(composer.edit, "one")
    with qtbot.assertNotEmitted(composer.send_requested):
        qtbot.keyClick(composer.edit, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    qtbot.keyClicks(composer.edit, "two")
    with qtbot.waitSignal(composer.send_requested) as sent:
        qtbot.keyClick(composer.edit, Qt.Key.Key_Return)
    assert sent.args[0].text.splitlines() == ["one", "two"]


def test_nothing_but_spaces_is_not_sent(qtbot: QtBot, composer: Composer) -> None:
    qtbot.keyClicks(composer.edit, "   ")
    assert not composer.button.isEnabled()
    with qtbot.assertNotEmitted(composer.send_requested):
        qtbot.keyClick(composer.edit, Qt.Key.Key_Return)


def test_the_button_sends(qtbot: QtBot, composer: Composer) -> None:
    qtbot.keyClicks(composer.edit, "Hi")
    with qtbot.waitSignal(composer.send_requested):
        qtbot.mouseClick(composer.button, Qt.MouseButton.LeftButton)


def test_while_answering_the_button_stops_and_another_one_sends(qtbot: QtBot, composer: Composer) -> None:
    composer.set_busy(True)
    assert composer.row.queue_button.isHidden()
    qtbot.keyClicks(composer.edit, "Next")
    assert "Stop" in composer.button.accessibleName()
    with qtbot.waitSignal(composer.stop_requested):
        qtbot.mouseClick(composer.button, Qt.MouseButton.LeftButton)
    assert composer.text() == "Next"
    with qtbot.waitSignal(composer.send_requested) as sent:
        qtbot.mouseClick(composer.row.queue_button, Qt.MouseButton.LeftButton)
    assert sent.args == [Question("Next")]
    assert composer.text() == ""
    composer.set_busy(False)
    assert "Send" in composer.button.accessibleName()


def test_a_reason_is_shown_and_keeps_from_sending(qtbot: QtBot, composer: Composer) -> None:
    composer.set_reason("There is no model yet.")
    qtbot.keyClicks(composer.edit, "Hi")
    assert composer.reason_label.isVisible()
    assert not composer.button.isEnabled()
    with qtbot.assertNotEmitted(composer.send_requested):
        qtbot.keyClick(composer.edit, Qt.Key.Key_Return)
    composer.set_reason("")
    assert not composer.reason_label.isVisible()
    assert composer.button.isEnabled()


def test_the_field_grows_with_the_text_up_to_a_limit(composer: Composer) -> None:
    one = composer.edit.height()
    composer.set_text("\n".join("abc"))
    three = composer.edit.height()
    composer.set_text("\n".join("x" * MAX_LINES))
    most = composer.edit.height()
    composer.set_text("\n".join("x" * 100))
    assert one < three < most
    assert composer.edit.height() == most
    composer.set_text("")
    assert composer.edit.height() == one


def test_a_long_line_that_wraps_grows_the_field_and_a_wider_one_shrinks_it(composer: Composer) -> None:
    composer.set_text("word " * 60)
    narrow = composer.edit.height()
    composer.resize(1600, 200)
    QApplication.processEvents()
    assert composer.edit.height() < narrow


def test_pasted_rich_text_becomes_plain(composer: Composer) -> None:
    paste(composer, "bold and\r\nred", "<b>bold</b> and <span style='color:red'>red</span>")
    assert composer.text() == "bold and\nred"


@pytest.mark.parametrize(
    "text", ["x" * 1_000_000, "word " * 200_000, "line\n" * 200_000], ids=["line", "words", "lines"]
)
def test_a_megabyte_can_be_written_and_sent(qtbot: QtBot, composer: Composer, text: str) -> None:
    composer.edit.insert(text)
    composer.repaint()
    qtbot.keyClicks(composer.edit, "ab")
    with qtbot.waitSignal(composer.send_requested) as sent:
        qtbot.keyClick(composer.edit, Qt.Key.Key_Return)
    assert sent.args == [Question(text + "ab")]


def test_the_first_character_tells_that_somebody_types(qtbot: QtBot, composer: Composer) -> None:
    with qtbot.waitSignal(composer.typing_started):
        qtbot.keyClick(composer.edit, Qt.Key.Key_A)
    with qtbot.assertNotEmitted(composer.typing_started):
        qtbot.keyClick(composer.edit, Qt.Key.Key_B)
    composer.edit.clear()
    with qtbot.waitSignal(composer.typing_started):
        qtbot.keyClick(composer.edit, Qt.Key.Key_A)


def test_the_model_is_named_in_the_empty_field(composer: Composer) -> None:
    composer.set_model_title("Tiny")
    assert composer.edit.placeholderText() == "Message Tiny…"


def test_a_long_pasted_line_stays_one_line_when_edited_and_copied(qtbot: QtBot, composer: Composer) -> None:
    line = "0123456789" * 1000
    composer.edit.insert(f"first\n{line}\nlast")
    assert composer.edit.document().blockCount() == 2 + len(line) // LONG_LINE
    assert composer.text() == f"first\n{line}\nlast"
    cursor = composer.edit.textCursor()
    cursor.setPosition(6 + 10 + LONG_LINE)
    composer.edit.setTextCursor(cursor)
    qtbot.keyClick(composer.edit, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    assert composer.text().count("\n") == 3
    composer.edit.undo()
    composer.edit.selectAll()
    assert composer.edit.createMimeDataFromSelection().text() == f"first\n{line}\nlast"


def test_a_command_of_the_window_comes_before_the_keys_of_editing(qtbot: QtBot, composer: Composer) -> None:
    asked: list[bool] = []
    composer.set_text("some words")
    qtbot.keyClick(composer.edit, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    assert composer.edit.textCursor().hasSelection()
    QShortcut(QKeySequence("Ctrl+A"), composer, lambda: asked.append(True))
    composer.edit.moveCursor(QTextCursor.MoveOperation.End)
    qtbot.keyClick(composer.edit, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    assert asked == [True]
    assert not composer.edit.textCursor().hasSelection()


def test_replacing_a_part_of_the_text_by_pasting_leaves_the_rest(composer: Composer) -> None:
    composer.set_text("one two three")
    cursor = composer.edit.textCursor()
    cursor.setPosition(4)
    cursor.setPosition(7, cursor.MoveMode.KeepAnchor)
    composer.edit.setTextCursor(cursor)
    paste(composer, "2")
    assert composer.text() == "one 2 three"
