"""Figures of a database, for those who watch over it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from tether_desktop.context.tables import SessionTable

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


def read_statistics(connection: Connection) -> StoreStatistics:
    """The figures as they are now; costs a look at every session, and at no message."""
    in_bin = SessionTable.deleted_at.is_not(None)
    counts = select(func.count(), func.count().filter(in_bin)).select_from(SessionTable)
    total, deleted = connection.execute(counts).one()
    size = _SIZES.get(connection.dialect.name)
    size_bytes = connection.exec_driver_sql(size).scalar_one() if size else 0
    return StoreStatistics(total - deleted, deleted, int(size_bytes), _version(connection))


def _version(connection: Connection) -> str:
    name = connection.dialect.name
    numbers = connection.dialect.server_version_info or ()
    return " ".join([_NAMES.get(name, name), ".".join(map(str, numbers))]).strip()
