"""The field of the composer: what is pasted, earlier questions, blanks, keys that send, and words being composed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QMimeData, Qt, QUrl
from PySide6.QtGui import QImage, QInputMethodEvent, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QApplication, QLineEdit, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from tether_desktop.ui.composer.composer_edit import LONG, MANY_LINES, ComposerEdit

CTRL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def edit(qtbot: QtBot) -> Iterator[ComposerEdit]:
    window = QWidget()
    qtbot.addWidget(window)
    made = ComposerEdit()
    column = QVBoxLayout(window)
    column.addWidget(made)
    column.addWidget(QLineEdit())
    window.resize(400, 200)
    with qtbot.waitActive(window):
        window.show()
        window.activateWindow()
    made.setFocus()
    yield made
    window.close()


def pasted(text: str) -> QMimeData:
    data = QMimeData()
    data.setText(text)
    return data


@pytest.mark.parametrize("text", ["x" * (LONG + 1), "a\n" * MANY_LINES, "x" * 1_000_000, "word\n" * 10_000])
def test_a_long_text_that_is_pasted_is_told_of_and_not_put_in(qtbot: QtBot, edit: ComposerEdit, text: str) -> None:
    with qtbot.waitSignal(edit.long_text_pasted) as told:
        edit.insertFromMimeData(pasted(text))
    assert told.args == [text]
    assert edit.text() == ""


def test_a_short_text_is_put_in_and_can_be_taken_back(edit: ComposerEdit) -> None:
    edit.insertFromMimeData(pasted("x" * LONG))
    assert edit.text() == "x" * LONG
    edit.undo()
    assert edit.text() == ""


def test_files_that_are_pasted_are_told_of(qtbot: QtBot, edit: ComposerEdit) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile("/x/a.txt")])
    with qtbot.waitSignal(edit.files_pasted) as told:
        edit.insertFromMimeData(data)
    assert told.args == [[Path("/x/a.txt")]]
    assert edit.text() == ""


def test_an_address_that_is_pasted_is_text(edit: ComposerEdit) -> None:
    data = QMimeData()
    data.setUrls([QUrl("https://example.org/")])
    edit.insertFromMimeData(data)
    assert edit.text() == "https://example.org/"


def test_a_picture_is_told_of_unless_there_are_words_with_it(qtbot: QtBot, edit: ComposerEdit) -> None:
    data = QMimeData()
    data.setImageData(QImage(4, 4, QImage.Format.Format_RGB32))
    assert edit.canInsertFromMimeData(data)
    with qtbot.waitSignal(edit.picture_pasted):
        edit.insertFromMimeData(data)
    data.setText("a cell")
    edit.insertFromMimeData(data)
    assert edit.text() == "a cell"


def test_up_and_down_go_through_the_earlier_questions(qtbot: QtBot, edit: ComposerEdit) -> None:
    edit.past = lambda: ["first", "second\nof two lines"]
    qtbot.keyClick(edit, Qt.Key.Key_Up)
    assert edit.text() == "second\nof two lines"
    qtbot.keyClick(edit, Qt.Key.Key_Up)
    assert edit.text() == "first"
    qtbot.keyClick(edit, Qt.Key.Key_Up)
    assert edit.text() == "first"
    qtbot.keyClick(edit, Qt.Key.Key_Down)
    assert edit.text() == "second\nof two lines"
    qtbot.keyClick(edit, Qt.Key.Key_Down)
    assert edit.text() == ""


def test_what_was_typed_is_never_replaced_by_an_earlier_question(qtbot: QtBot, edit: ComposerEdit) -> None:
    edit.past = lambda: ["first"]
    qtbot.keyClicks(edit, "mine")
    qtbot.keyClick(edit, Qt.Key.Key_Up)
    qtbot.keyClick(edit, Qt.Key.Key_Down)
    assert edit.text() == "mine"


def test_an_earlier_question_that_was_changed_stays(qtbot: QtBot, edit: ComposerEdit) -> None:
    edit.past = lambda: ["first", "second"]
    qtbot.keyClick(edit, Qt.Key.Key_Up)
    qtbot.keyClicks(edit, "!")
    qtbot.keyClick(edit, Qt.Key.Key_Up)
    qtbot.keyClick(edit, Qt.Key.Key_Down)
    assert edit.text() == "!second"


def test_up_without_earlier_questions_does_nothing(qtbot: QtBot, edit: ComposerEdit) -> None:
    qtbot.keyClick(edit, Qt.Key.Key_Up)
    assert edit.text() == ""


def test_tab_goes_through_the_blanks_and_then_out_of_the_field(qtbot: QtBot, edit: ComposerEdit) -> None:
    edit.set_text("Say {{what}} to {{whom}}.")
    edit.fill_in()
    assert edit.textCursor().selectedText() == "{{what}}"
    qtbot.keyClick(edit, Qt.Key.Key_Tab)
    assert edit.textCursor().selectedText() == "{{whom}}"
    qtbot.keyClick(edit, Qt.Key.Key_Tab)
    assert edit.textCursor().selectedText() == "{{what}}"
    qtbot.keyClick(edit, Qt.Key.Key_Backtab)
    assert edit.textCursor().selectedText() == "{{whom}}"
    qtbot.keyClicks(edit, "you")
    qtbot.keyClick(edit, Qt.Key.Key_Tab)
    qtbot.keyClicks(edit, "hi")
    assert edit.text() == "Say hi to you."
    qtbot.keyClick(edit, Qt.Key.Key_Tab)
    assert isinstance(QApplication.focusWidget(), QLineEdit)


def test_braces_that_somebody_types_hold_no_tab(qtbot: QtBot, edit: ComposerEdit) -> None:
    edit.set_text("a template {{name}}")
    qtbot.keyClick(edit, Qt.Key.Key_Tab)
    assert isinstance(QApplication.focusWidget(), QLineEdit)


def test_enter_breaks_the_line_where_control_enter_sends(qtbot: QtBot, edit: ComposerEdit) -> None:
    edit.send_key = "ctrl_enter"
    qtbot.keyClicks(edit, "a")
    with qtbot.assertNotEmitted(edit.submitted):
        qtbot.keyClick(edit, Qt.Key.Key_Return)
    qtbot.keyClicks(edit, "b")
    assert edit.text() == "a\nb"
    with qtbot.waitSignal(edit.submitted):
        qtbot.keyClick(edit, Qt.Key.Key_Return, CTRL)


def test_enter_belongs_to_a_word_that_is_being_composed(qtbot: QtBot, edit: ComposerEdit) -> None:
    QApplication.sendEvent(edit, QInputMethodEvent("ni", []))
    with qtbot.assertNotEmitted(edit.submitted):
        qtbot.keyClick(edit, Qt.Key.Key_Return)
    done = QInputMethodEvent()
    done.setCommitString("你")
    QApplication.sendEvent(edit, done)
    with qtbot.waitSignal(edit.submitted):
        qtbot.keyClick(edit, Qt.Key.Key_Return)
    assert "你" in edit.text()


def test_the_keys_of_redo_are_left_to_the_window_where_there_is_nothing_to_redo(
    qtbot: QtBot, edit: ComposerEdit
) -> None:
    def is_taken() -> bool:
        keys = QKeySequence.keyBindings(QKeySequence.StandardKey.Redo)[0][0]
        event = QKeyEvent(QEvent.Type.ShortcutOverride, keys.key(), keys.keyboardModifiers())
        event.ignore()
        QApplication.sendEvent(edit, event)
        return event.isAccepted()

    assert not is_taken()
    qtbot.keyClicks(edit, "word")
    edit.undo()
    assert is_taken()
