"""What a failing database means to a person, and what to do about it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from tether_desktop.context import server_faults
from tether_desktop.errors import StoreBusy, StoreDamaged, StoreError, StoreFull, StoreTooNew

_NOT_OPENED = "The conversations cannot be opened"
_NOT_SAVED = "The conversation cannot be saved"

_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL}
_NOT_WRITABLE = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH}
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


@contextmanager
def told(place: str) -> Iterator[None]:
    """Turn what the database at ``place`` raises into a StoreError; a faulty statement of ours stays a bug."""
    try:
        yield
    except PoolTimeout as error:
        raise busy(place) from error
    except (DBAPIError, sqlite3.Error) as error:
        known = _explain(error, place)
        if known is None:
            raise
        raise known from error
    except OSError as error:
        raise not_writable(place, error.strerror or str(error)) from error


@contextmanager
def at_opening() -> Iterator[None]:
    """Let a database that cannot be written be called one that cannot be opened: nobody has tried to save yet."""
    try:
        yield
    except StoreFull as error:
        raise StoreFull(_NOT_OPENED, error.message, error.hint) from error


@contextmanager
def understood() -> Iterator[None]:
    """Turn what making an engine of a URL raises into a StoreError."""
    try:
        yield
    except ArgumentError as error:
        raise not_understood() from error
    except ModuleNotFoundError as error:
        raise no_driver(str(error.name)) from error


def busy(place: str) -> StoreBusy:
    """Another program holds the database locked."""
    return StoreBusy(
        "The conversations are in use",
        f"Another program holds {place} locked.",
        "Close the other program (a database viewer, a backup, another Tether) and try again.",
    )


def too_new(place: str, found: str) -> StoreTooNew:
    """The database has version ``found``, which this program does not know."""
    return StoreTooNew(
        "The conversations are from a newer Tether",
        f"{place} has version {found}, which this Tether does not know. Nothing was changed.",
        "Install the newest Tether, or choose another folder with TETHER_DATA_DIR.",
    )


def foreign(place: str) -> StoreError:
    """The database has tables, but they are not ours."""
    return StoreError(
        _NOT_OPENED,
        f"{place} belongs to another program. Nothing was changed.",
        "Choose another file with MLC_SQLITE_URL, or leave it empty for a file in the data folder.",
    )


def damaged(place: str) -> StoreDamaged:
    """The file is no database, or its contents contradict each other."""
    return StoreDamaged(
        _NOT_OPENED,
        f"{place} is damaged or is not a database.",
        "Put a copy of it in its place, or move the file elsewhere: a new one is made at the next start.",
    )


def not_writable(place: str, reason: str) -> StoreFull:
    """The file or its folder refuses to be written."""
    return StoreFull(
        _NOT_SAVED,
        f"{place} cannot be written ({reason}).",
        "Allow writing to the file and its folder, or choose another folder with TETHER_DATA_DIR.",
    )


def full(place: str) -> StoreFull:
    """There is no room on the disk."""
    return StoreFull(
        _NOT_SAVED,
        f"There is no room left for {place}.",
        "Free some space and try again; everything saved before is safe.",
    )


def failing_disk(place: str) -> StoreFull:
    """The system reported an error while reading or writing."""
    return StoreFull(
        _NOT_SAVED,
        f"The disk reports an error at {place}.",
        "Check that the disk has free space and is still connected; everything saved before is safe.",
    )


def stopped(place: str) -> StoreError:
    """Bringing it up to date was given up; nothing else is ever interrupted."""
    return StoreError(
        _NOT_OPENED,
        f"Bringing {place} up to date was stopped. It is as it was.",
        "Try again: it begins anew.",
    )


def over() -> StoreError:
    """Somebody asks for what was kept in memory until Tether was closed."""
    return StoreError("Tether is closing", "Temporary chats end with it.")


def not_understood() -> StoreError:
    """The database's address is not an SQLAlchemy URL; it is not repeated, as it may hold a password."""
    return StoreError(
        _NOT_OPENED,
        "MLC_SQLITE_URL is not the address of a database.",
        "Write it like sqlite:////home/me/tether.db, or leave it empty for a file in the data folder.",
    )


def no_driver(module: str) -> StoreError:
    """The Python package that speaks to this kind of database is missing."""
    return StoreError(
        _NOT_OPENED,
        f"The database that MLC_SQLITE_URL names needs the Python package {module}, which is not installed.",
        f"Install {module}, or leave MLC_SQLITE_URL empty for a file in the data folder.",
    )


def traces_remain(cause: StoreError) -> StoreError:
    """A conversation is erased, but ``cause`` keeps its traces from being removed."""
    return type(cause)(
        "The conversation is erased, but traces of it remain",
        f"{cause.message} Until that ends, pieces of the text can be found in the file.",
        "The next start of Tether removes them.",
    )


def _explain(error: DBAPIError | sqlite3.Error, place: str) -> StoreError | None:
    if not isinstance(error, DBAPIError):
        return _explain_sqlite(error, place)
    if isinstance(error.orig, sqlite3.Error):
        return _explain_sqlite(error.orig, place)
    return server_faults.explain(error, place)


def _explain_sqlite(error: sqlite3.Error, place: str) -> StoreError | None:
    # The low byte is the kind of failure; the rest tells its variants apart.
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK) & 0xFF
    if code in _BUSY:
        return busy(place)
    if code in _DAMAGED:
        return damaged(place)
    if code == sqlite3.SQLITE_INTERRUPT:
        return stopped(place)
    if code in _NOT_WRITABLE:
        return not_writable(place, "the system does not allow it")
    if code == sqlite3.SQLITE_FULL:
        return full(place)
    return failing_disk(place) if code == sqlite3.SQLITE_IOERR else None
