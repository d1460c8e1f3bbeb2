"""A temporary chat is answered like any other, and leaves no trace unless it is kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from tests.helpers.gui import in_gui_loop, open_window, until
from tether_desktop.errors import StoreFull
from tether_desktop.protocol.service import SessionService
from tether_desktop.ui.chat.conversation import Conversation
from tether_desktop.ui.chat.message_menu import MessageMenu
from tether_desktop.ui.main_window import MainWindow

pytestmark = pytest.mark.usefixtures("scripted")

HIDDEN = "a secret that nobody may find"


async def asked(window: MainWindow, text: str) -> Conversation:
    """Ask something in a new temporary chat."""
    window.commands.temporary_chat()
    QTest.keyClicks(window.pane.composer.edit, text)
    QTest.keyClick(window.pane.composer.edit, Qt.Key.Key_Return)
    conversation = window.conversation
    await until(lambda: conversation.session_id and not conversation.busy)
    return conversation


async def half_answered(window: MainWindow) -> Conversation:
    """Ask something in a new temporary chat that is being answered until it is stopped."""
    window.commands.temporary_chat()
    QTest.keyClicks(window.pane.composer.edit, "Please wait.")
    QTest.keyClick(window.pane.composer.edit, Qt.Key.Key_Return)
    conversation = window.conversation
    await until(lambda: conversation.views and conversation.views[-1].text == "Half an answer")
    return conversation


def files(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file()]


def listed(window: MainWindow) -> list[str]:
    return [each.id for each in window.sidebar.model.sessions()]


async def kept_temporarily(window: MainWindow) -> int:
    sessions = await window._worker.submit(lambda tether: tether.temporary.list())
    return len(sessions)


@in_gui_loop
async def test_it_is_answered_and_is_neither_listed_nor_found_nor_written(nothing_of_the_developers: Path) -> None:
    async with open_window() as window:
        conversation = await asked(window, f"Name three colours: {HIDDEN}.")
        assert conversation.views[-1].text == "Red, green and blue."
        assert window.header.title_label.text() == "Temporary chat"
        assert "gone when you close it" in window.pane.temporary_bar.label.text()
        assert window.pane.temporary_bar.keep_button.isVisible()
        assert listed(window) == []
        assert await window._worker.submit(lambda tether: tether.sessions.search(HIDDEN)) == []
        assert window.state.session_id == ""
    written = files(nothing_of_the_developers)
    assert written
    assert not [file for file in written if HIDDEN.encode() in file.read_bytes()]


@in_gui_loop
async def test_one_that_is_left_is_forgotten_when_the_offer_to_keep_it_ends() -> None:
    async with open_window() as window:
        conversation = await asked(window, "Name three colours.")
        window.commands.new_chat()
        assert not window.conversation.temporary
        bar = window.pane.temporary_bar
        assert bar.timer.isActive()
        assert await kept_temporarily(window) == 1
        bar.timer.timeout.emit()
        assert bar.isHidden()
        await until(lambda: not window.tasks._running)
        assert await kept_temporarily(window) == 0
        assert conversation.temporary


@in_gui_loop
async def test_one_that_is_kept_goes_on_as_any_other_chat() -> None:
    async with open_window() as window:
        conversation = await asked(window, "Name three colours.")
        QTest.mouseClick(window.pane.temporary_bar.keep_button, Qt.MouseButton.LeftButton)
        await until(lambda: listed(window) == [conversation.session_id])
        await until(lambda: not window.pane.temporary_bar.isVisible())
        assert not window.header.temporary_button.isChecked()
        assert await kept_temporarily(window) == 0
        QTest.keyClicks(window.pane.composer.edit, "And more colours?")
        QTest.keyClick(window.pane.composer.edit, Qt.Key.Key_Return)
        await until(lambda: len(conversation.views) == 4 and not conversation.busy)
        stored = await window._worker.submit(lambda tether: tether.sessions.history(conversation.session_id))
        assert [each.message.text for each in stored][-2:] == ["And more colours?", "Red, green and blue."]


@in_gui_loop
async def test_one_that_was_left_while_it_answered_can_be_kept_as_far_as_it_came() -> None:
    async with open_window() as window:
        conversation = await half_answered(window)
        window.commands.new_chat()
        QTest.mouseClick(window.pane.temporary_bar.keep_button, Qt.MouseButton.LeftButton)
        await until(lambda: window.conversation is conversation and not conversation.busy)
        stored = await window._worker.submit(lambda tether: tether.sessions.history(conversation.session_id))
        assert stored[-1].message.text == "Half an answer"
        assert conversation.views[-1].state == "cancelled"


@in_gui_loop
async def test_one_that_is_being_kept_is_not_forgotten_though_another_one_is_begun() -> None:
    async with open_window() as window:
        conversation = await half_answered(window)
        QTest.mouseClick(window.pane.temporary_bar.keep_button, Qt.MouseButton.LeftButton)
        window.desk.new_temporary()
        await until(lambda: listed(window) == [conversation.session_id])
        await until(lambda: not window.tasks._running)
        stored = await window._worker.submit(lambda tether: tether.sessions.history(conversation.session_id))
        assert stored[-1].message.text == "Half an answer"
        assert await kept_temporarily(window) == 0
        assert window.conversation.temporary, "who went on to something else stays there"


@pytest.mark.parametrize("left", [False, True])
@in_gui_loop
async def test_one_that_cannot_be_kept_stays_where_it_can_be_tried_again(
    left: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> None:
        raise StoreFull("The disk is full", "Nothing more can be stored.", "Free some space.")

    async with open_window() as window:
        conversation = await asked(window, "Name three colours.")
        bar = window.pane.temporary_bar
        if left:
            window.commands.new_chat()
        with monkeypatch.context() as full:
            full.setattr(SessionService, "adopt", refuse)
            QTest.mouseClick(bar.keep_button, Qt.MouseButton.LeftButton)
            await until(window.pane.banner.isVisible)
        await until(lambda: window.conversation is conversation and bar.keep_button.isVisible())
        assert conversation.temporary
        QTest.mouseClick(bar.keep_button, Qt.MouseButton.LeftButton)
        await until(lambda: listed(window) == [conversation.session_id])
        await until(bar.isHidden)


@in_gui_loop
async def test_the_button_begins_one_and_leaves_an_empty_one() -> None:
    async with open_window() as window:
        button = window.header.temporary_button
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
        assert window.conversation.temporary
        assert button.isChecked()
        assert not window.pane.temporary_bar.keep_button.isVisible()
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
        assert not window.conversation.temporary
        assert not button.isChecked()
        assert window.pane.temporary_bar.isHidden()


@in_gui_loop
async def test_its_messages_offer_what_works_there_and_no_branch_until_it_is_kept() -> None:
    def offered() -> list[str]:
        view = window.pane.view
        view.open_menu(window.conversation.views[-1].id, view.mapToGlobal(QPoint(50, 50)))
        (menu,) = [each for each in view.findChildren(MessageMenu) if each.isVisible()]
        texts = [action.text() for action in menu.actions() if action.text()]
        menu.close()
        return texts

    async with open_window() as window:
        conversation = await asked(window, "Name three colours.")
        assert "Answer again" in offered()
        assert "Branch from here" not in offered()
        assert not window.header.menu_button.isVisible()
        window.pane.view.regenerate_requested.emit(conversation.views[-1].id, "")
        await until(lambda: conversation.views[-1].versions == 2 and not conversation.busy)
        window.pane.view.edit_requested.emit(conversation.views[0].id, "Name three other colours.")
        await until(lambda: conversation.views[0].versions == 2 and not conversation.busy)
        assert await kept_temporarily(window) == 1
        assert listed(window) == []
        QTest.mouseClick(window.pane.temporary_bar.keep_button, Qt.MouseButton.LeftButton)
        await until(lambda: listed(window) == [conversation.session_id])
        assert "Branch from here" in offered()
