"""One message: what it shows in each state, and what its buttons ask for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QDesktopServices, QGuiApplication, QTextCursor
from PySide6.QtWidgets import QLabel, QProgressBar, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from tether_desktop import __version__, paths
from tether_desktop.logs import log_file
from tether_desktop.ui.chat.error_card import ErrorCard
from tether_desktop.ui.chat.message_parts import Notice, StatusLine, VersionSwitch
from tether_desktop.ui.chat.message_view import Figures, MessageView, Thoughts, ViewState
from tether_desktop.ui.chat.message_widget import MessageWidget
from tether_desktop.ui.chat.question_editor import QuestionEditor
from tether_desktop.ui.chat.reply_message import ERROR, ReplyMessage
from tether_desktop.ui.chat.user_message import UserMessage
from tether_desktop.ui.look.fold import Fold
from tether_desktop.ui.look.icons import IconButton

WIDTH = 700
QUESTION = MessageView("q", "user", "How **much**?\nReally")
REPLY = MessageView("a", "assistant", "So *much*.", model="Qwen 3 8B", meta="Q4 · 87 tok/s")
FAILED = replace(REPLY, state="error", error_title="It died", error_message="The engine ended.", error_hint="Retry.")

Make = Callable[[MessageView], MessageWidget]


@pytest.fixture
def make(qtbot: QtBot) -> Make:
    """Makes and shows the widget of a message."""
    windows: list[QWidget] = []

    def made(view: MessageView) -> MessageWidget:
        window = QWidget()
        windows.append(window)
        qtbot.addWidget(window)
        widget = UserMessage(view, window) if view.role == "user" else ReplyMessage(view, window)
        window.resize(WIDTH, 600)
        window.show()
        lay_out(widget)
        return widget

    return made


def lay_out(widget: MessageWidget) -> int:
    height = widget.fit(WIDTH)
    widget.resize(WIDTH, height)
    return height


def shown(widget: QWidget, kind: type[Any]) -> Any:
    """The one child of a kind that is visible, or None."""
    found = [child for child in widget.findChildren(kind) if not child.isHidden()]
    assert len(found) <= 1
    return found[0] if found else None


def button(widget: QWidget, name: str) -> IconButton:
    (found,) = [child for child in widget.findChildren(IconButton) if child.accessibleName() == name]
    return found


def visible_texts(widget: QWidget) -> list[str]:
    return [label.text() for label in widget.findChildren(QLabel) if label.isVisible() and label.text()]


def click(qtbot: QtBot, widget: QWidget) -> None:
    assert widget.isVisible()
    qtbot.mouseClick(widget, Qt.MouseButton.LeftButton)


def test_a_question_is_a_bubble_on_the_right_as_wide_as_its_words(make: Make) -> None:
    short, long = make(QUESTION), make(replace(QUESTION, text="many words " * 60))
    assert short.body.toPlainText() == "How much?\nReally"
    assert short.body.geometry().right() > WIDTH - 40
    assert short.body.width() < 150
    assert 400 < long.body.width() < WIDTH * 0.75
    assert long.height() > short.height()


def test_a_reply_takes_the_width_beside_its_avatar(make: Make) -> None:
    widget = make(REPLY)
    assert widget.body.toPlainText() == "So much."
    assert widget.body.geometry().right() == WIDTH - 1


@pytest.mark.parametrize("view", [QUESTION, REPLY], ids=["question", "reply"])
def test_screen_readers_hear_who_speaks_and_what(make: Make, view: MessageView) -> None:
    speaker = "You said" if view.role == "user" else "Qwen 3 8B answered"
    assert make(view).accessibleName() == f"{speaker}: {view.text}"


@pytest.mark.parametrize(
    ("state", "progress", "words"),
    [
        ("waiting", None, "Waiting for the model…"),
        ("loading", None, "Loading model…"),
        ("loading", 0.43, "Loading model 43 %"),
        ("reading", 0.61, "Reading prompt 61 %"),
        ("thinking", None, "Thinking…"),
        ("streaming", None, "Writing…"),
        ("cancelled", None, "Stopped"),
        ("cut_off", None, "Cut off at the longest length of a reply"),
    ],
)
def test_a_reply_says_what_it_is_doing(make: Make, state: ViewState, progress: float | None, words: str) -> None:
    widget = make(replace(REPLY, text="", state=state, progress=progress))
    assert visible_texts(shown(widget, StatusLine)) == [words]
    bar = shown(widget, QProgressBar)
    assert (bar.value() if bar else None) == (round(progress * 1000) if progress is not None else None)


def test_a_reply_that_is_done_says_nothing_more(make: Make) -> None:
    widget = make(replace(REPLY, text="", state="loading", progress=0.5))
    before = widget.height()
    widget.show_view(replace(REPLY, text=""))
    assert shown(widget, StatusLine) is None
    assert lay_out(widget) < before


def test_text_that_arrives_replaces_the_word_writing(make: Make) -> None:
    widget = make(replace(REPLY, text="", state="streaming"))
    widget.show_view(replace(REPLY, text="So", state="streaming"))
    assert shown(widget, StatusLine) is None
    assert widget.body.toPlainText() == "So"


def test_thoughts_are_folded_and_open_on_a_click(qtbot: QtBot, make: Make) -> None:
    widget = make(replace(REPLY, asides=(Thoughts(0, "Hmm, *well*.", 4.2),)))
    fold = shown(widget, Fold)
    assert fold.header.text() == "Thought for 4.2 s"
    assert fold.body is None
    closed = widget.height()
    with qtbot.waitSignals([widget.fold_toggled, widget.resized]):
        click(qtbot, fold.header)
    assert lay_out(widget) > closed
    assert fold.body.toPlainText() == "Hmm, well."
    click(qtbot, fold.header)
    assert lay_out(widget) == closed


def test_thoughts_open_with_the_keyboard(qtbot: QtBot, make: Make) -> None:
    widget = make(replace(REPLY, asides=(Thoughts(0, "Hmm."),)))
    header = shown(widget, Fold).header
    qtbot.keyClick(header, Qt.Key.Key_Space)
    assert header.isChecked()


@pytest.mark.parametrize(
    ("state", "seconds", "label"),
    [
        ("thinking", None, "Thinking…"),
        ("done", None, "Thoughts"),
        ("streaming", 0.5, "Thought for 500 ms"),
        ("done", 72.0, "Thought for 1 min 12 s"),
    ],
)
def test_the_fold_says_how_long_it_took(make: Make, state: ViewState, seconds: float | None, label: str) -> None:
    widget = make(replace(REPLY, asides=(Thoughts(0, "Hmm.", seconds),), state=state))
    assert shown(widget, Fold).header.text() == label


def test_thoughts_stream_into_an_open_fold(qtbot: QtBot, make: Make) -> None:
    widget = make(replace(REPLY, text="", asides=(Thoughts(0, "One"),), state="thinking"))
    fold = shown(widget, Fold)
    click(qtbot, fold.header)
    widget.show_view(replace(REPLY, text="", asides=(Thoughts(0, "One two"),), state="thinking"))
    assert fold.body.toPlainText() == "One two"


def test_an_error_keeps_the_text_and_offers_another_try(qtbot: QtBot, make: Make) -> None:
    widget = make(FAILED)
    card = shown(widget, ErrorCard)
    assert visible_texts(card) == ["It died", "The engine ended.", "Retry."]
    assert widget.body.toPlainText() == "So much."
    with qtbot.waitSignal(widget.retry_requested) as asked:
        click(qtbot, card.findChild(QPushButton))
    assert asked.args == ["a"]


def test_an_error_without_a_hint_leaves_no_gap(make: Make) -> None:
    assert make(replace(FAILED, error_hint="")).height() < make(FAILED).height()


def test_error_texts_are_never_taken_for_html(make: Make) -> None:
    widget = make(replace(REPLY, state="error", error_title="a", error_message="<b>b</b>"))
    assert "<b>b</b>" in visible_texts(widget)
    formats = {label.textFormat() for label in shown(widget, ErrorCard).findChildren(QLabel) if label.text()}
    assert formats == {Qt.TextFormat.PlainText}


def test_a_notice_is_shown_above_the_reply(make: Make) -> None:
    widget = make(replace(REPLY, notice="2 messages were left out."))
    notice = shown(widget, Notice)
    assert visible_texts(notice) == ["2 messages were left out."]
    assert notice.geometry().bottom() < widget.body.geometry().top()


def test_buttons_appear_while_the_keyboard_is_in_the_message(make: Make) -> None:
    widget = make(REPLY)
    before = widget.height()
    assert widget.findChildren(IconButton) == []
    widget.set_active(True)
    assert button(widget, "Copy message").isVisible()
    assert lay_out(widget) == before
    widget.set_active(False)
    assert not button(widget, "Copy message").isVisible()


def test_a_reply_that_is_being_written_offers_no_buttons(make: Make) -> None:
    widget = make(replace(REPLY, state="streaming"))
    widget.set_active(True)
    assert widget.findChildren(IconButton) == []


def test_the_buttons_ask_for_what_they_say(qtbot: QtBot, make: Make) -> None:
    widget = make(REPLY)
    widget.set_active(True)
    for name, signal in (("Copy message", widget.copy_requested), ("Answer again", widget.regenerate_requested)):
        with qtbot.waitSignal(signal) as asked:
            click(qtbot, button(widget, name))
        assert asked.args[0] == "a"


def test_versions_are_always_offered_and_stop_at_the_ends(qtbot: QtBot, make: Make) -> None:
    widget = make(replace(REPLY, version=2, versions=3))
    switch = shown(widget, VersionSwitch)
    assert visible_texts(switch) == ["2 / 3"]
    for side, version in ((switch.previous, 1), (switch.next, 3)):
        with qtbot.waitSignal(widget.version_requested) as asked:
            click(qtbot, side)
        assert asked.args == ["a", version]
    widget.show_view(replace(REPLY, version=3, versions=3))
    assert (switch.previous.isEnabled(), switch.next.isEnabled()) == (True, False)


def test_a_question_is_edited_in_place_and_sent_again(qtbot: QtBot, make: Make) -> None:
    widget = make(QUESTION)
    widget.set_active(True)
    with qtbot.waitSignal(widget.resized):
        click(qtbot, button(widget, "Edit and send again"))
    editor = shown(widget, QuestionEditor)
    lay_out(widget)
    assert editor.field.toPlainText() == QUESTION.text
    assert not widget.body.isVisible()
    assert widget.is_pinned
    editor.field.setPlainText("How little?")
    with qtbot.waitSignal(widget.edit_requested) as asked:
        click(qtbot, editor.save)
    assert asked.args == ["q", "How little?"]
    assert widget.body.isVisible()


def test_escape_leaves_the_question_as_it_was(qtbot: QtBot, make: Make) -> None:
    widget = make(QUESTION)
    assert isinstance(widget, UserMessage)
    widget.edit()
    editor = shown(widget, QuestionEditor)
    editor.field.setPlainText("other")
    with qtbot.assertNotEmitted(widget.edit_requested):
        qtbot.keyClick(editor.field, Qt.Key.Key_Escape)
    assert widget.body.toPlainText() == "How much?\nReally"


def test_control_enter_sends_and_enter_breaks_the_line(qtbot: QtBot, make: Make) -> None:
    widget = make(QUESTION)
    assert isinstance(widget, UserMessage)
    widget.edit()
    editor = shown(widget, QuestionEditor)
    editor.field.moveCursor(QTextCursor.MoveOperation.End)
    qtbot.keyClick(editor.field, Qt.Key.Key_Return)
    with qtbot.waitSignal(widget.edit_requested) as asked:
        qtbot.keyClick(editor.field, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert asked.args == ["q", QUESTION.text + "\n"]


def test_an_empty_question_cannot_be_sent(qtbot: QtBot, make: Make) -> None:
    widget = make(QUESTION)
    assert isinstance(widget, UserMessage)
    widget.edit()
    editor = shown(widget, QuestionEditor)
    editor.field.setPlainText("  \n ")
    assert not editor.save.isEnabled()
    with qtbot.assertNotEmitted(widget.edit_requested):
        qtbot.keyClick(editor.field, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)


def test_the_editor_grows_with_its_text_up_to_a_limit(make: Make) -> None:
    widget = make(QUESTION)
    assert isinstance(widget, UserMessage)
    widget.edit()
    heights = []
    for lines in (1, 6, 40, 80):
        shown(widget, QuestionEditor).field.setPlainText("\n".join("x" * lines))
        heights.append(lay_out(widget))
    assert heights[0] < heights[1] < heights[2] == heights[3]


def test_a_selection_pins_a_message(make: Make) -> None:
    widget = make(REPLY)
    assert not widget.is_pinned
    widget.body.selectAll()
    assert widget.is_pinned


def test_a_reply_is_mirrored_where_lines_begin_at_the_right(make: Make) -> None:
    view = replace(FAILED, text="", notice="Left out", asides=(Thoughts(0, "Hm", 1.0),))
    left = make(view)
    right = make(view)
    right.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    lay_out(right)
    for kind in (Notice, Fold, ErrorCard):
        one, other = shown(left, kind), shown(right, kind)
        assert one.geometry().left() == WIDTH - 1 - other.geometry().right() > 0
        assert one.size() == other.size()
    again = [next(each for each in message.findChildren(ErrorCard)).retry for message in (left, right)]
    assert again[0].geometry().left() == again[1].parentWidget().width() - 1 - again[1].geometry().right()
    assert right.grab().toImage() != left.grab().toImage()


def test_the_buttons_of_a_question_stand_below_it_in_both_directions(qtbot: QtBot, make: Make) -> None:
    for direction in (Qt.LayoutDirection.LeftToRight, Qt.LayoutDirection.RightToLeft):
        message = make(QUESTION)
        message.setLayoutDirection(direction)
        message.set_active(True)
        lay_out(message)
        copy = button(message, "Copy message")
        assert (copy.mapTo(message, copy.rect().center()).x() < WIDTH / 2) == (direction.name == "RightToLeft")


CODED = replace(FAILED, error_code="engine_died", figures=Figures("Qwen3-8B-q4_1-MLC"))


def test_the_details_of_an_error_are_folded_and_remembered(qtbot: QtBot, make: Make) -> None:
    widget = make(CODED)
    card = shown(widget, ErrorCard)
    closed = lay_out(widget)
    assert not card.facts.isVisible()
    with qtbot.waitSignal(widget.fold_toggled) as toggled, qtbot.waitSignal(widget.resized):
        click(qtbot, card.details_button)
    assert toggled.args == ["a", ERROR, True]
    assert lay_out(widget) > closed + 60
    assert card.facts.isVisible()
    assert card.logs_button.isVisible()
    again = ReplyMessage(CODED, widget.parentWidget(), open_folds={ERROR})
    assert lay_out(again) == lay_out(widget)


def test_what_is_copied_of_an_error_helps_a_report(qtbot: QtBot, make: Make) -> None:
    card = shown(make(CODED), ErrorCard)
    click(qtbot, card.copy_button)
    copied = QGuiApplication.clipboard().text()
    assert copied.startswith("It died\nThe engine ended.\nRetry.\n")
    for fact in ("Kind: engine_died", "Model: Qwen3-8B-q4_1-MLC", f"Tether {__version__}", str(log_file())):
        assert fact in copied
    assert "So much" not in copied


def test_what_the_model_ran_on_is_said_where_it_is_known(qtbot: QtBot) -> None:
    parent = QWidget()
    qtbot.addWidget(parent)
    for devices, said in (({"Qwen3-8B-q4_1-MLC": "cpu, 8 threads"}, True), ({}, False)):
        facts = shown(ReplyMessage(CODED, parent, devices=devices), ErrorCard).facts.text()
        assert ("Device: cpu, 8 threads" in facts) == said


def test_of_an_error_that_was_stored_no_kind_is_made_up(make: Make) -> None:
    assert "Kind" not in shown(make(FAILED), ErrorCard).facts.text()


def test_the_folder_of_logs_is_opened(qtbot: QtBot, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile()))
    card = shown(make(CODED), ErrorCard)
    click(qtbot, card.details_button)
    click(qtbot, card.logs_button)
    assert [Path(each) for each in opened] == [paths.log_dir()]
