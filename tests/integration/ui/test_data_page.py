"""The settings' page of data: imports, the bin and backups, also those that come to nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.helpers.conversation_files import plain_talk, write_json
from tests.helpers.gui import in_gui_loop, open_window, until
from tether_desktop.context import backups
from tether_desktop.context.store import Store
from tether_desktop.ui.main_window import MainWindow
from tether_desktop.ui.settings.data_desk import DataDesk
from tether_desktop.ui.settings.data_page import DataPage

pytestmark = pytest.mark.usefixtures("scripted")


async def opened(window: MainWindow) -> tuple[DataPage, DataDesk]:
    window.settings.open(window._settings, "Data")
    assert window.settings.dialog is not None
    page = window.settings.dialog.page("Data")
    assert isinstance(page, DataPage)
    desk = page.findChild(DataDesk)
    assert desk is not None
    await until(lambda: "chat" in page.summary.text())
    return page, desk


@in_gui_loop
async def test_chats_of_another_program_are_imported_and_listed(tmp_path: Path) -> None:
    file = tmp_path / "conversations.json"
    write_json(file, [plain_talk(title="From elsewhere")])
    async with open_window() as window:
        page, desk = await opened(window)
        desk.add(str(file))
        await until(lambda: "Imported 1 chat" in page.said.text())
        await until(lambda: [each.title for each in window.sidebar.model.sessions()] == ["From elsewhere"])
        assert page.summary.text().startswith("1 chat")


@pytest.mark.parametrize("text", ['{"theme": "dark", "top_k": 7}', "{", "", "[1, 2]"])
@in_gui_loop
async def test_a_file_without_chats_is_told_and_changes_nothing(
    nothing_of_the_developers: Path, tmp_path: Path, text: str
) -> None:
    file = tmp_path / "settings.json"
    file.write_text(text, encoding="utf-8")
    async with open_window() as window:
        page, desk = await opened(window)
        desk.add(str(file))
        await until(page.banner.isVisible)
        assert page.banner.label.text()
        assert page.said.text() == ""
        assert window.sidebar.model.sessions() == []
        assert file.read_text(encoding="utf-8") == text
        assert not (nothing_of_the_developers / "settings.json").exists()


@in_gui_loop
async def test_an_empty_bin_cannot_be_emptied_and_a_full_one_only_after_a_question() -> None:
    async with open_window() as window:
        chat = await window._worker.submit(lambda tether: tether.sessions.create("Old"))
        page, desk = await opened(window)
        assert not page.empty_button.isEnabled()
        await window._worker.submit(lambda tether: tether.sessions.delete(chat.id))
        desk.look()
        await until(page.empty_button.isEnabled)
        page.empty_button.click()
        assert page.bin_question.isVisible()
        page.bin_question.no.click()
        assert await window._worker.submit(lambda tether: tether.sessions.list(deleted=True))
        page.empty_button.click()
        page.bin_question.yes.click()
        await until(lambda: "Erased 1" in page.said.text())
        assert not await window._worker.submit(lambda tether: tether.sessions.list(deleted=True))
        await until(lambda: not page.empty_button.isEnabled())


@pytest.fixture
def endless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Backups that come no further than their first pages until they are stopped."""
    back_up = Store.back_up

    def linger(store: Store, file: Path, tell: Callable[[float], None]) -> None:
        def tell_again(share: float) -> None:
            for _ in range(2_000):
                tell(share)  # raises once it was stopped
                threading.Event().wait(0.005)

        back_up(store, file, tell_again)

    monkeypatch.setattr(backups, "_PAGES_AT_ONCE", 1)
    monkeypatch.setattr(Store, "back_up", linger)


@pytest.mark.usefixtures("endless")
@in_gui_loop
async def test_a_backup_that_is_stopped_halfway_leaves_what_was_there_before(tmp_path: Path) -> None:
    copy = tmp_path / "copies" / "tether.sqlite3"
    copy.parent.mkdir()
    copy.write_bytes(b"the one before")
    async with open_window() as window:
        page, desk = await opened(window)
        desk.back_up(str(copy))
        await until(lambda: "%" in page.said.text())
        assert {file.name for file in copy.parent.iterdir()} > {copy.name}, "some of it is written"
        page.stop_button.click()
        await until(lambda: "was stopped" in page.said.text())
        assert not page.stop_button.isVisible()
        assert {file.name: file.read_bytes() for file in copy.parent.iterdir()} == {copy.name: b"the one before"}
