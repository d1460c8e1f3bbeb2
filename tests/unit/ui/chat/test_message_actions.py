"""What can be done with a message: its menu, its figures, its files, and going on where it ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt, QUrl
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from tests.helpers.gui import Recorder
from tether_desktop.messages import Attachment, Timings, Usage
from tether_desktop.ui.chat.chat_view import ChatView
from tether_desktop.ui.chat.figures_popover import FiguresPopover
from tether_desktop.ui.chat.message_view import CallView, Figures, MessageView
from tether_desktop.ui.chat.reply_message import ReplyMessage
from tether_desktop.ui.chat.user_message import UserMessage
from tether_desktop.ui.composer.file_chip import FileChip
from tether_desktop.ui.markdown.blocks import Line

FIGURES = Figures("Qwen3-8B-q4_1-MLC", Usage(812, 640, 155), Timings(0.1, 0.3, 0.4, 2.0))
QUESTION = MessageView("q", "user", "Why?")
REPLY = MessageView("a", "assistant", "Because **so**.", model="Qwen3 8B", figures=FIGURES)
NOTES = Attachment("notes.md", "# Notes", "text/markdown", 7)


@pytest.fixture
def chat(qtbot: QtBot) -> Iterator[ChatView]:
    view = ChatView()
    qtbot.addWidget(view)
    view.set_models([("Qwen3-8B-q4_1-MLC", "Qwen3 8B"), ("Other-q4", "Other")])
    view.resize(900, 700)
    view.show()
    yield view
    for menu in view.findChildren(QMenu):
        menu.close()


def menu_of(chat: ChatView, message_id: str) -> dict[str, Callable[[], Any]]:
    """The menu's lines, by their words; lines of menus within it too."""
    chat.open_menu(message_id, chat.mapToGlobal(QPoint(50, 50)))
    menus = [menu for menu in chat.findChildren(QMenu) if menu.isVisible()]
    lines = [action for menu in menus for action in [*menu.actions(), *_inner(menu)]]
    return {action.text(): action.trigger for action in lines if action.text()}


def _inner(menu: QMenu) -> list[Any]:
    return [inner for each in menu.findChildren(QMenu) for inner in each.actions()]


def reply(chat: ChatView) -> ReplyMessage:
    widget = chat._live["a"]
    assert isinstance(widget, ReplyMessage)
    return widget


def test_the_menu_of_a_reply_offers_what_can_be_done(chat: ChatView) -> None:
    chat.set_messages([QUESTION, REPLY])
    assert list(menu_of(chat, "a")) == [
        "Copy as Markdown",
        "Copy as plain text",
        "Answer again",
        "Answer again with",
        "Branch from here",
        "What the answer took",
        "Qwen3 8B",
        "Other",
    ]


def test_tables_of_a_reply_are_copied_by_its_menu(chat: ChatView) -> None:
    chat.set_messages([QUESTION, replace(REPLY, text="| a | b |\n|---|---|\n| 1 | 2,5 |\n")])
    menu_of(chat, "a")["Copy tables as CSV"]()
    assert QGuiApplication.clipboard().text() == 'a,b\n1,"2,5"\n'


def test_another_model_can_answer(chat: ChatView) -> None:
    chat.set_messages([QUESTION, REPLY])
    asked = Recorder(chat.regenerate_requested)
    menu_of(chat, "a")["Other"]()
    assert asked.calls == [("a", "Other-q4")]


def test_a_message_is_copied_with_or_without_its_marks(chat: ChatView) -> None:
    call = CallView(len("Because **so**."), "c", "clock", state="done", result="12:00")
    chat.set_messages([QUESTION, replace(REPLY, text="Because **so**.\n\n- and $x^2$", asides=(call,))])
    menu_of(chat, "a")["Copy as plain text"]()
    assert QGuiApplication.clipboard().text() == "Because so.\n\n• and $x^2$"
    menu_of(chat, "a")["Copy as Markdown"]()
    assert QGuiApplication.clipboard().text() == "Because **so**.\n\n- and $x^2$"


def test_everything_in_a_message_can_be_selected_and_copied_as_one(qtbot: QtBot, chat: ChatView) -> None:
    call = CallView(len("First."), "c", "clock", state="done", result="12:00")
    chat.set_messages([QUESTION, replace(REPLY, text="First.Then **more**.", asides=(call,))])
    chat.focus_message("a")
    qtbot.keyClick(reply(chat), Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    assert [body.has_selection() for body in reply(chat).bodies()] == [True, True]
    qtbot.keyClick(reply(chat), Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == "First.\n\nThen more."
    assert "Copy what is selected" in menu_of(chat, "a")


def test_a_chat_branches_at_a_message(chat: ChatView) -> None:
    chat.set_messages([QUESTION, REPLY])
    asked = Recorder(chat.branch_requested)
    menu_of(chat, "q")["Branch from here"]()
    assert asked.calls == [("q",)]


def test_a_question_is_edited_from_its_menu(chat: ChatView) -> None:
    chat.set_messages([QUESTION, REPLY])
    menu_of(chat, "q")["Edit and send again"]()
    widget = chat._live["q"]
    assert isinstance(widget, UserMessage)
    assert widget.is_pinned


def test_while_an_answer_is_written_no_other_is_offered(chat: ChatView) -> None:
    chat.set_messages([QUESTION, REPLY, replace(QUESTION, id="q2"), MessageView("b", "assistant", state="streaming")])
    assert "Answer again" not in menu_of(chat, "a")


@pytest.mark.parametrize("state", ["cut_off", "cancelled", "error"])
def test_the_newest_reply_that_ended_too_early_can_go_on(qtbot: QtBot, chat: ChatView, state: Any) -> None:
    chat.set_messages([QUESTION, replace(REPLY, state=state, error_message="It died.")])
    buttons = [part.go_on for part in (reply(chat)._status, reply(chat)._error) if part is not None]
    (button,) = [button for button in buttons if button.isVisible()]
    with qtbot.waitSignal(chat.continue_requested) as asked:
        button.click()
    assert asked.args == ["a"]
    chat.append(replace(QUESTION, id="q2"))
    assert not button.isVisible()


def test_a_reply_that_is_complete_has_nothing_to_go_on_with(chat: ChatView) -> None:
    chat.set_messages([QUESTION, REPLY])
    assert "Continue" not in menu_of(chat, "a")


def test_what_a_reply_took_is_told_beside_its_button(qtbot: QtBot, chat: ChatView) -> None:
    chat.set_messages([QUESTION, REPLY])
    reply(chat).set_active(True)
    reply(chat).show_figures()
    (popover,) = reply(chat).findChildren(FiguresPopover)
    assert dict(popover.rows) == {
        "Model": "Qwen3-8B-q4_1-MLC",
        "Tokens written": "155",
        "Prompt tokens": "812",
        "Known already": "640",
        "Read anew": "172",
        "Speed": "77 tok/s",
        "Time to the first token": "400 ms",
        "Waited for the model": "100 ms",
        "Reading the prompt": "300 ms",
        "Writing": "2.0 s",
    }
    qtbot.keyClick(popover, Qt.Key.Key_Escape)
    assert not popover.isVisible()


def test_files_of_a_question_are_shown_and_opened(qtbot: QtBot, chat: ChatView) -> None:
    chat.set_messages(
        [replace(QUESTION, attachments=(NOTES,)), replace(QUESTION, id="r", text="", attachments=(NOTES,))]
    )
    for message_id in ("q", "r"):
        (chip,) = chat._live[message_id].findChildren(FileChip)
        assert chip.isVisible()
        with qtbot.waitSignal(chat.file_opened) as opened:
            chip.click()
        assert opened.args == [NOTES]
    assert "notes.md" in chat._live["q"].accessibleName()


def test_a_long_question_shows_its_beginning_until_it_is_unfolded(chat: ChatView) -> None:
    chat.set_messages([replace(QUESTION, text="line\n" * 100), REPLY])
    widget = chat._live["q"]
    assert isinstance(widget, UserMessage)
    folded = widget.height()
    assert widget._more is not None
    assert widget._more.text() == "Show more"
    widget._more.click()
    assert widget.height() > 2 * folded
    assert widget._more.text() == "Show less"
    widget._more.click()
    assert widget.height() == folded


def test_of_a_book_as_a_question_all_is_copied_and_a_click_away(qtbot: QtBot, chat: ChatView) -> None:
    book = "word\n" * 10_000
    chat.set_messages([replace(QUESTION, text=book), REPLY])
    widget = chat._live["q"]
    menu_of(chat, "q")["Copy as plain text"]()
    assert QGuiApplication.clipboard().text() == book
    links = [span.link for block in widget.body.blocks if isinstance(block, Line) for span in block.spans if span.link]
    with qtbot.waitSignal(chat.whole_requested) as wanted:
        widget.body.anchorClicked.emit(QUrl(links[-1]))
    assert wanted.args == [book, ""]


def test_messages_are_ordered_for_a_screen_reader_as_they_are_read(chat: ChatView) -> None:
    many = [replace(QUESTION, id=str(number), text=f"{number}") for number in range(60)]
    chat.set_messages(many)
    chat.verticalScrollBar().setValue(0)
    shown = [child.view.id for child in chat.viewport().children() if isinstance(child, UserMessage)]
    alive = [message_id for message_id in shown if message_id in chat._live]
    assert alive == sorted(alive, key=int)


def test_letters_go_from_message_to_message(qtbot: QtBot, chat: ChatView) -> None:
    chat.set_messages([QUESTION, REPLY])
    chat.setFocus()
    qtbot.keyClick(chat, Qt.Key.Key_K)
    assert reply(chat).hasFocus()
    qtbot.keyClick(reply(chat), Qt.Key.Key_K)
    assert chat._live["q"].hasFocus()
    qtbot.keyClick(chat._live["q"], Qt.Key.Key_J)
    assert reply(chat).hasFocus()
