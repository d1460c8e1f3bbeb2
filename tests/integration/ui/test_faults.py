"""What breaks is told calmly, costs nothing that was shown, and can be tried again."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psutil
import pytest
from filelock import FileLock
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from tests.helpers.gui import environment, in_gui_loop, open_window, until
from tests.helpers.processes import children_of_the_program
from tests.helpers.scripted_models import write_scripted_model
from tether_desktop.context.store import Store
from tether_desktop.errors import InstallError
from tether_desktop.model.install.progress import InstallProgress, OnInstallProgress, OnNews
from tether_desktop.ui.chat.conversation import Conversation
from tether_desktop.ui.main_window import MainWindow

SCRIPTED = pytest.mark.usefixtures("scripted")


def ask(window: MainWindow, text: str) -> Conversation:
    """Type a question and press Enter."""
    QTest.keyClicks(window.pane.composer.edit, text)
    QTest.keyClick(window.pane.composer.edit, Qt.Key.Key_Return)
    return window.conversation


async def answered(window: MainWindow, text: str) -> Conversation:
    before = len(window.conversation.views)
    conversation = ask(window, text)
    await until(lambda: len(conversation.views) > before and not conversation.busy)
    return conversation


def notice_is_shown(window: MainWindow) -> Callable[[], bool]:
    return lambda: window.opening.notice.isVisible() and window.opening.notice.retry_button.isEnabled()


@SCRIPTED
@in_gui_loop
async def test_an_engine_killed_in_mid_sentence_costs_one_reply_and_the_next_one_works() -> None:
    async with open_window() as window:
        conversation = ask(window, "Please wait.")
        await until(lambda: conversation.views and conversation.views[-1].text == "Half an answer")
        for engine in children_of_the_program():
            engine.kill()
        await until(lambda: not conversation.busy)
        reply = conversation.views[-1]
        assert (reply.text, reply.state) == ("Half an answer", "error")
        assert reply.error_title
        assert reply.error_message
        assert reply.error_hint
        assert (await answered(window, "Name three colours.")).views[-1].text == "Red, green and blue."
    assert children_of_the_program() == []


@SCRIPTED
@in_gui_loop
async def test_a_window_killed_in_mid_sentence_keeps_what_was_said(nothing_of_the_developers: Path) -> None:
    killed = window_process("Please wait.")
    database = nothing_of_the_developers / "tether.db"
    try:
        await until(lambda: database.exists() and b"Half an answer" in _replies(database))
        children = psutil.Process(killed.pid).children(recursive=True)
        killed.kill()
        killed.wait()
        await until(lambda: not any(child.is_running() and child.status() != "zombie" for child in children))
    finally:
        killed.kill()
        killed.wait()
    async with open_window() as window:
        model = window.sidebar.model
        window.desk.open(model.sessions()[0].id)
        await until(lambda: window.conversation.views)
        reply = window.conversation.views[-1]
        assert (reply.text, reply.state) == ("Half an answer", "error")
        assert reply.error_message
        assert (await answered(window, "Name three colours.")).views[-1].text == "Red, green and blue."


def window_process(question: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.helpers.window_process", question]
    return subprocess.Popen(command, env=environment(QT_QPA_PLATFORM="offscreen"), stderr=subprocess.DEVNULL)


def _replies(database: Path) -> bytes:
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            rows = connection.execute("SELECT parts FROM messages WHERE role = 'assistant'").fetchall()
    except sqlite3.Error:
        return b""
    return "".join(str(row[0]) for row in rows).encode()


@SCRIPTED
@in_gui_loop
async def test_a_second_window_says_that_one_runs_and_can_take_over(
    nothing_of_the_developers: Path,
) -> None:
    lock = FileLock(nothing_of_the_developers / "tether.lock")
    lock.acquire()
    async with open_window(usable=False) as window:
        await until(notice_is_shown(window))
        assert "already running" in window.opening.notice.title.text()
        assert str(nothing_of_the_developers) in window.opening.notice.message.text()
        lock.release()
        QTest.mouseClick(window.opening.notice.retry_button, Qt.MouseButton.LeftButton)
        await until(lambda: window.pane.composer.reason == "")
        assert not window.opening.notice.isVisible()
        assert (await answered(window, "Name three colours.")).views[-1].text == "Red, green and blue."


@SCRIPTED
@in_gui_loop
async def test_a_database_from_a_newer_version_is_left_alone(nothing_of_the_developers: Path) -> None:
    database = nothing_of_the_developers / "tether.db"
    Store(f"sqlite:///{database}").close()
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    async with open_window(usable=False) as window:
        await until(notice_is_shown(window))
        assert "newer" in window.opening.notice.title.text()
        assert window.opening.notice.hint.text()
        QTest.mouseClick(window.opening.notice.quit_button, Qt.MouseButton.LeftButton)
        assert not window.isVisible()


@SCRIPTED
@in_gui_loop
async def test_a_spoilt_setting_is_named(nothing_of_the_developers: Path) -> None:
    settings = nothing_of_the_developers / "settings.json"
    settings.write_text('{"threads": "many"}', encoding="utf-8")
    async with open_window(usable=False) as window:
        await until(notice_is_shown(window))
        assert "setting" in window.opening.notice.title.text().lower()
        settings.unlink()
        QTest.mouseClick(window.opening.notice.retry_button, Qt.MouseButton.LeftButton)
        await until(lambda: window.pane.composer.reason == "")


@SCRIPTED
@in_gui_loop
async def test_a_question_that_cannot_be_stored_goes_back_to_the_composer(nothing_of_the_developers: Path) -> None:
    async with open_window() as window:
        await answered(window, "Name three colours.")
        with closing(sqlite3.connect(nothing_of_the_developers / "tether.db")) as other:
            other.execute("BEGIN IMMEDIATE")
            conversation = ask(window, "Is it stored?")
            await until(window.pane.banner.isVisible)
            other.rollback()
        assert "locked" in window.pane.banner.label.text()
        assert window.pane.composer.text() == "Is it stored?"
        assert [view.text for view in conversation.views] == ["Name three colours.", "Red, green and blue."]
        assert not conversation.busy
        QTest.keyClick(window.pane.composer.edit, Qt.Key.Key_Return)
        await until(lambda: len(conversation.views) == 4 and not conversation.busy)
        assert conversation.views[-1].state == "done"


@in_gui_loop
async def test_without_a_model_the_window_offers_one_and_old_chats_say_why_nothing_is_sent(models: Path) -> None:
    async with open_window() as window:
        assert window.welcome.isVisible()
        assert str(models) in window.welcome.folder_label.text()
        assert window.pane.composer.reason
        write_scripted_model(models, "Mine", replies=["Here."])
        QTest.mouseClick(window.welcome.look_again_button, Qt.MouseButton.LeftButton)
        await until(window.pane.isVisible)
        assert window.pane.composer.reason == ""
        assert (await answered(window, "Hello?")).views[-1].text == "Here."


class FakeInstaller:
    """Fails once, waits until cancelled once, then adds a scripted model."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.calls = 0
        self.cancelled = False

    async def add(self, what: str, *, on_progress: OnInstallProgress, on_news: OnNews) -> str:
        assert what == "starter"
        self.calls += 1
        on_progress(InstallProgress("downloading", 0.5, "46 of 93 MB"))
        if self.calls == 1:
            raise InstallError("The model was not fetched", "There is no network.", "Connect and try again.")
        if self.calls == 2:
            try:
                await asyncio.Event().wait()
            finally:
                self.cancelled = True
        write_scripted_model(self.folder, "Starter", replies=["Hello from the starter."])
        return "Starter"


@in_gui_loop
async def test_the_starter_model_is_added_after_a_failure_and_a_cancel(
    models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installer = FakeInstaller(models)
    monkeypatch.setattr("tether_desktop.app.Installer", lambda *_: installer)
    async with open_window() as window:
        card = window.welcome.card
        QTest.mouseClick(card.add_button, Qt.MouseButton.LeftButton)
        await until(card.view.error_frame.isVisible)
        assert "Connect and try again." in card.view.error_text.text()
        QTest.mouseClick(card.add_button, Qt.MouseButton.LeftButton)
        await until(lambda: card.view.detail_label.text() == "46 of 93 MB")
        QTest.mouseClick(card.cancel_button, Qt.MouseButton.LeftButton)
        await until(lambda: installer.cancelled and card.add_button.isVisible())
        QTest.mouseClick(card.add_button, Qt.MouseButton.LeftButton)
        await until(window.pane.isVisible)
        assert (await answered(window, "Hello?")).views[-1].text == "Hello from the starter."


@in_gui_loop
async def test_loading_shows_progress_and_can_be_cancelled(models: Path) -> None:
    write_scripted_model(models, "Slow", load=[{"progress": 0.5}, {"wait": True}])
    async with open_window() as window:
        picker = window.header.picker
        picker.open_popup()
        row = picker.popup.row("Slow")
        QTest.mouseClick(row.button, Qt.MouseButton.LeftButton)
        await until(lambda: "50 %" in row.accessibleName())
        QTest.mouseClick(row.button, Qt.MouseButton.LeftButton)
        await until(lambda: "not loaded" in row.accessibleName())
        picker.popup.close()
    assert children_of_the_program() == []
