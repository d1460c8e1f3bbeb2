"""The window, the core and an engine together when a model calls tools: the card, the question, the answer."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest

from tests.helpers.gui import in_gui_loop, open_window, until
from tests.helpers.scripted_models import write_scripted_model
from tether_desktop.ui.chat.message_view import CallView, MessageView
from tether_desktop.ui.chat.reply_message import ReplyMessage
from tether_desktop.ui.main_window import TITLE, WAITING_TITLE, MainWindow
from tether_desktop.ui.sessions.session_item_model import WAITING_ROLE
from tether_desktop.ui.tools.tool_card import ToolCard


def call(name: str, **arguments: Any) -> dict[str, str]:
    """A step in which the model calls a tool."""
    return {"text": f"<<function_call>> {json.dumps({'name': name, 'arguments': arguments})}"}


@pytest.fixture(autouse=True)
def calling(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that calls tools, by what is asked, and is told of them."""
    monkeypatch.setenv("TETHER_TOOL_USE", "on")
    write_scripted_model(
        models,
        "Caller-q4_1-MLC",
        context_window=8192,
        replies=[
            {"match": "sum", "steps": ["Let me see. ", call("calculate", expression="6*7")]},
            {"match": "find", "steps": [call("search_conversations", query="blue whales")]},
            {"match": "broken", "steps": [{"text": '<<function_call>> {"name": "calc'}]},
            {"after_tool": True, "match": "42", "steps": [{"text": "It is 42."}]},
            {"after_tool": True, "match": ".", "steps": [{"text": "So be it."}]},
            {"match": ".", "steps": [{"text": "Nothing to call."}]},
        ],
    )


def ask(window: MainWindow, text: str) -> None:
    edit = window.pane.composer.edit
    edit.setFocus()
    QTest.keyClicks(edit, text)
    QTest.keyClick(edit, Qt.Key.Key_Return)


def reply(window: MainWindow) -> MessageView:
    return window.conversation.views[-1]


def cards(window: MainWindow) -> list[ToolCard]:
    found = [widget for widget in window.findChildren(ReplyMessage) if not widget.isHidden()]
    return [card for widget in found for card in widget.cards]


async def question(window: MainWindow) -> ToolCard:
    """The card of a call that waits, once it takes answers."""
    await until(lambda: any(card.accepts_answers for card in cards(window)))
    return next(card for card in cards(window) if card.accepts_answers)


def without_times(view: MessageView) -> tuple[object, ...]:
    asides = [replace(each, seconds=None) for each in view.asides]
    return view.text, asides, view.state


@in_gui_loop
async def test_a_call_that_needs_no_permission_is_a_card_between_the_words() -> None:
    async with open_window() as window:
        ask(window, "What is the sum?")
        await until(lambda: window.conversation.views and not window.conversation.busy)
        (shown,) = reply(window).calls
        assert (shown.name, shown.arguments, shown.state) == ("calculate", {"expression": "6*7"}, "done")
        assert "42" in shown.result
        assert [type(each) for each in reply(window).sections()] == [str, CallView, str]
        assert reply(window).text == "Let me see. It is 42."


@in_gui_loop
async def test_a_history_that_is_read_again_shows_what_was_streamed() -> None:
    async with open_window() as window:
        ask(window, "What is the sum?")
        await until(lambda: window.conversation.views and not window.conversation.busy)
        streamed = without_times(reply(window))
        session_id = window.conversation.session_id
    async with open_window() as window:
        assert window.conversation.session_id == session_id
        assert without_times(reply(window)) == streamed


@in_gui_loop
async def test_a_call_that_asks_waits_for_the_person_and_the_list_and_title_say_so() -> None:
    async with open_window() as window:
        ask(window, "Please find it.")
        card = await question(window)
        assert card.call.origin
        assert card.arguments is not None
        assert json.loads(card.arguments.view.toPlainText()) == {"query": "blue whales"}
        index = window.sidebar.model.index_of(window.conversation.session_id)
        assert index.data(WAITING_ROLE)
        assert "waits for your approval" in index.data(Qt.ItemDataRole.AccessibleTextRole)
        assert window.windowTitle() == WAITING_TITLE
        QTest.mouseClick(card.answer_buttons["once"], Qt.MouseButton.LeftButton)
        await until(lambda: not window.conversation.busy)
        assert [each.state for each in reply(window).calls] == ["done"]
        assert window.windowTitle() == TITLE
        assert not window.sidebar.model.waiting


@pytest.mark.parametrize("elsewhere", [False, True])
@in_gui_loop
async def test_nothing_waits_any_more_in_a_chat_that_is_deleted(elsewhere: bool) -> None:
    async with open_window() as window:
        ask(window, "Please find it.")
        await question(window)
        session_id = window.conversation.session_id
        if elsewhere:
            await window._worker.submit(lambda tether: tether.sessions.delete(session_id))
        else:
            window.sessions.delete([session_id])
        await until(lambda: window.windowTitle() == TITLE)
        assert not window.system._waiting


@in_gui_loop
async def test_a_call_that_is_denied_is_shown_as_declined_also_when_read_again() -> None:
    async with open_window() as window:
        ask(window, "Please find it.")
        card = await question(window)
        QTest.mouseClick(card.answer_buttons["deny"], Qt.MouseButton.LeftButton)
        await until(lambda: not window.conversation.busy)
        assert [each.state for each in reply(window).calls] == ["declined"]
        streamed = without_times(reply(window))
    async with open_window() as window:
        assert without_times(reply(window)) == streamed


@in_gui_loop
async def test_what_is_allowed_for_the_chat_is_not_asked_again_there_but_in_another_one() -> None:
    async with open_window() as window:
        ask(window, "Please find it.")
        card = await question(window)
        QTest.mouseClick(card.answer_buttons["always"], Qt.MouseButton.LeftButton)
        await until(lambda: not window.conversation.busy)
        ask(window, "Please find it again.")
        await until(lambda: len(window.conversation.views) == 4 and not window.conversation.busy)
        assert [each.state for each in reply(window).calls] == ["done"]
        QTest.keySequence(window, QKeySequence("Ctrl+N"))
        ask(window, "Please find it here.")
        await question(window)
        window.desk.stop()
        await until(lambda: not window.conversation.busy)


@in_gui_loop
async def test_stopping_while_a_call_waits_interrupts_it() -> None:
    async with open_window() as window:
        ask(window, "Please find it.")
        await question(window)
        QTest.keyClick(window, Qt.Key.Key_Escape)
        await until(lambda: not window.conversation.busy)
        assert reply(window).state == "cancelled"
        assert [each.state for each in reply(window).calls] == ["interrupted"]
        assert not window.sidebar.model.waiting
        streamed = without_times(reply(window))
    async with open_window() as window:
        assert without_times(reply(window)) == streamed


@in_gui_loop
async def test_enter_typed_for_the_composer_never_answers_and_a_shortcut_leads_to_the_question() -> None:
    async with open_window() as window:
        ask(window, "Please find it.")
        card = await question(window)
        edit = window.pane.composer.edit
        for key in (Qt.Key.Key_Return, Qt.Key.Key_Space, Qt.Key.Key_Y):
            QTest.keyClick(window.focusWidget() or window, key)
        assert card.call.state == "waiting"
        assert edit.hasFocus(), "a question takes no keyboard away"
        window.commands.go_to_question()
        assert card.arguments is not None
        assert card.arguments.view.hasFocus()
        QTest.keyClick(card.arguments.view, Qt.Key.Key_Return)
        assert card.call.state == "waiting"
        card.answer_buttons["deny"].setFocus()
        QTest.keyClick(card.answer_buttons["deny"], Qt.Key.Key_Space)
        await until(lambda: not window.conversation.busy)
        assert [each.state for each in reply(window).calls] == ["declined"]


@in_gui_loop
async def test_a_question_in_another_chat_is_marked_and_found_by_the_shortcut() -> None:
    async with open_window() as window:
        ask(window, "Please find it.")
        await question(window)
        asking = window.conversation
        QTest.keySequence(window, QKeySequence("Ctrl+N"))
        assert window.conversation is not asking
        assert window.sidebar.model.waiting == {asking.session_id}
        window.commands.go_to_question()
        await until(lambda: window.conversation is asking)
        window.desk.stop()
        await until(lambda: not asking.busy)


@in_gui_loop
async def test_a_chat_can_do_without_tools() -> None:
    async with open_window() as window:
        composer = window.pane.composer
        await until(composer.tool_button.isEnabled)
        composer.tool_button.mode_chosen.emit("off")
        ask(window, "What is the sum?")
        await until(lambda: window.conversation.views and not window.conversation.busy)
        assert reply(window).calls == ()
        assert window.conversation.tool_mode == "off"
        menu = composer.tool_button.menu_now()
        assert [action.text() for action in menu.actions() if action.isChecked()] == ["Tools off for this chat"]
        menu.deleteLater()


@in_gui_loop
async def test_a_broken_call_is_shown_as_one_that_could_not_be_understood() -> None:
    async with open_window() as window:
        ask(window, "A broken one.")
        await until(lambda: window.conversation.views and not window.conversation.busy)
        assert reply(window).calls
        assert reply(window).calls[0].text
        assert "<<function_call>>" not in reply(window).text
