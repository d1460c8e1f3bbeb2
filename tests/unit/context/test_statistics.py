"""The figures of a database: what is in it, how large it is, and how often it has failed."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tether_desktop.context.store import Store
from tether_desktop.errors import SessionNotFound, StoreError
from tether_desktop.messages import text_message


def test_conversations_are_counted_in_the_list_and_in_the_bin(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'tether.db'}")
    with closing(store):
        first, _, _ = (store.create_session() for _ in range(3))
        store.delete_session(first.id)
        figures = store.statistics()
    assert (figures.sessions, figures.deleted_sessions) == (2, 1)
    assert figures.version.startswith("SQLite 3.")


def test_the_size_is_that_of_the_file_and_grows_with_what_is_written(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'tether.db'}")
    with closing(store):
        before = store.statistics().size_bytes
        session = store.create_session()
        store.add_message(session.id, text_message("user", "word " * 100_000), parent_id=None)
        after = store.statistics().size_bytes
    assert after - before > 400_000
    assert (tmp_path / "tether.db").stat().st_size == after


def test_a_server_tells_its_version_and_the_size_of_its_database(postgres_url: str) -> None:
    with closing(Store(postgres_url)) as store:
        store.delete_session(store.create_session().id)
        figures = store.statistics()
    assert (figures.sessions, figures.deleted_sessions) == (0, 1)
    assert figures.version.startswith("PostgreSQL 1")
    assert figures.size_bytes > 1_000_000


def test_a_database_in_memory_has_figures_too() -> None:
    with closing(Store("sqlite://")) as store:
        assert store.statistics().size_bytes > 0


def test_failures_are_counted_by_their_code_and_what_is_not_there_is_none(tmp_path: Path) -> None:
    with closing(Store(f"sqlite:///{tmp_path / 'tether.db'}")) as store:
        with pytest.raises(SessionNotFound):
            store.get_session("nobody")
        assert store.failures() == {}
        session = store.create_session()
        with closing(sqlite3.connect(tmp_path / "tether.db", isolation_level=None)) as other:
            other.execute("PRAGMA writable_schema = ON")
            other.execute("UPDATE sqlite_master SET sql = 'damaged' WHERE name = 'sessions'")
            other.execute("PRAGMA schema_version = 999")
        for _ in range(2):
            with pytest.raises(StoreError):
                store.get_session(session.id)
        assert store.failures() == {"store_damaged": 2}
