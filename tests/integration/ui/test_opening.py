"""Starts that take long or cannot be: the window says what is going on, what to do, and does it."""

from __future__ import annotations

import sqlite3
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog
from sqlalchemy import Connection, text

from tests.helpers.gui import in_gui_loop, open_window, until
from tether_desktop.context import migrations
from tether_desktop.context.database import Database
from tether_desktop.context.store import Store
from tether_desktop.ui.main_window import MainWindow
from tether_desktop.ui.notice_page import NoticePage
from tether_desktop.ui.system import opening_desk

pytestmark = pytest.mark.usefixtures("scripted")


@pytest.fixture
def database(nothing_of_the_developers: Path) -> Path:
    """A database with one chat."""
    file = nothing_of_the_developers / "tether.db"
    with closing(Store(f"sqlite:///{file}")) as store:
        store.create_session("From before")
    return file


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[QUrl]:
    """The folders that the desktop was asked to open."""
    urls: list[QUrl] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", urls.append)
    return urls


async def told(window: MainWindow) -> NoticePage:
    """The notice, once it can be answered."""
    await until(lambda: "notice" in vars(window.opening) and window.opening.notice.isVisible())
    await until(window.opening.notice.retry_button.isEnabled)
    return window.opening.notice


def offered(notice: NoticePage) -> list[str]:
    return [name for name, button in notice.buttons.items() if button.isVisible()]


def press(notice: NoticePage, name: str) -> None:
    QTest.mouseClick(notice.buttons[name], Qt.MouseButton.LeftButton)


def chats(window: MainWindow) -> list[str]:
    return [session.title for session in window.sidebar.model.sessions()]


async def usable(window: MainWindow) -> None:
    await until(lambda: window.pane.composer.reason == "" and window.pane.isVisible())


def contents(file: Path) -> bytes:
    return file.read_bytes()


def damage(database: Path) -> bytes:
    """Make a database something that is none; what it is now."""
    content = b"This was a database once. " * 400
    database.write_bytes(content)
    return content


@in_gui_loop
async def test_a_damaged_database_is_kept_aside_when_one_begins_with_no_chats(
    database: Path, opened: list[QUrl]
) -> None:
    content = damage(database)
    async with open_window(usable=False) as window:
        notice = await told(window)
        assert "damaged" in notice.message.text()
        assert offered(notice) == ["restore", "begin", "retry", "folder", "quit"]
        press(notice, "folder")
        assert opened == [QUrl.fromLocalFile(str(database.parent))]
        press(notice, "begin")
        await usable(window)
        await until(window.pane.undo_bar.isVisible)
        assert chats(window) == []
        (aside,) = database.parent.glob("*.aside")
        assert aside.read_bytes() == content
        assert aside.name in window.pane.undo_bar.accessibleName()


@in_gui_loop
async def test_a_backup_takes_the_place_of_a_damaged_database(database: Path, tmp_path: Path) -> None:
    backup, other = tmp_path / "chats.db", tmp_path / "other.txt"
    with closing(Store(f"sqlite:///{database}")) as store:
        store.back_up(backup)
    other.write_text("no backup", encoding="utf-8")
    content = damage(database)
    async with open_window(usable=False) as window:
        notice = await told(window)
        press(notice, "restore")
        assert isinstance(window.opening.chooser, QFileDialog)
        window.opening.chooser.fileSelected.emit(str(other))
        window.opening.chooser.close()
        await until(notice.problem.isVisible)
        assert "is no backup" in notice.problem.text()
        assert contents(database) == content
        await told(window)
        window.opening.restore(str(backup))
        await usable(window)
        await until(lambda: chats(window) == ["From before"])
        (aside,) = database.parent.glob("*.aside")
        assert aside.read_bytes() == content
        assert backup.exists()


@in_gui_loop
async def test_a_database_of_a_newer_version_can_give_way_to_a_backup_and_is_never_begun_anew(
    database: Path, tmp_path: Path
) -> None:
    backup = tmp_path / "chats.db"
    with closing(Store(f"sqlite:///{database}")) as store:
        store.back_up(backup)
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    async with open_window(usable=False) as window:
        notice = await told(window)
        assert "newer" in notice.title.text()
        assert offered(notice) == ["restore", "retry", "folder", "quit"]
        window.opening.restore(str(database))
        await until(notice.problem.isVisible)
        await told(window)
        window.opening.restore(str(backup))
        await usable(window)
        assert chats(window) == ["From before"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows gives links to few")
@in_gui_loop
async def test_a_data_folder_that_cannot_be_made_is_told_of_and_tried_again(
    nothing_of_the_developers: Path, monkeypatch: pytest.MonkeyPatch, opened: list[QUrl]
) -> None:
    link = nothing_of_the_developers / "data"
    link.symlink_to(nothing_of_the_developers / "drive that is gone" / "data")
    monkeypatch.setenv("TETHER_DATA_DIR", str(link))
    async with open_window(usable=False) as window:
        notice = await told(window)
        assert "data folder" in notice.title.text()
        assert "TETHER_DATA_DIR" in notice.hint.text()
        assert offered(notice) == ["retry", "folder", "quit"]
        press(notice, "folder")
        assert opened == [QUrl.fromLocalFile(str(nothing_of_the_developers))]
        link.unlink()
        press(notice, "retry")
        await usable(window)


@in_gui_loop
async def test_a_database_that_cannot_be_written_is_told_of_and_tried_again(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Root may write whatever there is; SQLite itself refuses here.
    monkeypatch.setenv("MLC_SQLITE_URL", f"sqlite:///file:{database.as_posix()}?mode=ro&uri=true")
    async with open_window(usable=False) as window:
        notice = await told(window)
        assert notice.title.text() == "The conversations cannot be opened"
        assert "cannot be written" in notice.message.text()
        assert "Allow writing" in notice.hint.text()
        assert offered(notice) == ["retry", "folder", "quit"]
        monkeypatch.delenv("MLC_SQLITE_URL")
        press(notice, "retry")
        await usable(window)
        assert chats(window) == ["From before"]


@in_gui_loop
async def test_a_database_that_another_program_holds_is_opened_once_it_lets_go(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLC_SQLITE_URL", f"sqlite:///{database}?timeout=0.01")
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        async with open_window(usable=False) as window:
            notice = await told(window)
            assert "in use" in notice.title.text()
            assert "Close the other program" in notice.hint.text()
            assert offered(notice) == ["retry", "quit"]
            other.execute("ROLLBACK")
            press(notice, "retry")
            await usable(window)
            assert chats(window) == ["From before"]


def old_database(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a database as the version before had it, with one chat."""
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "REVISIONS", migrations.REVISIONS[:-1])
        Database(f"sqlite:///{file}").close()
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(
            "INSERT INTO sessions (id, title, model, created_at, last_active) VALUES ('old', 'Old', '', 5, 5)"
        )


def copies(file: Path) -> list[Path]:
    return list(file.parent.glob(f"{file.name}*.copy"))


def version_of(file: Path) -> str:
    with closing(sqlite3.connect(file)) as connection:
        return str(connection.execute("SELECT version_num FROM alembic_version").fetchone()[0])


@in_gui_loop
async def test_while_chats_are_brought_up_to_date_the_window_says_so(
    nothing_of_the_developers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, goes_on, upgrade = nothing_of_the_developers / "tether.db", threading.Event(), migrations.upgrade
    old_database(file, monkeypatch)

    def wait(connection: Connection) -> None:
        goes_on.wait()
        upgrade(connection)

    monkeypatch.setattr(migrations, "upgrade", wait)
    async with open_window(usable=False) as window:
        await until(lambda: "page" in vars(window.opening) and window.opening.page.isVisible())
        page = window.opening.page
        assert page.title.text() == "Getting your chats ready…"
        assert "older Tether" in page.message.text()
        goes_on.set()
        await usable(window)
        assert not page.isVisible()
        assert chats(window) == ["Old"]


@in_gui_loop
async def test_a_window_that_is_closed_meanwhile_stops_it_and_the_next_start_does_it(
    nothing_of_the_developers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, goes_on, upgrade = nothing_of_the_developers / "tether.db", threading.Event(), migrations.upgrade
    old_database(file, monkeypatch)

    def never_end(connection: Connection) -> None:
        upgrade(connection)
        goes_on.set()
        connection.execute(text("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT sum(i) FROM n"))

    with monkeypatch.context() as patch:
        patch.setattr(migrations, "upgrade", never_end)
        async with open_window(usable=False):
            await until(goes_on.is_set)
    assert version_of(file) == migrations.REVISIONS[-2].revision
    assert copies(file) == []
    async with open_window() as window:
        assert chats(window) == ["Old"]
    assert version_of(file) == migrations.newest_revision()


@in_gui_loop
async def test_a_start_that_takes_long_is_told_of_whatever_the_reason(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on = threading.Event()
    mark_interrupted = Store.mark_interrupted

    def wait(store: Store) -> int:
        goes_on.wait()
        return mark_interrupted(store)

    monkeypatch.setattr(Store, "mark_interrupted", wait)
    monkeypatch.setattr(opening_desk, "SLOW_MS", 0)
    async with open_window(usable=False) as window:
        await until(lambda: "page" in vars(window.opening) and window.opening.page.isVisible())
        assert "longer than usual" in window.opening.page.message.text()
        goes_on.set()
        await usable(window)
        assert chats(window) == ["From before"]
