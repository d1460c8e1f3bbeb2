"""Downloads with the real installer and a real web server: paused, resumed, cut off, damaged, on a full disk."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from tests.helpers.file_server import FileServer, ServedFile, serving
from tests.helpers.gui import in_gui_loop, until
from tests.helpers.installed import GGUF_NAME, NAME, InstalledModel
from tests.helpers.models_window import ModelsWindow, open_models
from tether_desktop.model.fetch import part_file
from tether_desktop.ui.models.add_tab import AddTab
from tether_desktop.ui.models.install_row import InstallRow


class Usage(NamedTuple):
    """As shutil tells it."""

    total: int
    used: int
    free: int


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serving() as server:
        yield server


@pytest.fixture
def gguf(server: FileServer, models: Path, installed_model: InstalledModel) -> ServedFile:
    """A model on the web, whose library is here, so that nothing needs to be compiled."""
    installed_model.library_to(models)
    file = ServedFile(installed_model.gguf.read_bytes())
    server.add(f"/{GGUF_NAME}", file)
    return file


def click(button: object) -> None:
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def add(window: ModelsWindow, address: str) -> InstallRow:
    window.desk.open_catalogue()
    tab = window.page.findChild(AddTab)
    assert isinstance(tab, AddTab)
    QTest.keyClicks(tab.form.field, address)
    click(tab.form.add_button)
    return window.row(address)


@in_gui_loop
async def test_a_paused_download_goes_on_after_a_restart_where_it_stopped(
    server: FileServer, gguf: ServedFile, models: Path
) -> None:
    address = server.url(f"/{GGUF_NAME}")
    gguf.content += bytes(3 << 20)
    gguf.stall = 2 << 20
    async with open_models() as window:
        row = add(window, address)
        await until(lambda: row.view.percent_label.text() not in {"", "0 %"})
        click(row.go_button)
        await until(lambda: row.go_button.text() == "Resume")
        await until(lambda: row.view.stage_label.text().startswith("Paused. "))
    asked = len(server.seen)
    gguf.stall = None
    async with open_models() as window:
        window.desk.open()
        await until(lambda: window.here.installs.rows)
        row = window.row(address)
        assert "are here already" in row.view.stage_label.text()
        assert len(server.seen) == asked, "nothing is fetched before somebody asks for it"
        click(row.go_button)
        await until(lambda: NAME in window.here.cards.rows)
        start = int(server.ranges[-1].removeprefix("bytes=").removesuffix("-"))
        assert 0 < start <= 2 << 20
        assert not (models / ".downloads").exists()


@in_gui_loop
async def test_what_is_damaged_is_told_in_its_row_and_leaves_nothing_behind(server: FileServer, models: Path) -> None:
    address = server.add("/Bad.gguf", ServedFile(b"GGUF" + bytes(5000)))
    async with open_models() as window:
        row = add(window, address)
        await until(row.view.error_frame.isVisible)
        assert "Bad" in row.title.text()
        assert not (models / ".downloads").exists()
        click(row.stop_button)
        await until(lambda: not window.here.installs.rows or row.ask.isVisible())
        if row.ask.isVisible():
            click(row.ask.yes_button)
        await until(lambda: not window.here.installs.rows)


@in_gui_loop
async def test_a_full_disk_is_told_and_it_goes_on_once_there_is_room(
    server: FileServer, gguf: ServedFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = server.url(f"/{GGUF_NAME}")
    async with open_models() as window:
        with monkeypatch.context() as full:
            full.setattr(part_file.shutil, "disk_usage", lambda _: Usage(10, 10, 0))
            row = add(window, address)
            await until(row.view.error_frame.isVisible)
            assert "not enough space" in row.view.error_title.text()
        assert shutil.disk_usage("/").total > 10
        click(row.go_button)
        await until(lambda: NAME in window.here.cards.rows)


@in_gui_loop
async def test_what_is_not_there_is_told_with_a_way_out(server: FileServer, models: Path) -> None:
    async with open_models() as window:
        row = add(window, server.url("/None.gguf"))
        await until(row.view.error_frame.isVisible)
        assert row.view.error_text.text() == "127.0.0.1 has no such file (HTTP 404).\nCheck the address."
        assert row.go_button.text() == "Try again"
