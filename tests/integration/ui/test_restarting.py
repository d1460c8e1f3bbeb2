"""Starting the program again from the settings: saved first, asked about, and really another program."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from tests.helpers.gui import Recorder, elsewhere, in_gui_loop, open_window, until
from tests.integration.ui.test_conversations import ask
from tests.integration.ui.test_settings import opened, saved
from tether_desktop import child_process, paths
from tether_desktop.hand_over import Request, hand_over
from tether_desktop.ui.chat.error_card import ErrorCard

pytestmark = pytest.mark.usefixtures("scripted")


@in_gui_loop
async def test_what_waits_for_the_next_start_can_have_it_at_once(nothing_of_the_developers: Path) -> None:
    async with open_window() as window:
        dialog = opened(window)
        field = dialog.page("General").fields["language"]
        assert field.restart_button.isHidden()
        field.editor.edited.emit("de")
        await until(lambda: not field.restart_button.isHidden())
        field.editor.edited.emit("system")
        await until(field.restart_button.isHidden)
        dialog.close()
        field = opened(window).page("General").fields["language"]
        field.editor.edited.emit("de")
        await until(lambda: not field.restart_button.isHidden())
        ended = Recorder(window.close_requested)
        field.restart_button.click()
        await until(lambda: ended.calls)
        assert window.restarts
        assert window.settings.dialog is None
        assert saved(nothing_of_the_developers) == {"language": "de"}


@in_gui_loop
async def test_where_another_version_was_installed_starting_again_is_what_is_offered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(child_process, "_STARTED_FROM", (1, 2, 3, 4))
    async with open_window() as window:
        ask(window, "Name three colours.")
        await until(lambda: window.conversation.views and window.conversation.views[-1].state == "error")
        await until(lambda: window.findChildren(ErrorCard))
        card = window.findChild(ErrorCard)
        assert (card.retry.isHidden(), card.go_on.isHidden(), card.restart.isHidden()) == (True, True, False)
        ended = Recorder(window.close_requested)
        card.restart.click()
        await until(lambda: ended.calls)
        assert window.restarts


@in_gui_loop
async def test_coming_back_to_a_window_whose_program_was_replaced_it_says_so_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with open_window() as window:
        banner = window.pane.banner
        window.system.looked_at()
        assert banner.isHidden()
        monkeypatch.setattr(child_process, "_STARTED_FROM", (1, 2, 3, 4))
        window.system.looked_at()
        assert "replaced while it was open" in banner.label.text()
        banner.close_button.click()
        window.system.looked_at()
        assert banner.isHidden()
        ended = Recorder(window.close_requested)
        banner.restart_button.click()
        await until(lambda: ended.calls)
        assert window.restarts


@in_gui_loop
async def test_starting_again_asks_first_while_an_answer_is_written() -> None:
    async with open_window() as window:
        QTest.keyClicks(window.pane.composer.edit, "Please wait.")
        QTest.keyClick(window.pane.composer.edit, Qt.Key.Key_Return)
        await until(lambda: window.chats.answering and window.conversation.views[-1].text == "Half an answer")
        field = opened(window).page("General").fields["language"]
        field.editor.edited.emit("de")
        await until(lambda: not field.restart_button.isHidden())
        field.restart_button.click()
        await until(window.system.closing.sheet.isVisible)
        assert window.system.closing.sheet.title.text() == "Restart anyway?"
        QTest.keyClick(window.system.closing.sheet.buttons["stay"], Qt.Key.Key_Escape)
        assert not window.restarts


RESTART = """
from tether_desktop.ui.main import run_window
run_window(on_window=lambda window: window.usable.connect(window.restart))
"""


def windows_of(folder: Path) -> list[psutil.Process]:
    """The programs that have a data folder, but for this one."""
    return [each for each in psutil.process_iter() if each.pid != os.getpid() and _data_folder(each) == str(folder)]


def _data_folder(process: psutil.Process) -> str | None:
    try:
        return process.environ().get("TETHER_DATA_DIR") if process.status() != "zombie" else None
    except (psutil.Error, OSError):
        return None


@in_gui_loop
async def test_a_program_that_is_started_again_is_another_one_in_the_same_folder(
    nothing_of_the_developers: Path,
) -> None:
    ended = await elsewhere(
        lambda: subprocess.run([sys.executable, "-c", RESTART], cwd=paths.project_root(), check=False, timeout=60)
    )
    assert ended.returncode == 0
    try:
        await until(lambda: hand_over(Request()))
        (again,) = windows_of(nothing_of_the_developers)
        assert again.cmdline()[1:] == ["-m", "tether_desktop"]
    finally:
        for left in windows_of(nothing_of_the_developers):
            left.kill()
            left.wait()
