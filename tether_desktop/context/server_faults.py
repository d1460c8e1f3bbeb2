"""What a failing database server means to a person, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from tether_desktop.errors import StoreBusy, StoreError, StoreFull

_NOT_SAVED: Final = "The conversation cannot be saved"
_NETWORK_CLASSES: Final = ("08", "53", "57")
"""The first two characters of the states that tell of connections, of resources and of the administrator."""


def explain(error: DBAPIError, place: str) -> StoreError | None:
    """The known fault that a driver's error tells of; None for one of ours."""
    code = state_of(error)
    if code in _KNOWN:
        return _KNOWN[code](place, reason_of(error))
    if error.connection_invalidated:
        return _ended(place, reason_of(error))
    if code[:2] in _NETWORK_CLASSES or isinstance(error, OperationalError | InterfaceError):
        return unreachable(place, reason_of(error))
    return None


def state_of(error: DBAPIError) -> str:
    """The five characters by which PostgreSQL tells its errors apart; empty for an error of the network."""
    fields = error.orig.args[0] if error.orig is not None and error.orig.args else None
    return str(fields.get("C", "")) if isinstance(fields, dict) else ""


def reason_of(error: DBAPIError) -> str:
    """The server's own words, or those of the system, in one line."""
    cause: BaseException | None = error.orig
    fields = cause.args[0] if cause is not None and cause.args else None
    if isinstance(fields, dict):
        return " ".join(str(fields.get("M", "")).split())
    while cause is not None and cause.__cause__ is not None:
        cause = cause.__cause__
    said = getattr(cause, "strerror", None) or str(cause)
    return " ".join(said.split())


def unknown_option() -> StoreError:
    """The server's address has something after its question mark that nobody knows."""
    return StoreError(
        "The conversations cannot be opened",
        "MLC_SQLITE_URL asks for something of the database server that is not known here.",
        "After a ? it takes host, unix_sock, application_name, and sslmode: disable, prefer, require or verify-full.",
    )


def unreachable(place: str, reason: str) -> StoreError:
    """A database server does not answer or refuses."""
    return StoreError(
        "The database server cannot be reached",
        f"The database server {place} does not answer ({reason}).",
        "Check that its server runs, and the host and port in MLC_SQLITE_URL.",
    )


def _busy(place: str, _reason: str) -> StoreBusy:
    return StoreBusy(
        "The conversations are in use",
        f"Another program holds a part of {place} locked.",
        "Try again in a moment; the server's administrator can see who holds it.",
    )


def _wrong_password(place: str, _reason: str) -> StoreError:
    return StoreError(
        "The database server refuses the password",
        f"The name or the password for {place} is not the one that the server knows.",
        "Write both into MLC_SQLITE_URL as in postgresql://name:password@host/database, with %40 for @ and so on.",
    )


def _no_database(place: str, _reason: str) -> StoreError:
    return StoreError(
        "There is no such database",
        f"The server has no database for {place}.",
        "Let its administrator create it, or correct the name at the end of MLC_SQLITE_URL; the tables are made here.",
    )


def _not_writable(place: str, reason: str) -> StoreFull:
    return StoreFull(
        _NOT_SAVED,
        f"{place} does not let this program write ({reason}).",
        "Let its administrator allow the user of MLC_SQLITE_URL to create and change tables.",
    )


def _full(place: str, _reason: str) -> StoreFull:
    return StoreFull(
        _NOT_SAVED,
        f"There is no room left on the server of {place}.",
        "Let its administrator free some; everything saved before is safe.",
    )


def _ended(place: str, reason: str) -> StoreError:
    return StoreError(
        "The database server has gone",
        f"The connection to {place} ended ({reason}). What was being saved just then is not saved.",
        "Try again when the server runs; everything saved before is safe.",
    )


_KNOWN: Final[dict[str, Callable[[str, str], StoreError]]] = {
    "25006": _not_writable,
    "28000": _wrong_password,
    "28P01": _wrong_password,
    "3D000": _no_database,
    "40001": _busy,
    "40P01": _busy,
    "42501": _not_writable,
    "53100": _full,
    "55P03": _busy,
    "57P01": _ended,
    "57P02": _ended,
    "57P03": unreachable,
}
