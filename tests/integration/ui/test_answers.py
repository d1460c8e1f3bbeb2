"""What is done with answers in a real window: going on, branching, editing with files, finding, saving, links."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog

from tests.helpers.gui import in_gui_loop, open_window, until
from tests.integration.ui.test_conversations import answered, ask, titles
from tether_desktop.messages import Attachment
from tether_desktop.ui.chat.link_dialog import LinkDialog
from tether_desktop.ui.chat.reply_message import ReplyMessage
from tether_desktop.ui.composer.file_viewer import FileViewer
from tether_desktop.ui.main_window import MainWindow

pytestmark = pytest.mark.usefixtures("scripted")


def reply(window: MainWindow) -> ReplyMessage:
    """The widget of the newest reply."""
    widget = window.pane.view._live[window.conversation.views[-1].id]
    assert isinstance(widget, ReplyMessage)
    return widget


@in_gui_loop
async def test_a_reply_that_was_stopped_goes_on_where_it_ended() -> None:
    async with open_window() as window:
        conversation = ask(window, "Please wait.")
        await until(lambda: conversation.views and conversation.views[-1].text == "Half an answer")
        QTest.keyClick(window, Qt.Key.Key_Escape)
        await until(lambda: not conversation.busy)
        status = reply(window)._status
        assert status is not None
        assert status.go_on.isVisible()
        status.go_on.click()
        await until(lambda: conversation.busy)
        await until(lambda: conversation.views[-1].text != "Half an answer")
        text = conversation.views[-1].text
        assert text.startswith("Half an answer")
        QTest.keyClick(window, Qt.Key.Key_Escape)
        await until(lambda: not conversation.busy)
        assert [view.role for view in conversation.views] == ["user", "assistant"]
        stored = conversation.views[-1].text
        session_id = conversation.session_id
        window.chats.forget(session_id)
        window.desk.new()
        window.desk.open(session_id)
        await until(lambda: window.conversation.session_id == session_id)
        assert window.conversation.views[-1].text == stored


@in_gui_loop
async def test_a_branch_is_a_chat_of_its_own_with_the_messages_so_far() -> None:
    async with open_window() as window:
        conversation = await answered(window, "Name three colours.")
        await answered(window, "And anything else.")
        window.pane.view.branch_requested.emit(conversation.views[1].id)
        await until(lambda: window.conversation is not conversation and window.conversation.views)
        assert [view.text for view in window.conversation.views] == ["Name three colours.", "Red, green and blue."]
        assert len(titles(window)) == 2
        assert len(conversation.views) == 4


@in_gui_loop
async def test_a_question_keeps_its_files_when_it_is_edited() -> None:
    async with open_window() as window:
        notes = Attachment("notes.md", "# Notes", "text/markdown", 7)
        conversation = window.conversation
        window.tasks.start(window.chats.send(conversation, "About this.", window.models.name, None, [notes]))
        await until(lambda: conversation.views and not conversation.busy)
        window.pane.view.edit_requested.emit(conversation.views[0].id, "About colours.")
        await until(lambda: conversation.busy)
        await until(lambda: not conversation.busy)
        question = conversation.views[0]
        assert (question.text, question.version, question.attachments) == ("About colours.", 2, (notes,))
        window.chats.forget(conversation.session_id)
        window.desk.new()
        window.desk.open(conversation.session_id)
        await until(lambda: window.conversation.views)
        assert window.conversation.views[0].attachments == (notes,)
        window.pane.view.file_opened.emit(notes)
        (viewer,) = window.findChildren(FileViewer)
        assert viewer.text.toPlainText() == "# Notes"
        viewer.close()


@in_gui_loop
async def test_words_are_found_in_the_chat_by_keyboard() -> None:
    async with open_window() as window:
        await answered(window, "Name three colours.")
        await answered(window, "Say anything.")
        QTest.keyClick(window, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
        bar = window.pane.find_bar
        assert bar.isVisible()
        QTest.keyClicks(bar.field, "an")
        await until(lambda: bar.count.text() == "5 of 5")
        assert reply(window).body.extraSelections()
        QTest.keyClick(bar.field, Qt.Key.Key_Escape)
        assert not bar.isVisible()
        assert not reply(window).body.extraSelections()


@in_gui_loop
async def test_code_is_saved_where_the_person_says(tmp_path: Path) -> None:
    async with open_window() as window:
        await answered(window, "Name three colours.")
        window.pane.view.save_requested.emit("x = 1\n", "python")
        (dialog,) = window.findChildren(QFileDialog)
        assert dialog.selectedFiles()[0].endswith("code.py")
        file = tmp_path / "mine.py"
        dialog.fileSelected.emit(str(file))
        dialog.close()
        await until(file.exists)
        await until(lambda: file.read_text(encoding="utf-8") == "x = 1\n")
        window.pane.view.save_requested.emit("x = 1\n", "python")
        dialog = window.findChildren(QFileDialog)[-1]
        dialog.fileSelected.emit(str(tmp_path / "missing" / "mine.py"))
        dialog.close()
        await until(window.pane.banner.isVisible)


@in_gui_loop
async def test_the_newest_answer_is_copied_and_asked_for_again_by_keyboard() -> None:
    async with open_window() as window:
        conversation = await answered(window, "Name three colours.")
        both = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
        QTest.keyClick(window, Qt.Key.Key_C, both)
        assert QGuiApplication.clipboard().text() == "Red, green and blue."
        QTest.keyClick(window, Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier)
        await until(lambda: conversation.busy)
        await until(lambda: not conversation.busy)
        assert conversation.views[-1].versions == 2


@in_gui_loop
async def test_links_ask_before_they_are_opened() -> None:
    async with open_window() as window:
        await answered(window, "Name three colours.")
        window.pane.view.link_activated.emit("https://example.org/a")
        (dialog,) = [each for each in QApplication.topLevelWidgets() if isinstance(each, LinkDialog)]
        assert dialog.isVisible()
        dialog.reject()
        window.pane.view.link_activated.emit("file:///etc/passwd")
        assert window.pane.banner.isVisible()
