"""What becomes of a database that cannot be opened: a backup takes its place, or nothing does; no file is lost."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tether_desktop.context.recovery import file_of, restore, set_aside
from tether_desktop.context.store import Store
from tether_desktop.errors import BackupFailed

JUNK = b"This was a database once. " * 400


@pytest.fixture
def backup(store: Store, tmp_path: Path) -> Path:
    store.create_session("kept")
    copy = tmp_path / "backups" / "chats.db"
    copy.parent.mkdir()
    store.back_up(copy)
    return copy


def titles(url: str) -> list[str]:
    with closing(Store(url)) as store:
        return [session.title for session in store.list_sessions()]


def test_a_backup_takes_the_place_of_what_cannot_be_opened(
    store: Store, backup: Path, url: str, database: Path
) -> None:
    store.close()
    database.write_bytes(JUNK)
    database.with_name("tether.db-wal").write_bytes(b"its log")
    aside = restore(backup, database)
    assert aside is not None
    assert aside.read_bytes() == JUNK
    assert aside.with_name(f"{aside.name}-wal").read_bytes() == b"its log"
    assert titles(url) == ["kept"]
    assert backup.exists()


def test_where_there_is_nothing_a_backup_is_the_database(backup: Path, tmp_path: Path) -> None:
    assert restore(backup, tmp_path / "other.db") is None
    assert titles(f"sqlite:///{tmp_path / 'other.db'}") == ["kept"]


@pytest.mark.parametrize("content", [b"", JUNK, b"SQLite format 3\0" + JUNK])
def test_what_is_no_backup_changes_nothing(
    store: Store, url: str, database: Path, tmp_path: Path, content: bytes
) -> None:
    store.create_session("here")
    store.close()
    before = sorted(file.name for file in database.parent.iterdir())
    (tmp_path / "other").write_bytes(content)
    with pytest.raises(BackupFailed, match="no backup of Tether's"):
        restore(tmp_path / "other", database)
    assert sorted(file.name for file in database.parent.iterdir()) == before
    assert titles(url) == ["here"]


def test_backups_that_are_damaged_or_too_new_or_the_database_itself_are_refused(
    store: Store, backup: Path, database: Path, tmp_path: Path
) -> None:
    store.close()
    with pytest.raises(BackupFailed, match="the file that cannot be opened"):
        restore(database, database)
    with closing(sqlite3.connect(backup)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(BackupFailed, match="newer Tether"):
        restore(backup, database)
    with pytest.raises(BackupFailed, match="no backup"):
        restore(tmp_path / "nowhere", database)


def test_setting_aside_makes_room_for_a_new_database_and_twice_keeps_both(
    store: Store, url: str, database: Path
) -> None:
    store.create_session("first")
    store.close()
    assert titles(url) == ["first"]
    first = set_aside(database)
    assert titles(url) == []
    second = set_aside(database)
    assert first is not None
    assert second is not None
    assert first != second
    assert titles(f"sqlite:///{first}") == ["first"]
    assert set_aside(database) is None


def test_erasing_everything_erases_what_was_set_aside_and_erasing_one_chat_does_not(
    store: Store, url: str, database: Path
) -> None:
    store.close()
    assert set_aside(database) is not None
    database.with_name("tether.db-wal.aside.txt").write_text("somebody else's", encoding="utf-8")
    with closing(Store(url)) as later:
        session = later.create_session("one")
        later.erase_session(session.id)
        later.scrub()
        assert list(database.parent.glob("tether.db.*.aside"))
        later.erase_all()
    assert [file.name for file in database.parent.glob("*aside*")] == ["tether.db-wal.aside.txt"]


def test_only_an_sqlite_file_can_be_restored(tmp_path: Path) -> None:
    assert file_of(f"sqlite:///{tmp_path / 'a.db'}") == tmp_path / "a.db"
    assert file_of("sqlite://") is None
    assert file_of("postgresql://me@localhost/chats") is None
    assert file_of("nonsense") is None
