"""Figures of a database, for those who watch over it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, func, select

from tether_desktop.context.tables import MessageTable, SessionTable

_SIZES = {
    "sqlite": "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
    "postgresql": "SELECT pg_database_size(current_database())",
}
_NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


@dataclass(frozen=True, slots=True)
class StoreStatistics:
    """What a database has and is.

    Attributes:
        sessions: how many are in the list.
        deleted_sessions: how many are in the bin.
        size_bytes: of all that is committed; 0 where the database does not tell.
        version: "SQLite 3.45.1", for people.
    """

    sessions: int
    deleted_sessions: int
    size_bytes: int
    version: str


@dataclass(frozen=True, slots=True)
class StoreSizes:
    """How much is kept, and where.

    Attributes:
        place: the database's file, or its address without the password.
        is_file: whether it is a file, which can be backed up.
        size_bytes: on the disk, what is not yet in the file proper included.
        sessions: how many are in the list and the archive.
        archived: how many of these are in the archive.
        in_bin: how many are in the bin.
        messages: how many there are, in all versions.
    """

    place: str
    is_file: bool
    size_bytes: int
    sessions: int
    archived: int
    in_bin: int
    messages: int


def read_sizes(connection: Connection, place: str, file: Path | None) -> StoreSizes:
    """The sizes as they are now; counting a million messages takes a moment."""
    in_bin = SessionTable.deleted_at.is_not(None)
    archived = SessionTable.archived.is_(True) & ~in_bin
    counts = select(func.count(), func.count().filter(in_bin), func.count().filter(archived))
    total, deleted, put_away = connection.execute(counts.select_from(SessionTable)).one()
    messages = connection.execute(select(func.count()).select_from(MessageTable)).scalar_one()
    size = _size_of_files(file) if file else _size(connection)
    return StoreSizes(place, file is not None, size, total - deleted, put_away, deleted, messages)


def read_statistics(connection: Connection) -> StoreStatistics:
    """The figures as they are now; costs a look at every session, and at no message."""
    in_bin = SessionTable.deleted_at.is_not(None)
    counts = select(func.count(), func.count().filter(in_bin)).select_from(SessionTable)
    total, deleted = connection.execute(counts).one()
    return StoreStatistics(total - deleted, deleted, _size(connection), _version(connection))


def _size(connection: Connection) -> int:
    size = _SIZES.get(connection.dialect.name)
    return int(connection.exec_driver_sql(size).scalar_one()) if size else 0


def _size_of_files(file: Path) -> int:
    sizes = 0
    for each in (file, file.with_name(f"{file.name}-wal")):
        with suppress(OSError):  # there is no log at times
            sizes += each.stat().st_size
    return sizes


def _version(connection: Connection) -> str:
    name = connection.dialect.name
    numbers = connection.dialect.server_version_info or ()
    return " ".join([_NAMES.get(name, name), ".".join(map(str, numbers))]).strip()
