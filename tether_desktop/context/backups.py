"""A copy of the database for safekeeping, made while the program goes on."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final

from tether_desktop.errors import BackupFailed

_PAGES_AT_ONCE: Final = 512
_SIDE_FILES: Final = ("", "-wal", "-shm", "-journal")

OnShare = Callable[[float], None]
"""Told how much is done, 0..1."""


def back_up(database: Path, copy: Path, on_share: OnShare) -> None:
    """Copy a database as it is at this moment, whatever is written to it meanwhile; half a copy is never left.

    Args:
        database: an SQLite file.
        copy: is replaced where it is there.
        on_share: what it raises ends the copying.

    Raises:
        BackupFailed: the copy cannot be written there.
    """
    if copy.absolute() in {database.with_name(database.name + side) for side in _SIDE_FILES}:
        raise BackupFailed("The backup cannot go there", f"{copy} is the database itself.", "Choose another file.")
    try:
        # Of its owner alone, as the database is.
        with NamedTemporaryFile(dir=copy.parent, prefix=f"{copy.name}.", suffix=".unfinished", delete=False) as file:
            unfinished = Path(file.name)
        try:
            _copy(database, unfinished, on_share)
            unfinished.replace(copy)
        finally:
            unfinished.unlink(missing_ok=True)
    except (sqlite3.Error, OSError) as error:
        why = getattr(error, "strerror", None) or str(error)
        hint = "Choose a folder that can be written and has room; the conversations are as they were."
        raise BackupFailed("The backup cannot be made", f"{copy}: {why}.", hint) from error


def _copy(database: Path, unfinished: Path, on_share: OnShare) -> None:
    def tell(_status: int, remaining: int, total: int) -> None:
        on_share(1 - remaining / total if total else 1.0)

    with (
        closing(sqlite3.connect(database, isolation_level=None)) as source,
        closing(sqlite3.connect(unfinished)) as target,
    ):
        # Without a snapshot of its own it would begin anew each time that something is written.
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM sqlite_master").fetchone()
        source.backup(target, pages=_PAGES_AT_ONCE, progress=tell)
    with unfinished.open("rb+") as file:
        os.fsync(file.fileno())


def no_file(place: str) -> BackupFailed:
    """The database is none that could be copied so."""
    return BackupFailed(
        "The database is on a server",
        f"{place} is no file that Tether could copy.",
        "Whoever looks after the server can back it up with pg_dump; exporting all conversations works here too.",
    )


def nothing_kept() -> BackupFailed:
    """The database is in memory."""
    return BackupFailed("There is nothing to back up", "These conversations are kept nowhere.", "")
