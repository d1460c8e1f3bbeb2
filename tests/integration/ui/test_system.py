"""The window among other programs: other starts, the tray, what is told of answers, the quick window, the tour."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QSystemTrayIcon

from tests.helpers.gui import Recorder, elsewhere, in_gui_loop, open_window, until
from tests.helpers.installed import NAME, InstalledModel
from tether_desktop import paths
from tether_desktop.hand_over import Request, hand_over
from tether_desktop.ui.chat.conversation import Conversation
from tether_desktop.ui.main_window import MainWindow
from tether_desktop.ui.system.quick_window import QuickWindow

pytestmark = [
    pytest.mark.usefixtures("scripted"),
    # The offscreen platform has no tray, and Qt says so.
    pytest.mark.qt_log_ignore("systemTrayWindowChanged", extend=True),
]


@pytest.fixture
def tray(monkeypatch: pytest.MonkeyPatch) -> None:
    """A desktop that has a tray."""
    monkeypatch.setattr(QSystemTrayIcon, "isSystemTrayAvailable", lambda: True)


def ask(window: MainWindow, text: str) -> Conversation:
    QTest.keyClicks(window.pane.composer.edit, text)
    QTest.keyClick(window.pane.composer.edit, Qt.Key.Key_Return)
    return window.conversation


async def second_start(*arguments: str) -> int:
    """Start the program once more, in a process of its own; its exit status."""
    command = [sys.executable, "-m", "tether_desktop", *arguments]
    done = await elsewhere(lambda: subprocess.run(command, cwd=paths.project_root(), check=False, timeout=30))
    return done.returncode


@in_gui_loop
@pytest.mark.usefixtures("tray")
async def test_a_second_start_brings_the_hidden_window_back() -> None:
    async with open_window() as window:
        window.system.closing.follow(window._settings.model_copy(update={"closing": "background"}))  # type: ignore[union-attr]
        window.close()
        assert not window.isVisible()
        assert window.system.tray.icon.isVisible()
        assert await second_start() == 0
        await until(window.isVisible)
        assert not window.system.tray.icon.isVisible()
    assert not hand_over(Request()), "nobody listens after the end"


@in_gui_loop
async def test_conversations_that_another_start_brings_are_imported(tmp_path: Path) -> None:
    async with open_window() as window:
        conversation = ask(window, "Name three colours.")
        await until(lambda: conversation.views and not conversation.busy)
        file = tmp_path / "chats.json"
        with file.open("wb") as target:
            await window._worker.submit(lambda tether: tether.sessions.export(target))
        text = file.read_text(encoding="utf-8").replace(conversation.session_id, "f" * 32)
        file.write_text(text, encoding="utf-8")
        assert await second_start(str(file)) == 0
        await until(lambda: len(window.sidebar.model.sessions()) == 2)
        await until(lambda: "1 chat" in window.pane.undo_bar.accessibleName())


@in_gui_loop
async def test_a_model_that_another_start_brings_is_added(models: Path, installed_model: InstalledModel) -> None:
    installed_model.library_to(models)
    async with open_window() as window:
        assert await second_start(str(installed_model.gguf)) == 0
        await until(lambda: any(each.name == NAME for each in window.models.models))
        assert window.pages.beside is window.adding.page


@in_gui_loop
async def test_models_that_the_first_start_brings_wait_until_the_window_can_be_used(tmp_path: Path) -> None:
    files = tuple(str(tmp_path / name) for name in ("one.gguf", "two.gguf"))
    async with open_window(usable=False, toured=False) as window:
        window.ask_when_usable(Request("open", files))
        assert window.adding.installs.installations == []
        await until(lambda: window.adding.installs.installations)
        assert [each.what for each in window.adding.installs.installations] == list(files)
        assert window.adding.page is not None
        assert window.adding.page.isVisible(), "what was asked for comes before the tour"
        await until(lambda: all(each.phase == "failed" for each in window.adding.installs.installations))


@in_gui_loop
async def test_a_file_that_is_none_of_ours_is_told_of_and_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "other.json"
    file.write_text(json.dumps({"some": "thing"}), encoding="utf-8")
    async with open_window() as window:
        assert await second_start(str(file)) == 0
        await until(window.pane.banner.isVisible)
        assert window.sidebar.model.sessions() == []


@in_gui_loop
@pytest.mark.usefixtures("tray")
async def test_closing_asks_once_and_the_answer_is_kept(nothing_of_the_developers: Path) -> None:
    async with open_window() as window:
        window.close()
        sheet = window.system.closing.sheet
        assert window.isVisible()
        sheet.remember.setChecked(True)
        QTest.mouseClick(sheet.buttons["tray"], Qt.MouseButton.LeftButton)
        assert not window.isVisible()
        saved = nothing_of_the_developers / "settings.json"
        await until(lambda: saved.exists() and "background" in saved.read_text(encoding="utf-8"))
        window.system.show_window()
        await until(lambda: window.settings._settings is not None)
        window.close()
        assert not window.isVisible()


@in_gui_loop
async def test_quitting_while_an_answer_is_written_asks_first() -> None:
    async with open_window() as window:
        ended = Recorder(window.close_requested)
        conversation = ask(window, "Please wait.")
        await until(lambda: conversation.views and conversation.views[-1].text == "Half an answer")
        window.close()
        sheet = window.system.closing.sheet
        assert sheet.title.text() == "Quit anyway?"
        QTest.keyClick(sheet.buttons["stay"], Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier)
        assert window.conversation is conversation, "what is veiled cannot be used"
        QTest.keyClick(sheet.buttons["stay"], Qt.Key.Key_Escape)
        assert not sheet.isVisible()
        assert conversation.busy
        assert ended.calls == []
        await window.chats.stop(conversation)
        await until(lambda: not conversation.busy)
        window.close()
        assert len(ended.calls) == 1


@in_gui_loop
async def test_quitting_counts_the_answers_and_queues_of_all_chats() -> None:
    async with open_window() as window:
        ended = Recorder(window.close_requested)
        first = ask(window, "Please wait.")
        await until(lambda: first.views and first.views[-1].text == "Half an answer")
        ask(window, "Name three colours.")
        assert len(first.writing.queue) == 1
        window.desk.new()
        second = ask(window, "Please wait here as well.")
        await until(lambda: second.session_id)
        ask(window, "Name three more colours.")
        window.desk.new()
        window.close()
        sheet = window.system.closing.sheet
        assert "2 answer" in sheet.text.text()
        assert "2 question" in sheet.text.text()
        QTest.keyClick(sheet.buttons["stay"], Qt.Key.Key_Escape)
        for conversation in (first, second):
            conversation.writing.queue.hold()
            await window.chats.stop(conversation)
        await until(lambda: not (first.busy or second.busy))
        window.close()
        assert len(ended.calls) == 1, "questions that wait for the person are kept, whoever quits"


@in_gui_loop
async def test_a_temporary_chat_that_was_left_in_mid_answer_keeps_nobody_from_quitting() -> None:
    async with open_window() as window:
        ended = Recorder(window.close_requested)
        window.commands.temporary_chat()
        conversation = ask(window, "Please wait.")
        await until(lambda: conversation.session_id and conversation.views[-1].text == "Half an answer")
        assert window.chats.answering == 1
        window.commands.temporary_chat()
        await until(lambda: window.chats.answering == 0)
        assert window.system.tray.state == "idle"
        window.close()
        assert len(ended.calls) == 1


@in_gui_loop
@pytest.mark.usefixtures("tray")
async def test_an_answer_out_of_sight_is_told_with_the_title_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QSystemTrayIcon, "supportsMessages", lambda: True)
    monkeypatch.setattr(QApplication, "alert", lambda *_: None)
    told: list[tuple[str, str]] = []
    async with open_window() as window:
        monkeypatch.setattr(
            window.system.tray.icon, "showMessage", lambda title, text, _icon: told.append((title, text))
        )
        monkeypatch.setattr(window, "isActiveWindow", lambda: False)
        conversation = ask(window, "Name three colours.")
        await until(lambda: told and not conversation.busy)
        assert told == [("Name three colours", "The answer is done.")]
        window.commands.new_chat()
        window.system.tray.icon.messageClicked.emit()
        await until(lambda: window.conversation is conversation)
        window.commands.temporary_chat()
        secret = ask(window, "Colours of a secret")
        await until(lambda: len(told) == 2 and not secret.busy)
        assert told[1] == ("Tether", "The answer is done.")


def quick_of(window: MainWindow) -> QuickWindow:
    return window.system.quick.quick_window


@in_gui_loop
async def test_a_quick_question_is_answered_and_forgotten_with_the_next_one() -> None:
    async with open_window() as window:
        window.system.do(Request("quick"))
        quick = quick_of(window)
        QTest.keyClicks(quick.edit, "Name three colours.")
        QTest.keyClick(quick.edit, Qt.Key.Key_Return)
        await until(quick.copy_button.isEnabled)
        await until(lambda: not window.system._answering)
        QTest.mouseClick(quick.copy_button, Qt.MouseButton.LeftButton)
        assert QApplication.clipboard().text() == "Red, green and blue."
        QTest.keyClick(quick, Qt.Key.Key_Escape)
        assert not quick.isVisible()
        assert window.sidebar.model.sessions() == []
        window.system.quick.show()
        assert quick.question_label.text() == ""
        await until(lambda: not window.tasks._running)
        assert await window._worker.submit(lambda tether: tether.temporary.list()) == []


@in_gui_loop
async def test_a_quick_answer_goes_on_in_the_big_window_as_a_chat_of_the_list() -> None:
    async with open_window() as window:
        window.system.quick.show()
        quick = quick_of(window)
        QTest.keyClicks(quick.edit, "Name three colours.")
        QTest.keyClick(quick.edit, Qt.Key.Key_Return)
        await until(lambda: quick.copy_button.isEnabled() and not window.system._answering)
        QTest.mouseClick(quick.open_button, Qt.MouseButton.LeftButton)
        await until(lambda: window.conversation.views)
        assert not quick.isVisible()
        assert not window.conversation.temporary
        assert [each.id for each in window.sidebar.model.sessions()] == [window.conversation.session_id]


@in_gui_loop
async def test_the_tour_is_shown_at_the_first_start_and_never_again() -> None:
    async with open_window(toured=False) as window:
        assert window.tour.isVisible()
        QTest.keyClick(window.tour.next_button, Qt.Key.Key_Escape)
        assert not window.tour.isVisible()
    async with open_window(toured=False) as window:
        assert "tour" not in vars(window)
        window.show_tour()
        assert window.tour.isVisible()


@in_gui_loop
async def test_a_start_that_finds_the_folder_taken_and_a_window_there_lets_that_one_come_forward(
    nothing_of_the_developers: Path,
) -> None:
    from tether_desktop.ui.system.single_instance import SingleInstance

    with FileLock(nothing_of_the_developers / "tether.lock"):
        async with open_window(usable=False) as window:
            await until(lambda: "notice" in vars(window.opening) and window.opening.notice.isVisible())
            first = SingleInstance()
            raised, ended = Recorder(first.asked), Recorder(window.close_requested)
            assert first.listen()
            brought = Request("open", ("/some/model.gguf",))
            window.ask_when_usable(brought)
            QTest.mouseClick(window.opening.notice.retry_button, Qt.MouseButton.LeftButton)
            await until(lambda: raised.calls and ended.calls)
            assert raised.calls == [(brought,)], "what this start brought is not lost"
            first.close()
            first.deleteLater()
            await asyncio.sleep(0)
