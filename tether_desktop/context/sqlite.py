"""What only SQLite needs: pragmas, a private file, copies, and wiping what was erased."""

from __future__ import annotations

import glob
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from urllib.request import url2pathname

from sqlalchemy import Connection, Engine, QueuePool, event
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from tether_desktop import paths

WRITES_OPTION: Final = "tether_writes"
"""Execution option of a connection whose transaction takes the write lock when it begins."""

SET_ASIDE: Final = ".aside"
"""What the name of a file ends with that gave way to another database."""

_NEEDS_SCRUB = 1
"""The file's user_version, which SQLite leaves to us, while traces of erased rows are in it."""

_PAUSES = (0.01, 0.03, 0.1, 0.3, 1.0, None)
"""Seconds between attempts, until the last one has failed."""

_STEPS_AT_ONCE = 10_000
"""Of SQLite's own machine, about a millisecond: how often it is asked whether to go on."""

_PRAGMAS = (
    "PRAGMA foreign_keys = ON",
    # With a write-ahead log NORMAL could lose the last commits in a power cut; FULL syncs each one.
    "PRAGMA synchronous = FULL",
    # Only macOS heeds it: there a plain fsync leaves data in the drive's own cache.
    "PRAGMA fullfsync = ON",
    "PRAGMA secure_delete = ON",
)

_NOTHING_ON_DISK = "PRAGMA temp_store = MEMORY"


def file_of(url: URL) -> Path | None:
    """The database file of a URL; None for one in memory and for other databases."""
    name = url.database or ":memory:"
    if name.startswith("file:"):
        name = url2pathname(urlsplit(name).path) if url.query.get("mode") != "memory" else ":memory:"
    return None if url.get_backend_name() != "sqlite" or name == ":memory:" else Path(name).absolute()


def pool_options(url: URL) -> dict[str, Any]:
    """Engine options: a database in memory lives in its one connection, which threads take in turn."""
    if url.database in {None, "", ":memory:"}:
        return {
            "poolclass": QueuePool,
            "pool_size": 1,
            "max_overflow": 0,
            "connect_args": {"check_same_thread": False},
        }
    return {}


def make_private(file: Path) -> None:
    """Create the file and its folder where missing, for their owner alone; SQLite's side files inherit that."""
    paths.make_private_folder(file.parent)
    os.close(os.open(file, os.O_CREAT | os.O_RDONLY, 0o600))


def set_up_connections(engine: Engine) -> None:
    """Set the pragmas of every connection, and begin transactions when we say so, not when the driver guesses."""
    event.listen(engine, "connect", _set_pragmas)
    if file_of(engine.url) is None:
        event.listen(engine, "connect", _stay_in_memory)
    event.listen(engine, "begin", _begin)


def demand_writable(engine: Engine) -> None:
    """Raise the driver's error if the file cannot be written, by a write that is taken back.

    Without it SQLite opens what it may only read, and turns BEGIN IMMEDIATE into a plain BEGIN there.
    """
    with engine.connect() as connection:
        raw = _raw(connection)
        raw.execute("BEGIN IMMEDIATE")
        try:
            (version,) = raw.execute("PRAGMA user_version").fetchone()
            raw.execute(f"PRAGMA user_version = {version}")
        finally:
            raw.execute("ROLLBACK")


def use_write_ahead_log(engine: Engine) -> None:
    """Let readers and the writer work at the same time; remembered in the file."""
    with engine.connect() as connection:
        for pause in _PAUSES:
            try:
                _raw(connection).execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                # Of two programs that do this to a new file one is refused at once: each would wait for the other.
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or pause is None:
                    raise
                time.sleep(pause)
            else:
                return


def empty_write_ahead_log(engine: Engine) -> bool:
    """Move the log into the file and cut it to nothing; False when another program still reads it."""
    with engine.connect() as connection:
        is_busy, _, _ = _raw(connection).execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not is_busy


def forget_deleted_words(engine: Engine) -> None:
    """Merge the parts of the search index, which until then keep the words of what was deleted."""
    with engine.connect() as connection:
        _raw(connection).execute("INSERT INTO message_search (message_search) VALUES ('optimize')")


def vacuum(engine: Engine) -> None:
    """Rewrite the file without its free space.

    secure_delete alone is not enough: a page that is rebalanced keeps old copies of its rows.
    """
    with engine.connect() as connection:
        _raw(connection).execute("VACUUM")


def set_needs_scrub(connection: Connection) -> None:
    """Note in the file, within the transaction, that erased rows have left traces."""
    connection.exec_driver_sql(f"PRAGMA user_version = {_NEEDS_SCRUB}")


def needs_scrub(engine: Engine) -> bool:
    """Whether traces of erased rows are to be removed yet."""
    with engine.connect() as connection:
        return bool(_raw(connection).execute("PRAGMA user_version").fetchone()[0] == _NEEDS_SCRUB)


def clear_needs_scrub(engine: Engine) -> None:
    """Note in the file that no traces are left."""
    with engine.connect() as connection:
        _raw(connection).execute("PRAGMA user_version = 0")


@contextmanager
def stoppable(connection: Connection, given_up: Callable[[], bool]) -> Iterator[None]:
    """Let statements fail, whatever they are doing, once they are given up."""
    raw = _raw(connection)
    raw.set_progress_handler(given_up, _STEPS_AT_ONCE)
    try:
        yield
    finally:
        raw.set_progress_handler(None, 0)


def copy_beside(file: Path, version: str) -> Path:
    """Copy a database that may be in use, and return the copy; half a copy is never left.

    The name tells the schema version and the UTC time: ``tether.db.0001-20260131T120000Z.copy``.
    """
    copy = file.with_name(f"{file.name}.{version}-{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}.copy")
    unfinished = copy.with_suffix(".unfinished")
    make_private(unfinished)
    try:
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(unfinished)) as target:
            source.backup(target)
        unfinished.replace(copy)
    finally:
        unfinished.unlink(missing_ok=True)
    return copy


def remove_copies(file: Path) -> None:
    """Remove every copy that :func:`copy_beside` made."""
    for copy in file.parent.iterdir():
        if copy.name.startswith(f"{file.name}.") and copy.suffix in {".copy", ".unfinished"}:
            copy.unlink()


def remove_set_aside(file: Path) -> None:
    """Remove the files that gave way to another database here."""
    for each in file.parent.glob(f"{glob.escape(file.name)}.*{SET_ASIDE}*"):
        each.unlink()


def _set_pragmas(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None
    for pragma in _PRAGMAS:
        connection.execute(pragma)


def _stay_in_memory(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    connection.execute(_NOTHING_ON_DISK)


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get(WRITES_OPTION, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _raw(connection: Connection) -> Any:
    return connection.connection.driver_connection
