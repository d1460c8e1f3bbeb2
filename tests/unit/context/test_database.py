"""Opening a database: where it lies, how it is set up, and how it is migrated."""

from __future__ import annotations

import sqlite3
import stat
import sys
import threading
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext

import tether_desktop
from tests.helpers.processes import running
from tether_desktop.context import migrations, sqlite
from tether_desktop.context.database import Database
from tether_desktop.context.search_index import index_messages
from tether_desktop.context.store import IN_MEMORY, Store
from tether_desktop.context.tables import SessionTable, Tables
from tether_desktop.errors import StoreError, StoreFull, StoreTooNew

NEWEST = migrations.newest_revision()


def add_colour(op: Operations) -> None:
    op.add_column("sessions", sa.Column("colour", sa.Text(), nullable=False, server_default="grey"))


def fail_halfway(op: Operations) -> None:
    add_colour(op)
    raise ZeroDivisionError


def next_revision(monkeypatch: pytest.MonkeyPatch, upgrade: Callable[[Operations], None]) -> None:
    revision = SimpleNamespace(__name__="v9999", revision="9999", down_revision=NEWEST, upgrade=upgrade)
    monkeypatch.setattr(migrations, "REVISIONS", (*migrations.REVISIONS, revision))


def columns(database: Path) -> set[str]:
    with closing(sqlite3.connect(database)) as connection:
        return {row[1] for row in connection.execute("PRAGMA table_info(sessions)")}


def files(database: Path) -> list[str]:
    return sorted(file.name for file in database.parent.iterdir())


def test_the_migrated_schema_is_the_one_the_code_works_with(url: str) -> None:
    database = Database(url)
    with database.read() as connection:
        # The full-text index is made of tables of its own, of which the code knows nothing.
        is_ours = {"include_name": lambda name, _kind, _parents: not str(name).startswith("message_search")}
        context = MigrationContext.configure(connection, opts={"compare_type": True, **is_ours})
        assert compare_metadata(context, Tables.metadata) == []
        names = {table: sa.inspect(connection).get_foreign_keys(table) for table in Tables.metadata.tables}
    assert {key["name"] for key in names["messages"]} == {
        constraint.name for constraint in Tables.metadata.tables["messages"].foreign_key_constraints
    }
    database.close()


def test_every_connection_is_set_up(store: Store) -> None:
    wanted = {
        "journal_mode": "wal",
        "foreign_keys": 1,
        "busy_timeout": 5000,
        "secure_delete": 1,
        "synchronous": 2,
        "fullfsync": 1,
    }
    engine = store._database._engine
    with engine.connect() as one, engine.connect() as other:
        for connection in (one, other):
            found = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in wanted}
            assert found == wanted


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has access lists instead of modes")
def test_only_its_owner_may_read_a_database(tmp_path: Path) -> None:
    database = tmp_path / "new" / "deep" / "tether.db"
    store = Store(f"sqlite:///{database}")
    store.create_session()
    copy = sqlite.copy_beside(database, "0001")
    modes = {file: stat.S_IMODE(file.stat().st_mode) for file in [*database.parent.iterdir(), database.parent]}
    assert modes.pop(database.parent) == 0o700 == stat.S_IMODE(database.parent.parent.stat().st_mode)
    assert set(modes) > {database, copy}
    assert set(modes.values()) == {0o600}
    store.close()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has access lists instead of modes")
def test_a_folder_that_exists_keeps_its_permissions(tmp_path: Path) -> None:
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o755)
    Store(f"sqlite:///{folder / 'tether.db'}").close()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o755


def test_a_closed_database_is_one_file(store: Store, database: Path) -> None:
    store.create_session()
    store.close()
    store.close()
    assert files(database) == ["tether.db"]


def test_closing_on_a_full_disk_loses_nothing(store: Store, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    session = store.create_session("kept")

    def full(_engine: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(sqlite, "empty_write_ahead_log", full)
        store.close()
    again = Store(url)
    assert again.list_sessions() == [session]
    again.close()


def test_one_in_memory_is_made_when_it_is_used_first_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[sa.Connection] = []
    upgrade = migrations.upgrade
    monkeypatch.setattr(migrations, "upgrade", lambda connection: (made.append(connection), upgrade(connection)))
    with closing(Store(IN_MEMORY)) as store:
        assert made == []
        with ThreadPoolExecutor(4) as threads:
            listed = list(threads.map(lambda _: store.list_sessions(), range(4)))
        assert listed == [[]] * 4
        assert len(made) == 1


def test_opening_again_neither_migrates_nor_copies(url: str, database: Path) -> None:
    Store(url).close()
    before = database.read_bytes()
    Store(url).close()
    assert files(database) == ["tether.db"]
    assert database.read_bytes() == before


def test_a_relative_address_works_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Store("sqlite:///here.db").close()
    assert files(tmp_path / "here.db") == ["here.db"]


def test_a_copy_is_made_before_migrating(
    store: Store, url: str, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    title = store.create_session("before").title
    store.close()
    next_revision(monkeypatch, add_colour)
    Database(url).close()
    (copy,) = (file for file in database.parent.iterdir() if file.suffix == ".copy")
    assert copy.name.startswith(f"tether.db.{NEWEST}-20")
    assert "colour" in columns(database)
    assert "colour" not in columns(copy)
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT title FROM sessions").fetchall() == [(title,)]
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(NEWEST,)]
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_new_database_gets_all_versions_and_no_copy(
    url: str, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    next_revision(monkeypatch, add_colour)
    Database(url).close()
    assert "colour" in columns(database)
    assert files(database) == ["tether.db"]


SEARCHABLE = 4
"""The revision since which messages are in the index."""


def test_who_asks_for_memory_that_is_gone_is_told_at_once_and_need_not_wait_for_it() -> None:
    memory = Database(IN_MEMORY)
    inside, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        with memory.write():
            inside.set()
            go_on.wait()

    def ask() -> str:
        try:
            with memory.read():
                return "read"
        except StoreError as error:
            return error.title

    with ThreadPoolExecutor() as pool:
        pool.submit(hold)
        inside.wait()
        asked = [pool.submit(ask), pool.submit(memory.close), pool.submit(ask)]
        go_on.set()
        answers = {str(each.result()) for each in asked}
    assert answers <= {"read", "Tether is closing", "None"}
    assert ask() == "Tether is closing"


def test_who_comes_too_late_to_a_file_loses_nothing_and_leaves_nothing_open(url: str, database: Path) -> None:
    closed = Database(url)
    closed.close()
    with closed.write() as connection:
        add = "INSERT INTO sessions (id, title, model, created_at, last_active) VALUES ('late', 'Late', '', 5, 5)"
        connection.execute(sa.text(add))
    store = Store(url)
    assert [session.title for session in store.list_sessions()] == ["Late"]
    store.close()
    assert files(database) == ["tether.db"]


def open_version(url: str, count: int, monkeypatch: pytest.MonkeyPatch) -> Database:
    """A database as the program had it that knew the first so many revisions."""
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "REVISIONS", migrations.REVISIONS[:count])
        return Database(url)


@pytest.mark.parametrize("count", range(1, len(migrations.REVISIONS)))
def test_a_database_of_each_older_version_keeps_its_conversations(
    count: int, url: str, database: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    open_version(url, count, monkeypatch).close()
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(
            "INSERT INTO sessions (id, title, model, created_at, last_active)"
            " VALUES ('before', 'From before', '', 5, 5)"
        )
        connection.executemany(
            "INSERT INTO messages (id, session_id, role, parts, created_at, model, error)"
            """ VALUES (?, 'before', 'user', '[{"type": "text", "text": "Long ago"}]', ?, '', '')""",
            [(f"m{number}", number) for number in range(1200)],
        )
    if count >= SEARCHABLE:
        database_then = open_version(url, count, monkeypatch)
        with database_then.write() as connection:
            index_messages(connection, [f"m{number}" for number in range(1200)])
        database_then.close()
    with caplog.at_level("INFO", "tether_desktop.context"):
        store = Store(url)
    (session,) = store.list_sessions()
    assert (session.id, session.title, session.pinned) == ("before", "From before", False)
    assert [hit.message_id for hit in store.search_messages("ago", 2, offset=1198)] == ["m1", "m0"]
    assert ("Indexing 1200 messages for search" in caplog.messages) == (count < SEARCHABLE)
    assert (session.archived, session.folder_id, session.unread, session.overrides) == (False, None, False, {})
    store.set_tool_rule(session.id, "weather", "always")
    store.close()
    assert any(name.startswith("tether.db.") for name in files(database))


def test_a_copy_holds_what_is_only_in_the_write_ahead_log(store: Store, database: Path) -> None:
    store.create_session("in the log")
    assert b"in the log" not in database.read_bytes()
    with closing(sqlite3.connect(sqlite.copy_beside(database, "0001"))) as connection:
        assert connection.execute("SELECT title FROM sessions").fetchall() == [("in the log",)]


def test_a_migration_that_fails_halfway_leaves_the_database_as_it_was(
    url: str, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Store(url).close()
    with monkeypatch.context() as patch:
        next_revision(patch, fail_halfway)
        with pytest.raises(ZeroDivisionError):
            Database(url)
    assert "colour" not in columns(database)
    store = Store(url)
    assert store.list_sessions() == []
    store.close()


def test_without_room_for_the_copy_nothing_is_migrated(
    url: str, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Store(url).close()
    next_revision(monkeypatch, add_colour)

    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(StoreFull, match="No space left"):
        Database(url)
    assert files(database) == ["tether.db"]
    assert "colour" not in columns(database)


def test_an_older_program_refuses_what_a_newer_one_has_migrated(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        next_revision(patch, add_colour)
        Database(url).close()
    with pytest.raises(StoreTooNew, match="9999"):
        Store(url)


def test_a_machine_that_is_beaten_to_the_migration_goes_on(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    migrate = Database._migrate

    def beaten(database: Database) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(Database, "_migrate", migrate)
            Store(url).close()
        raise sa.exc.IntegrityError("CREATE TABLE sessions", {}, Exception("it is there already"))

    monkeypatch.setattr(Database, "_migrate", beaten)
    store = Store(url)
    assert store.list_sessions() == []
    store.close()


def test_a_migration_that_nobody_else_has_done_stays_failed(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_database: Database) -> None:
        raise sa.exc.IntegrityError("CREATE TABLE sessions", {}, Exception("on purpose"))

    monkeypatch.setattr(Database, "_migrate", fail)
    with pytest.raises(sa.exc.IntegrityError, match="on purpose"):
        Store(url)


def test_revisions_follow_each_other_in_one_line() -> None:
    ids = [module.revision for module in migrations.REVISIONS]
    assert [module.down_revision for module in migrations.REVISIONS] == [None, *ids[:-1]]
    assert ids == sorted(set(ids))


OPEN_FROM_ARCHIVE = """
import sys
sys.path.insert(0, sys.argv[1])
from tether_desktop.context import store
assert sys.argv[1] in store.__file__
opened = store.Store(sys.argv[2])
print(opened.create_session("frozen").title)
opened.close()
"""


def test_a_program_without_source_files_migrates_too(url: str, tmp_path: Path) -> None:
    package = Path(tether_desktop.__file__).parent
    archive = tmp_path / "bundle.zip"
    with zipfile.ZipFile(archive, "w") as bundle:
        for source in [*package.glob("*.py"), *(package / "context").rglob("*.py")]:
            bundle.write(source, source.relative_to(package.parent))
    with running(OPEN_FROM_ARCHIVE, str(archive), url) as process:
        output, _ = process.communicate()
    assert output == "frozen\n"


def test_a_time_without_a_zone_is_refused(store: Store) -> None:
    import datetime

    naive = {"created_at": datetime.datetime(2026, 1, 1)}  # noqa: DTZ001
    values = {"id": "x", "title": "", "model": "", "last_active": datetime.datetime.now(datetime.UTC)}
    with pytest.raises(sa.exc.StatementError, match="naive"), store._database.write() as connection:
        connection.execute(sa.insert(SessionTable).values(values | naive))


def test_a_database_in_memory_is_one_for_all_threads() -> None:
    store = Store("sqlite://")
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda number: store.create_session(str(number)), range(40)))
    assert {session.title for session in store.list_sessions()} == {str(number) for number in range(40)}
    store.close()
