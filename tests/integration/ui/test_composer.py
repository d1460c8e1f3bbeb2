"""Writing with a real store and engine: drafts, the queue, files, saved prompts and personas."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QMimeData, Qt
from PySide6.QtTest import QTest

from tests.helpers.gui import environment, in_gui_loop, open_window, until
from tether_desktop.app import Tether
from tether_desktop.context.records import Draft, Persona, QueuedQuestion, Snippet
from tether_desktop.context.store import Store
from tether_desktop.errors import StoreFull
from tether_desktop.messages import Attachment
from tether_desktop.ui.chat.conversation import Conversation
from tether_desktop.ui.composer.question import Question
from tether_desktop.ui.main_window import MainWindow

pytestmark = pytest.mark.usefixtures("scripted")


def write(window: MainWindow, text: str) -> None:
    edit = window.pane.composer.edit
    edit.setFocus()
    QTest.keyClicks(edit, text)


def press(window: MainWindow, key: Qt.Key) -> None:
    QTest.keyClick(window.pane.composer.edit, key)


def ask(window: MainWindow, text: str) -> Conversation:
    write(window, text)
    press(window, Qt.Key.Key_Return)
    return window.conversation


def texts(conversation: Conversation) -> list[str]:
    return [view.text for view in conversation.views if view.role == "user"]


def waiting(conversation: Conversation) -> list[str]:
    return [each.question.text for each in conversation.writing.queue.waiting]


async def half_answered(window: MainWindow) -> Conversation:
    """A chat in which an answer is being written until it is stopped."""
    conversation = ask(window, "Please wait.")
    await until(lambda: conversation.views and conversation.views[-1].text == "Half an answer")
    return conversation


async def draft(window: MainWindow, session_id: str = "") -> Draft:
    kept: Draft = await window._worker.submit(lambda tether: tether.library.draft(session_id))
    return kept


async def kept(window: MainWindow, text: str, session_id: str = "") -> None:
    """Wait until a text is in the store."""
    while (await draft(window, session_id)).text != text:
        pass


@in_gui_loop
async def test_what_was_typed_in_a_new_chat_is_there_after_a_restart() -> None:
    async with open_window() as window:
        write(window, "not sent yet")
    async with open_window() as window:
        await until(lambda: window.pane.composer.text() == "not sent yet")


@in_gui_loop
async def test_what_is_typed_is_stored_without_closing() -> None:
    async with open_window() as window:
        write(window, "kept at once")
        await kept(window, "kept at once")
        assert window.pane.composer.text() == "kept at once"


@in_gui_loop
async def test_every_chat_keeps_its_own_draft_across_restarts() -> None:
    async with open_window() as window:
        conversation = ask(window, "Name three colours.")
        await until(lambda: conversation.views and not conversation.busy)
        write(window, "of the chat")
        window.desk.new()
        write(window, "of the new one")
        await kept(window, "of the chat", conversation.session_id)
    async with open_window() as window:
        await until(lambda: window.pane.composer.text() == "of the new one")
        window.desk.open(conversation.session_id)
        await until(lambda: window.pane.composer.text() == "of the chat")


@in_gui_loop
async def test_a_sent_question_leaves_no_draft() -> None:
    async with open_window() as window:
        write(window, "Name three colours.")
        await kept(window, "Name three colours.")
        press(window, Qt.Key.Key_Return)
        conversation = window.conversation
        await until(lambda: conversation.views and not conversation.busy)
        await kept(window, "")
        assert not await draft(window, conversation.session_id)


@in_gui_loop
async def test_closing_while_drafts_of_two_chats_are_being_saved_keeps_both() -> None:
    async with open_window() as window:
        conversation = ask(window, "Name three colours.")
        await until(lambda: conversation.views and not conversation.busy)
        window.desk.new()
        await window.composing.drafts.save_now()
        conversation.writing.queue.restore([Question("of the chat")])
        write(window, "of the new one")
        closing_down = asyncio.create_task(window.composing.drafts.save_now())
        await asyncio.sleep(0)
        window.composing.drafts.save()
        await closing_down
    async with open_window() as window:
        await until(lambda: window.pane.composer.text() == "of the new one")
        assert [each.text for each in (await draft(window, conversation.session_id)).queue] == ["of the chat"]


@in_gui_loop
async def test_words_that_are_typed_before_the_database_is_open_do_not_replace_the_draft_in_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with open_window() as window:
        write(window, "of yesterday")
    opening, opens = threading.Event(), threading.Event()
    mark_interrupted = Store.mark_interrupted

    def wait(store: Store) -> Any:
        opening.set()
        opens.wait()
        return mark_interrupted(store)

    monkeypatch.setattr(Store, "mark_interrupted", wait)
    async with open_window(usable=False) as window:
        await until(opening.is_set)
        write(window, "of today")
        window.composing.drafts.save()  # its time is over before the database is open
        await window._worker.settle_installs()  # whatever was asked of the worker until now has begun
        opens.set()
        await until(lambda: window._opened)
        await kept(window, "of yesterday\nof today")
        assert window.pane.composer.text() == "of yesterday\nof today"


@in_gui_loop
async def test_who_types_before_the_database_is_open_stays_in_the_new_chat() -> None:
    async with open_window() as window:
        conversation = ask(window, "Name three colours.")
        await until(lambda: conversation.views and not conversation.busy)
    async with open_window(usable=False) as window:
        await until(window.pane.composer.edit.isVisible)
        write(window, "And now three anim")
        await until(lambda: window._opened)
        write(window, "als")
        assert window.pane.composer.text() == "And now three animals"
        assert not window.conversation.views


@in_gui_loop
async def test_what_is_typed_while_a_draft_is_being_saved_is_saved_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_window() as window:
        await until(lambda: not window._save_timer.isActive() and not window.tasks._running)
        begun, goes_on = threading.Event(), threading.Event()
        save_draft = Store.save_draft

        def linger(store: Store, session_id: str, written: Draft) -> Any:
            if written.text == "one":
                begun.set()
                goes_on.wait()
            return save_draft(store, session_id, written)

        monkeypatch.setattr(Store, "save_draft", linger)
        drafts = window.composing.drafts
        write(window, "one")
        drafts.save()
        await until(begun.is_set)
        write(window, " more")
        drafts._timer.timeout.emit()  # its time is over before the first one is stored
        goes_on.set()
        await kept(window, "one more")


@in_gui_loop
async def test_a_draft_that_could_not_be_saved_is_saved_later_though_another_chat_is_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with open_window() as window:
        conversation = ask(window, "Name three colours.")
        await until(lambda: conversation.views and not conversation.busy)
        with monkeypatch.context() as full:

            def refuse(*_: object) -> None:
                raise StoreFull("The disk is full", "Nothing more can be stored.", "Free some space.")

            full.setattr(Store, "save_draft", refuse)
            write(window, "of the chat")
            await window.composing.drafts.save_now()
        window.desk.new()
    async with open_window() as window:
        assert (await draft(window, conversation.session_id)).text == "of the chat"


@in_gui_loop
async def test_the_draft_of_a_temporary_chat_is_never_stored() -> None:
    async with open_window() as window:
        window.desk.new_temporary()
        write(window, "secret")
        await window.composing.drafts.save_now()
        assert not await draft(window)
        assert window.pane.composer.text() == "secret"


@in_gui_loop
async def test_a_draft_that_cannot_be_saved_is_told_once_and_stays_in_the_window() -> None:
    async with open_window() as window:
        fail = StoreFull("The disk is full", "Nothing more can be stored.", "Free some space.")

        async def refuse(_session_id: str, _draft: Draft) -> None:
            raise fail

        async def break_saving(tether: Tether) -> None:
            tether.library.save_draft = refuse  # type: ignore[method-assign]

        await window._worker.submit(break_saving)
        write(window, "not stored")
        await window.composing.drafts.save_now()
        assert "Nothing more can be stored." in window.pane.banner.label.text()
        window.pane.banner.hide()
        write(window, " at all")
        await window.composing.drafts.save_now()
        assert window.pane.banner.isHidden()
        assert window.pane.composer.text() == "not stored at all"


@in_gui_loop
async def test_a_question_that_is_sent_meanwhile_waits_and_is_asked_next() -> None:
    async with open_window() as window:
        conversation = await half_answered(window)
        ask(window, "Name three colours.")
        assert waiting(conversation) == ["Name three colours."]
        assert window.pane.composer.queue.isVisible()
        assert window.pane.composer.text() == ""
        window.pane.composer.queue.cards[0].now_button.click()
        await until(lambda: not conversation.busy and len(conversation.views) == 4)
        assert texts(conversation) == ["Please wait.", "Name three colours."]
        assert conversation.views[-1].text == "Red, green and blue."
        assert not window.pane.composer.queue.isVisible()


@in_gui_loop
async def test_the_queue_goes_on_by_itself_also_in_a_chat_that_is_not_shown() -> None:
    async with open_window() as window:
        conversation = ask(window, "A long one, please.")
        ask(window, "Name three colours.")
        ask(window, "And then?")
        await until(lambda: conversation.busy)
        window.desk.new()
        await until(lambda: not conversation.busy and not waiting(conversation) and len(conversation.views) == 6)
        assert texts(conversation) == ["A long one, please.", "Name three colours.", "And then?"]
        assert window.conversation is not conversation


@in_gui_loop
async def test_after_a_stop_the_queue_waits_for_the_person() -> None:
    async with open_window() as window:
        conversation = await half_answered(window)
        ask(window, "Name three colours.")
        window.desk.stop()
        await until(lambda: not conversation.busy)
        assert waiting(conversation) == ["Name three colours."]
        assert window.pane.composer.queue.next_button.isVisible()
        window.pane.composer.queue.next_button.click()
        await until(lambda: not conversation.busy and len(conversation.views) == 4)
        assert conversation.views[-1].text == "Red, green and blue."


@in_gui_loop
async def test_the_queue_is_there_after_a_restart_and_sends_nothing_by_itself() -> None:
    async with open_window() as window:
        conversation = await half_answered(window)
        ask(window, "Name three colours.")
        ask(window, "And then?")
    async with open_window() as window:
        await until(lambda: len(waiting(window.conversation)) == 2)
        assert waiting(window.conversation) == ["Name three colours.", "And then?"]
        assert window.conversation.session_id == conversation.session_id
        assert not window.conversation.busy
        assert window.conversation.writing.queue.held


@in_gui_loop
async def test_a_question_that_cannot_be_sent_comes_back_with_its_files(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("one two three", encoding="utf-8")
    async with open_window() as window:
        window.composing.attachments.attach([file])
        await until(lambda: window.pane.composer.writing.files.files)
        window.models._wanted = "Scripted-q4_1-MLC"
        (tmp_path / "dist" / "Scripted-q4_1-MLC" / "mlc-chat-config.json").write_text("{", encoding="utf-8")
        conversation = ask(window, "Sum it up.")
        await until(window.pane.banner.isVisible)
        await until(lambda: window.pane.composer.text() == "Sum it up.")
        assert [file.attachment.name for file in conversation.writing.files.files] == ["notes.txt"]


@in_gui_loop
async def test_a_file_is_read_and_goes_with_the_question(tmp_path: Path) -> None:
    file = tmp_path / "notes.md"
    file.write_text("# Notes\n\nHello.", encoding="utf-8")
    async with open_window() as window:
        composer = window.pane.composer
        window.composing.attachments.attach([file, file])
        await until(lambda: composer.writing.files.files)
        assert len(composer.files.chips) == 1
        conversation = ask(window, "Sum it up.")
        await until(lambda: conversation.views and not conversation.busy)
        (asked,) = [view for view in conversation.views if view.role == "user"]
        assert [(each.name, each.text) for each in asked.attachments] == [("notes.md", "# Notes\n\nHello.")]
        assert not composer.writing.files.entries


@in_gui_loop
async def test_a_file_that_changed_meanwhile_is_told_before_it_is_sent(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("before", encoding="utf-8")
    async with open_window() as window:
        composer = window.pane.composer
        window.composing.attachments.attach([file])
        await until(lambda: composer.writing.files.files)
        file.write_text("after it was attached", encoding="utf-8")
        conversation = ask(window, "Sum it up.")
        await until(composer.notice.isVisible)
        (chip,) = composer.files.chips.values()
        assert chip.again_button.isVisible()
        assert composer.text() == "Sum it up."
        assert not conversation.views
        chip.again_button.click()
        await until(lambda: composer.writing.files.files[0].attachment.text == "after it was attached")
        press(window, Qt.Key.Key_Return)
        await until(lambda: conversation.views)
        assert conversation.views[0].attachments[0].text == "after it was attached"


@in_gui_loop
async def test_what_was_read_can_be_sent_although_the_file_is_gone(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("before", encoding="utf-8")
    async with open_window() as window:
        composer = window.pane.composer
        window.composing.attachments.attach([file])
        await until(lambda: composer.writing.files.files)
        file.unlink()
        conversation = ask(window, "Sum it up.")
        await until(composer.notice.isVisible)
        press(window, Qt.Key.Key_Return)
        await until(lambda: conversation.views)
        assert conversation.views[0].attachments[0].text == "before"


@in_gui_loop
async def test_what_cannot_be_attached_is_told_by_name(tmp_path: Path) -> None:
    folder, picture = tmp_path / "folder", tmp_path / "cat.png"
    folder.mkdir()
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200))
    async with open_window() as window:
        composer = window.pane.composer
        window.composing.attachments.attach([folder, picture])
        await until(lambda: not composer.writing.files.entries and composer.notice.isVisible())
        assert "folder" in composer.notice.label.text()
        assert "cat.png" in composer.notice.label.text()


@in_gui_loop
async def test_a_long_paste_becomes_a_file_and_can_be_text_again() -> None:
    text = "a line\n" * 100 + "the end"
    async with open_window() as window:
        composer = window.pane.composer
        data = QMimeData()
        data.setText(text)
        composer.edit.insertFromMimeData(data)
        await until(lambda: composer.writing.files.files)
        assert composer.text() == ""
        assert composer.writing.files.files[0].attachment == Attachment("Pasted text", text, "text/plain", len(text))
        (chip,) = composer.files.chips.values()
        chip.click()
        assert window.composing.attachments.viewer is not None
        assert window.composing.attachments.viewer.text.toPlainText() == text
        window.composing.attachments.viewer.unfold_button.click()
        assert composer.text() == text
        assert not composer.writing.files.entries


@in_gui_loop
async def test_files_and_the_files_of_the_queue_survive_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("one", encoding="utf-8")
    async with open_window() as window:
        conversation = await half_answered(window)
        window.composing.attachments.attach([file])
        await until(lambda: conversation.writing.files.files)
        ask(window, "Sum it up.")
        await until(lambda: waiting(conversation))
        window.composing.attachments.attach([file])
        await until(lambda: conversation.writing.files.files)
        await window.composing.drafts.save_now()
        saved = await draft(window, conversation.session_id)
        attachment = Attachment("notes.txt", "one", "text/plain", 3)
        assert saved == Draft("", (attachment,), (QueuedQuestion("Sum it up.", (attachment,)),))
    async with open_window() as window:
        await until(lambda: window.conversation.writing.queue)
        assert window.conversation.writing.draft == saved


@in_gui_loop
async def test_a_slash_calls_up_a_saved_prompt_with_its_blanks() -> None:
    async with open_window() as window:
        await window._worker.submit(
            lambda tether: tether.library.save_snippet(Snippet("", "Translate", "Say {{text}} in {{language}}."))
        )
        composer = window.pane.composer
        write(window, "/tr")
        await until(lambda: composer.prompt_menu.is_open)
        press(window, Qt.Key.Key_Return)
        assert composer.text() == "Say {{text}} in {{language}}."
        assert composer.edit.textCursor().selectedText() == "{{text}}"
        write(window, "hello")
        press(window, Qt.Key.Key_Tab)
        assert composer.edit.textCursor().selectedText() == "{{language}}"
        write(window, "German")
        assert composer.text() == "Say hello in German."


@in_gui_loop
async def test_a_prompt_is_saved_from_what_is_written_and_deleted_again() -> None:
    async with open_window() as window:
        write(window, "Sum this up.")
        window.composing.prompts.manage()
        await until(lambda: window.composing.prompts.editor)
        editor = window.composing.prompts.editor
        assert editor is not None
        assert editor.text_edit.toPlainText() == "Sum this up."
        editor.name_edit.setText("Summarise")
        editor.save_button.click()
        await until(lambda: editor.list.count() == 1)
        editor.new_button.click()
        editor.name_edit.setText("summarise")
        editor.text_edit.setPlainText("Again.")
        editor.save_button.click()
        await until(editor.problem_label.isVisible)
        assert editor.text_edit.toPlainText() == "Again."
        editor.list.setCurrentRow(0)
        editor.delete_button.click()
        await until(lambda: editor.list.count() == 0)
        editor.close_button.click()
        assert window.pane.composer.text() == "Sum this up."


@in_gui_loop
async def test_a_persona_chosen_before_the_first_question_holds_in_the_chat() -> None:
    async with open_window() as window:
        persona = await window._worker.submit(
            lambda tether: tether.library.save_persona(Persona("", "Pirate", {"system_prompt": "Arr.", "top_k": 5}))
        )
        window.composing.personas.choose(window.conversation, persona)
        assert window.pane.composer.row.persona_button.text().strip() == "Pirate"
        conversation = ask(window, "Name three colours.")
        await until(lambda: conversation.views and not conversation.busy)
        record = await window._worker.submit(lambda tether: tether.sessions.get(conversation.session_id))
        assert (record.persona, dict(record.overrides)) == ("Pirate", {"system_prompt": "Arr.", "top_k": 5})
        window.desk.new()
        assert window.pane.composer.row.persona_button.text().strip() == "Default"
        window.desk.open(conversation.session_id)
        await until(lambda: window.pane.composer.row.persona_button.text().strip() == "Pirate")
        window.composing.personas.choose(window.conversation, None)
        await until(lambda: window.sidebar.model.session(conversation.session_id).persona == "")


@in_gui_loop
async def test_settings_of_a_chat_are_kept_and_become_a_persona() -> None:
    async with open_window() as window:
        conversation = ask(window, "Name three colours.")
        await until(lambda: conversation.views and not conversation.busy)
        window.composing.personas.open_settings()
        await until(lambda: window.composing.personas.dialog)
        dialog = window.composing.personas.dialog
        assert dialog is not None
        field = dialog.fields["temperature"]
        field.editor.setText("0.1")
        field.take()
        await until(lambda: window.sidebar.model.session(conversation.session_id).overrides == {"temperature": 0.1})
        dialog.name_edit.setText("Exact")
        dialog.persona_button.click()
        await until(dialog.said_label.isVisible)
        await until(lambda: window.pane.composer.row.persona_button.text().strip() == "Exact")
        dialog.close_button.click()
        personas = await window._worker.submit(lambda tether: tether.library.personas())
        assert [(each.name, dict(each.overrides)) for each in personas] == [("Exact", {"temperature": 0.1})]


@in_gui_loop
async def test_the_cost_of_a_question_is_counted_as_one_types() -> None:
    async with open_window() as window:
        window.models.load(window.models.name)
        await until(lambda: window.models.current and window.models.current.loaded)
        label = window.pane.composer.row.token_label
        write(window, "Hello there.")
        assert label.text() == ""
        write(window, " This is quite a bit more than that.")
        await until(lambda: "token" in label.text())
        assert "%" in label.text()
        window.pane.composer.set_text("")
        await until(lambda: label.text() == "")


@in_gui_loop
async def test_the_send_key_is_what_the_settings_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TETHER_SEND_KEY", "ctrl_enter")
    async with open_window() as window:
        write(window, "one")
        press(window, Qt.Key.Key_Return)
        write(window, "two")
        assert window.pane.composer.text() == "one\ntwo"
        assert "Ctrl" in window.pane.composer.button.toolTip()
        QTest.keyClick(window.pane.composer.edit, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
        await until(lambda: texts(window.conversation) == ["one\ntwo"])


@in_gui_loop
async def test_a_kill_loses_neither_words_nor_queue(nothing_of_the_developers: Path) -> None:
    database = nothing_of_the_developers / "tether.db"
    process = window_process("Please wait.", "Next?", "half typed")
    try:
        await until(lambda: database.exists() and "half typed" in _drafts(database))
    finally:
        process.kill()
        process.wait()
    async with open_window() as window:
        window.desk.open(window.sidebar.model.sessions()[0].id)
        await until(lambda: window.pane.composer.text() == "half typed")
        assert waiting(window.conversation) == ["Next?"]
        assert window.conversation.writing.queue.held


def window_process(*words: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.helpers.window_process", *words]
    return subprocess.Popen(command, env=environment(QT_QPA_PLATFORM="offscreen"), stdout=subprocess.DEVNULL)


def _drafts(database: Path) -> str:
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            return str(connection.execute("SELECT draft FROM drafts").fetchall())
    except sqlite3.Error:
        return ""


HOSTILE = (
    "a\x00b of a broken clipboard",
    "a\ud800b of a broken clipboard",
    "\x1b[31m\x07\x7f\x9b of a terminal",
    "\u202egpj.exe\u202c \u2066turned",
    "Z\u0351\u036b\u0343\u0313" * 50,
    "👩‍👩‍👧‍👦🏳️‍🌈🇩🇪\U0001f468\U0001f3fd‍🚀",
    "\ufffe\uffff\ufdd0\ufdd1\ufffc",
    "a\u2028b\u2029c\u0085d\r\ne\rf",
)


@in_gui_loop
async def test_whatever_is_pasted_is_asked_stored_and_shown() -> None:
    async with open_window() as window:
        conversation = window.conversation
        for number, text in enumerate(HOSTILE, 1):
            data = QMimeData()
            data.setText(text)
            window.pane.composer.edit.insertFromMimeData(data)
            typed = window.pane.composer.text()
            press(window, Qt.Key.Key_Return)
            await until(lambda count=number: len(texts(conversation)) == count and not conversation.busy)
            assert conversation.views[-1].state == "done"
            assert texts(conversation)[-1] == typed.strip()
        stored = await window._worker.submit(lambda tether: tether.sessions.history(conversation.session_id))
        assert [each.message.text for each in stored if each.message.role == "user"] == texts(conversation)
        window.grab()
