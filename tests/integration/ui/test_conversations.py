"""The window, the core and an engine process together: ask, stop, ask again, come back."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit

from tests.helpers.gui import in_gui_loop, open_window, until
from tether_desktop.app import Tether
from tether_desktop.errors import StoreFull
from tether_desktop.protocol.turn import Turn
from tether_desktop.ui.chat.conversation import Conversation
from tether_desktop.ui.chat.message_view import Thoughts
from tether_desktop.ui.chat.user_message import UserMessage
from tether_desktop.ui.main_window import MainWindow
from tether_desktop.ui.sessions.session_item_model import HEADING_ROLE
from tether_desktop.ui.settings.setting_editors import SegmentsEditor
from tether_desktop.ui.settings.settings_dialog import SettingsDialog

pytestmark = pytest.mark.usefixtures("scripted")


def ask(window: MainWindow, text: str) -> Conversation:
    """Type a question and press Enter."""
    edit = window.pane.composer.edit
    edit.setFocus()
    QTest.keyClicks(edit, text)
    QTest.keyClick(edit, Qt.Key.Key_Return)
    return window.conversation


async def answered(window: MainWindow, text: str) -> Conversation:
    before = len(window.conversation.views)
    conversation = ask(window, text)
    await until(lambda: len(conversation.views) > before and not conversation.busy)
    return conversation


def texts(conversation: Conversation) -> list[str]:
    return [view.text for view in conversation.views]


async def refuse_turns(tether: Tether) -> None:
    """Let nothing more be asked."""

    async def refuse(*_: object, **__: object) -> Turn:
        raise StoreFull("The disk is full", "Nothing more can be stored.", "Free some space.")

    tether.sessions.edit = refuse  # type: ignore[method-assign]


def titles(window: MainWindow) -> list[str]:
    model = window.sidebar.model
    indexes = [model.index(row) for row in range(model.rowCount())]
    return [index.data() for index in indexes if not index.data(HEADING_ROLE)]


@in_gui_loop
async def test_a_question_is_answered_named_and_remembered() -> None:
    async with open_window() as window:
        conversation = await answered(window, "Name three colours.")
        assert [view.text for view in conversation.views] == ["Name three colours.", "Red, green and blue."]
        assert conversation.views[-1].state == "done"
        assert conversation.views[-1].model == "Scripted"
        assert len(titles(window)) == 1
        assert "New chat" not in titles(window)
        assert "tokens" in window.header.status_label.text()
        shown = titles(window)
    async with open_window() as window:
        await until(lambda: window.conversation.views)
        assert [view.text for view in window.conversation.views] == ["Name three colours.", "Red, green and blue."]
        assert titles(window) == shown
        assert window.sidebar.view.session_id() == window.conversation.session_id


@in_gui_loop
async def test_the_question_is_shown_before_it_is_stored() -> None:
    async with open_window() as window:
        conversation = ask(window, "Name three colours.")
        await until(lambda: conversation.views)
        assert conversation.message_id(conversation.views[0].id) == ""
        assert conversation.views[0].text == "Name three colours."
        assert conversation.busy
        await until(lambda: not conversation.busy)
        assert conversation.message_id(conversation.views[0].id)


@in_gui_loop
async def test_thoughts_are_kept_out_of_the_answer() -> None:
    async with open_window() as window:
        conversation = await answered(window, "Please think.")
        reply = conversation.views[-1]
        assert (reply.text.strip(), reply.reasoning.strip()) == ("Seen.", "Let me see.")
        (thoughts,) = reply.asides
        assert isinstance(thoughts, Thoughts)
        assert thoughts.seconds is not None


@in_gui_loop
async def test_escape_stops_and_what_was_said_stays() -> None:
    async with open_window() as window:
        conversation = ask(window, "Please wait.")
        await until(lambda: conversation.views and conversation.views[-1].text == "Half an answer")
        assert (
            window.sidebar.model.index_of(conversation.session_id)
            .data(Qt.ItemDataRole.AccessibleTextRole)
            .endswith("answering")
        )
        QTest.keyClick(window, Qt.Key.Key_Escape)
        await until(lambda: not conversation.busy)
        assert (conversation.views[-1].text, conversation.views[-1].state) == ("Half an answer", "cancelled")
        assert (await answered(window, "Name three colours.")).views[-1].text == "Red, green and blue."


@in_gui_loop
async def test_the_stop_button_stops_even_before_the_turn_has_begun() -> None:
    async with open_window() as window:
        conversation = ask(window, "Please wait.")
        await until(lambda: conversation.busy)
        QTest.mouseClick(window.pane.composer.button, Qt.MouseButton.LeftButton)
        await until(lambda: not conversation.busy)
        assert conversation.views[-1].state == "cancelled"


@in_gui_loop
async def test_a_chat_that_is_not_shown_goes_on_and_is_complete_when_one_comes_back() -> None:
    async with open_window() as window:
        waiting = ask(window, "A long one, please.")
        await until(lambda: waiting.session_id)
        QTest.keySequence(window, QKeySequence("Ctrl+N"))
        assert window.conversation is not waiting
        assert window.pane.view.isHidden() or not window.conversation.views
        await until(lambda: not waiting.busy)
        other = await answered(window, "Name three colours.")
        window.sidebar.view.setCurrentIndex(window.sidebar.model.index_of(waiting.session_id))
        await until(lambda: window.conversation is waiting)
        assert waiting.views[-1].text.strip() == ("word " * 400).strip()
        assert other.session_id != waiting.session_id


@in_gui_loop
async def test_a_draft_stays_with_its_chat() -> None:
    async with open_window() as window:
        first = await answered(window, "Name three colours.")
        QTest.keyClicks(window.pane.composer.edit, "for later")
        window.desk.new()
        assert window.pane.composer.text() == ""
        window.desk.open(first.session_id)
        await until(lambda: window.conversation is first)
        assert window.pane.composer.text() == "for later"


@in_gui_loop
async def test_a_draft_in_a_chat_that_was_never_asked_waits_there() -> None:
    async with open_window() as window:
        first = await answered(window, "Name three colours.")
        window.desk.new()
        QTest.keyClicks(window.pane.composer.edit, "for later")
        window.desk.open(first.session_id)
        await until(lambda: window.conversation is first)
        assert window.pane.composer.text() == ""
        window.desk.new()
        assert window.pane.composer.text() == "for later"


@in_gui_loop
async def test_asking_again_makes_a_version_and_both_can_be_seen() -> None:
    async with open_window() as window:
        conversation = await answered(window, "Name three colours.")
        window.pane.view.regenerate_requested.emit(conversation.views[-1].id, "")
        await until(lambda: conversation.busy)
        await until(lambda: not conversation.busy)
        assert (conversation.views[-1].version, conversation.views[-1].versions) == (2, 2)
        window.pane.view.version_requested.emit(conversation.views[-1].id, 1)
        await until(lambda: conversation.views[-1].version == 1)
        assert conversation.views[-1].versions == 2
        assert len(conversation.views) == 2


@in_gui_loop
async def test_an_edited_question_is_asked_instead_and_the_old_one_is_kept() -> None:
    async with open_window() as window:
        conversation = await answered(window, "Hello?")
        window.pane.view.edit_requested.emit(conversation.views[0].id, "Name three colours.")
        await until(lambda: conversation.busy)
        await until(lambda: not conversation.busy)
        assert [view.text for view in conversation.views] == ["Name three colours.", "Red, green and blue."]
        assert (conversation.views[0].version, conversation.views[0].versions) == (2, 2)
        window.pane.view.version_requested.emit(conversation.views[0].id, 1)
        await until(lambda: conversation.views[0].text == "Hello?")


def question(window: MainWindow, conversation: Conversation, index: int) -> UserMessage:
    """A question's widget, which is in view."""
    widget = window.pane.view._live[conversation.views[index].id]
    assert isinstance(widget, UserMessage)
    return widget


def change(widget: UserMessage, text: str, *, send: bool = True) -> None:
    """Write something else in the place of a question."""
    widget.edit()
    assert widget._editor is not None
    widget._editor.field.setPlainText(text)
    if send:
        QTest.mouseClick(widget._editor.save, Qt.MouseButton.LeftButton)


def shown(window: MainWindow, conversation: Conversation) -> bool:
    """Whether every message is on the screen, and nothing else is."""
    return sorted(window.pane.view._live) == sorted(view.id for view in conversation.views)


@in_gui_loop
async def test_a_question_is_edited_with_the_keyboard_in_it_and_all_is_shown_of_what_follows() -> None:
    async with open_window() as window:
        conversation = await answered(window, "Hello?")
        await answered(window, "Hello again?")
        change(question(window, conversation, 2), "Name three colours.")
        await until(lambda: conversation.busy)
        await until(lambda: not conversation.busy)
        assert texts(conversation)[-2:] == ["Name three colours.", "Red, green and blue."]
        await until(lambda: shown(window, conversation))
        await answered(window, "And three more colours?")
        await until(lambda: shown(window, conversation))


@in_gui_loop
async def test_an_answer_that_has_the_keyboard_can_be_asked_for_again() -> None:
    async with open_window() as window:
        conversation = await answered(window, "Name three colours.")
        window.pane.view.focus_message(conversation.views[-1].id)
        window.desk.answers.regenerate_newest()
        await until(lambda: conversation.views[-1].versions == 2 and not conversation.busy)
        await until(lambda: shown(window, conversation))


@in_gui_loop
async def test_a_question_that_is_edited_while_an_answer_is_written_is_not_lost() -> None:
    async with open_window() as window:
        conversation = await answered(window, "Name three colours.")
        ask(window, "Please wait.")
        await until(lambda: conversation.views[-1].text == "Half an answer")
        change(question(window, conversation, 0), "Name four colours.")
        await until(window.pane.banner.isVisible)
        assert "an answer is being written" in window.pane.banner.label.text()
        assert question(window, conversation, 0).edited == "Name four colours."
        window.desk.stop()
        await until(lambda: not conversation.busy)
        assert question(window, conversation, 0).edited == "Name four colours."


@in_gui_loop
async def test_an_edited_question_that_cannot_be_sent_stays_open_with_what_was_written() -> None:
    async with open_window() as window:
        conversation = await answered(window, "Name three colours.")
        await window._worker.submit(refuse_turns)
        change(question(window, conversation, 0), "Name four colours.")
        await until(window.pane.banner.isVisible)
        assert texts(conversation) == ["Name three colours.", "Red, green and blue."]
        assert question(window, conversation, 0).edited == "Name four colours."


@in_gui_loop
async def test_what_is_written_in_the_place_of_a_question_is_there_when_one_comes_back() -> None:
    async with open_window() as window:
        first = await answered(window, "Name three colours.")
        change(question(window, first, 0), "Name four colours.", send=False)
        window.desk.new()
        await answered(window, "Hello?")
        window.desk.open(first.session_id)
        await until(lambda: window.conversation is first and shown(window, first))
        assert question(window, first, 0).edited == "Name four colours."


@in_gui_loop
async def test_a_first_question_that_cannot_be_sent_comes_back_though_another_chat_was_begun() -> None:
    async with open_window() as window:
        begun = asyncio.Event()
        fails = asyncio.Event()

        async def run_turn(_start: object) -> Turn:
            begun.set()
            await fails.wait()
            raise StoreFull("The disk is full", "Nothing more can be stored.", "Free some space.")

        window._worker.run_turn = run_turn  # type: ignore[method-assign, assignment]
        ask(window, "my long first question")
        await begun.wait()
        window.commands.new_chat()
        fails.set()
        await until(window.pane.banner.isVisible)
        assert window.pane.composer.text() == "my long first question"


@in_gui_loop
async def test_deleting_can_be_undone() -> None:
    async with open_window() as window:
        conversation = await answered(window, "Name three colours.")
        before = titles(window)
        window.sidebar.view.setFocus()
        QTest.keyClick(window.sidebar.view, Qt.Key.Key_Delete)
        await until(lambda: titles(window) == [])
        assert window.conversation.views == []
        assert window.pane.undo_bar.isVisible()
        QTest.mouseClick(window.pane.undo_bar.undo_button, Qt.MouseButton.LeftButton)
        await until(lambda: titles(window) == before)
        await until(lambda: window.conversation.session_id == conversation.session_id)
        assert len(window.conversation.views) == 2
        window.pane.undo_bar.dismiss()


@in_gui_loop
async def test_deleting_a_chat_that_answers_stops_it() -> None:
    async with open_window() as window:
        conversation = ask(window, "Please wait.")
        await until(lambda: conversation.views and conversation.views[-1].text)
        window.sidebar.requests.delete.emit((conversation.session_id,))
        await until(lambda: titles(window) == [])
        assert (await answered(window, "Name three colours.")).views[-1].text == "Red, green and blue."
        window.pane.undo_bar.dismiss()


@in_gui_loop
async def test_a_renamed_chat_keeps_its_name_after_a_restart() -> None:
    async with open_window() as window:
        await answered(window, "Name three colours.")
        window.sidebar.view.setFocus()
        QTest.keyClick(window.sidebar.view, Qt.Key.Key_F2)
        editor = window.sidebar.view.findChild(QLineEdit)
        assert editor is not None
        editor.setText("My colours")
        QTest.keyClick(editor, Qt.Key.Key_Return)
        await until(lambda: titles(window) == ["My colours"])
    async with open_window() as window:
        assert titles(window) == ["My colours"]


@in_gui_loop
async def test_closing_while_answering_stores_what_was_said() -> None:
    async with open_window() as window:
        conversation = ask(window, "Please wait.")
        await until(lambda: conversation.views and conversation.views[-1].text == "Half an answer")
    async with open_window() as window:
        await until(lambda: window.conversation.views)
        reply = window.conversation.views[-1]
        assert (reply.text, reply.state) == ("Half an answer", "cancelled")


@in_gui_loop
async def test_the_window_comes_back_as_it_was(nothing_of_the_developers: Path) -> None:
    async with open_window() as window:
        window.resize(750, 600)
        QTest.keySequence(window, QKeySequence("Ctrl+,"))
        dialog = window.findChild(SettingsDialog)
        assert dialog is not None
        dialog.show_page("Appearance")
        theme_editor = dialog.page("Appearance").fields["theme"].editor
        assert isinstance(theme_editor, SegmentsEditor)
        QTest.mouseClick(theme_editor.buttons["dark"], Qt.MouseButton.LeftButton)
        dialog.close()
        await until((nothing_of_the_developers / "settings.json").exists)
    async with open_window() as window:
        assert (window.width(), window.height()) == (750, 600)
        assert window.state.theme == "dark"
