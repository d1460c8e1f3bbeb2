"""What a person is told when the database cannot be used."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import insert, text
from sqlalchemy.exc import IntegrityError, OperationalError

from tests.helpers.processes import running, said, tell
from tether_desktop.context import faults, sqlite
from tether_desktop.context.store import Store
from tether_desktop.context.tables import SessionTable
from tether_desktop.errors import StoreBusy, StoreError, StoreFull, StoreTooNew
from tether_desktop.messages import text_message

LOCK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.readline()
connection.execute("ROLLBACK")
print("released", flush=True)
sys.stdin.readline()
"""


@contextmanager
def other_program_locking(database: Path) -> Iterator[None]:
    with running(LOCK, str(database)) as process:
        assert said(process) == "locked"
        yield
        tell(process)
        assert said(process) == "released"


def snapshot(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir() if not file.name.endswith("-shm")}


def test_a_database_locked_by_another_program_is_busy_and_works_once_it_is_free(url: str, database: Path) -> None:
    store = Store(f"{url}?timeout=0.01")
    session = store.create_session("kept")
    with other_program_locking(database):
        with pytest.raises(StoreBusy) as caught:
            store.create_session()
        assert str(database) in caught.value.message
        assert "Close the other program" in caught.value.hint
        assert store.list_sessions() == [session]
        with pytest.raises(StoreBusy):
            Store(f"{url}?timeout=0.01")
    assert len({store.create_session().id, session.id}) == 2
    store.close()


def test_a_program_that_reads_a_file_without_a_log_is_waited_for(
    url: str, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Store(url).close()
    pauses: list[float] = []
    with closing(sqlite3.connect(database, isolation_level=None)) as reader:
        reader.execute("PRAGMA journal_mode = DELETE")
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM sessions").fetchone()
        monkeypatch.setattr(sqlite.time, "sleep", pauses.append)
        with pytest.raises(StoreBusy):
            Store(f"{url}?timeout=0.01")
        monkeypatch.setattr(sqlite.time, "sleep", lambda _: reader.rollback())
        Store(f"{url}?timeout=0.01").close()
    assert pauses == sorted(pauses)
    assert sum(pauses) > 1


def test_a_database_of_a_newer_version_is_left_as_it_is(url: str, database: Path) -> None:
    Store(url).close()
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.execute("CREATE TABLE of_the_future (x)")
    before = snapshot(database.parent)
    with pytest.raises(StoreTooNew, match="9999") as caught:
        Store(url)
    assert "newest Tether" in caught.value.hint
    assert snapshot(database.parent) == before


def test_a_database_of_another_program_is_left_as_it_is(url: str, database: Path) -> None:
    database.parent.mkdir()
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TABLE sessions (session_id TEXT)")
    before = snapshot(database.parent)
    with pytest.raises(StoreError, match="belongs to another program") as caught:
        Store(url)
    assert "MLC_SQLITE_URL" in caught.value.hint
    assert snapshot(database.parent) == before


@pytest.mark.parametrize(
    "content", [b"This is a shopping list, not a database. " * 40, b"SQLite format 3\0" + b"\xff" * 4080]
)
def test_a_file_that_is_no_database_is_said_to_be_damaged_and_kept(url: str, database: Path, content: bytes) -> None:
    database.parent.mkdir()
    database.write_bytes(content)
    with pytest.raises(StoreError, match="damaged") as caught:
        Store(url)
    assert caught.value.hint
    assert database.read_bytes() == content


def test_a_database_torn_in_the_middle_is_said_to_be_damaged(url: str, database: Path) -> None:
    store = Store(url)
    for number in range(200):
        store.create_session(f"{number} " * 100)
    store.close()
    content = database.read_bytes()
    database.write_bytes(content[: len(content) // 2])
    with pytest.raises(StoreError, match="damaged"):
        Store(url).list_sessions()


def test_a_database_opened_read_only_cannot_be_written(url: str, database: Path) -> None:
    Store(url).close()
    with pytest.raises(StoreFull, match="cannot be written") as caught:
        Store(f"sqlite:///file:{database.as_posix()}?mode=ro&uri=true")
    assert "TETHER_DATA_DIR" in caught.value.hint


def test_a_read_only_file_cannot_be_written(url: str, database: Path) -> None:
    Store(url).close()
    database.chmod(0o400)
    try:
        if os.access(database, os.W_OK):
            pytest.skip("this user may write read-only files")
        with pytest.raises(StoreFull, match="cannot be written"):
            Store(url)
    finally:
        database.chmod(0o600)


def test_a_read_only_folder_cannot_get_a_database(tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(0o500)
    try:
        if os.access(folder, os.W_OK):
            pytest.skip("this user may write into read-only folders")
        with pytest.raises(StoreFull, match="cannot be written"):
            Store(f"sqlite:///{folder / 'tether.db'}")
    finally:
        folder.chmod(0o700)


@pytest.mark.parametrize("database", ["file/tether.db", "file/below/tether.db", "folder"])
def test_a_place_that_cannot_hold_a_file_is_named(tmp_path: Path, database: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    with pytest.raises(StoreFull) as caught:
        Store(f"sqlite:///{tmp_path / database}")
    assert str(tmp_path / database) in caught.value.message


def test_a_full_disk_loses_nothing_and_works_again_when_there_is_room(store: Store) -> None:
    session = store.create_session()
    reply = store.add_message(session.id, text_message("assistant", "short"), parent_id=None)
    set_page_limit(store, 1)
    with pytest.raises(StoreFull, match="no room left") as caught:
        store.update_reply(reply.id, text_message("assistant", "long " * 50_000))
    assert "Free some space" in caught.value.hint
    assert store.history(session.id)[0].message.text == "short"
    set_page_limit(store, 1_000_000)
    store.update_reply(reply.id, text_message("assistant", "long " * 50_000))
    assert store.history(session.id)[0].message.text == "long " * 50_000


def set_page_limit(store: Store, pages: int) -> None:
    """SQLite's own idea of a full disk: no file grows beyond so many pages (or its size, if larger)."""
    with store._database._engine.connect() as connection:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")


WRITE_INTO_A_LIMIT = """
import resource, signal, sys
from tether_desktop.context.store import Store
from tether_desktop.context.tables import SessionTable
from tether_desktop.errors import StoreFull
from tether_desktop.messages import text_message

store = Store(sys.argv[1])
session = store.create_session("kept")
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
try:
    store.add_message(session.id, text_message("user", "word " * 100_000), parent_id=None)
except StoreFull as error:
    print("told:", error.message)
print(store.list_sessions() == [session], store.history(session.id))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of files")
def test_a_disk_that_fails_in_the_middle_of_a_write_loses_nothing(url: str, database: Path) -> None:
    with running(WRITE_INTO_A_LIMIT, url) as process:
        output, _ = process.communicate()
    assert output.splitlines() == [f"told: The disk reports an error at {database}.", "True []"]


@pytest.mark.parametrize("url", ["", "nonsense", "sqlite:/tether.db?", "klingon://hunter2@host/db"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(StoreError, match="MLC_SQLITE_URL is not the address") as caught:
        Store(url)
    assert "sqlite:///" in caught.value.hint
    assert "hunter2" not in str(caught.value)


def test_a_server_without_its_driver_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StoreError, match="psycopg") as caught:
        Store("postgresql+psycopg://me:hunter2@localhost/chats")
    assert "Install psycopg" in caught.value.hint
    assert "hunter2" not in str(caught.value)


def test_what_another_driver_says_of_its_server_is_told() -> None:
    refused = OperationalError("SELECT 1", {}, ConnectionRefusedError("connection\n\trefused\n"))
    with pytest.raises(StoreError, match="connection refused") as caught, faults.told("postgresql://me:***@host/chats"):
        raise refused
    assert "server runs" in caught.value.hint
    assert caught.value.__cause__ is refused


def test_a_faulty_statement_stays_a_bug(store: Store) -> None:
    with pytest.raises(OperationalError, match="no such table"), store._database.read() as connection:
        connection.execute(text("SELECT * FROM misspelt"))


def test_a_bug_does_not_carry_what_was_said_into_the_log(store: Store) -> None:
    session = store.create_session()
    with pytest.raises(IntegrityError) as caught, store._database.write() as connection:
        connection.execute(insert(SessionTable).values(id=session.id, title="my secret plan"))
    assert "my secret plan" not in str(caught.value)
