"""What can be done about a database that cannot be opened: put a backup in its place, or begin without it.

Nothing is lost by either: the file that was there is kept beside, under another name.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import make_url

from tether_desktop.context import faults, migrations, sqlite
from tether_desktop.errors import BackupFailed, StoreError

_TITLE = "The backup was not restored"
_SIDE_FILES = ("", "-wal", "-shm", "-journal")


def file_of(url: str) -> Path | None:
    """The file of the database at an SQLAlchemy URL; None where it is none, or the URL cannot be understood."""
    try:
        with faults.understood():
            return sqlite.file_of(make_url(url))
    except StoreError:
        return None


def restore(backup: Path, database: Path) -> Path | None:
    """Put a copy of a backup in the place of a database; where the file is now that was there, if there was one.

    Raises:
        BackupFailed: the backup is none that this program can read, or cannot be copied; all is as it was.
    """
    if backup.absolute() in {_beside(database, "", side) for side in _SIDE_FILES}:
        raise BackupFailed(_TITLE, f"{backup} is the file that cannot be opened.", "Choose another file.")
    _demand_sound(backup)
    unfinished = _beside(database, ".restored", ".unfinished")
    try:
        sqlite.make_private(unfinished)
        shutil.copyfile(backup, unfinished)
        aside = set_aside(database)
        unfinished.replace(database)
    except OSError as error:
        hint = "Make the folder writable and see that there is room; the conversations are as they were."
        raise BackupFailed(_TITLE, f"{database}: {error.strerror or error}.", hint) from error
    finally:
        unfinished.unlink(missing_ok=True)
    return aside


def set_aside(database: Path) -> Path | None:
    """Give a database's file another name, so that a new one can be made; the name, or None when there is no file.

    Raises:
        OSError: the folder cannot be written.
    """
    if not database.exists():
        return None
    tag = f".{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}{sqlite.SET_ASIDE}"
    # What belongs to it goes first: SQLite would take a log that is left behind for one of the next file.
    for side in reversed(_SIDE_FILES):
        part = _beside(database, "", side)
        if part.exists():
            part.replace(_beside(database, tag, side))
    return _beside(database, tag, "")


def _beside(database: Path, tag: str, side: str) -> Path:
    return database.absolute().with_name(f"{database.name}{tag}{side}")


def _demand_sound(backup: Path) -> None:
    hint = "Choose a file that “Back up” in the settings has written, or a .copy beside the database."
    try:
        with closing(sqlite3.connect(f"{backup.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
            (answer,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            (version,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            connection.execute("SELECT id FROM sessions LIMIT 1").fetchone()
    except (sqlite3.Error, TypeError) as error:
        raise BackupFailed(_TITLE, f"{backup} is no backup of Tether's.", hint) from error
    if answer != "ok":
        raise BackupFailed(_TITLE, f"{backup} is damaged.", hint)
    if version not in migrations.known_revisions():
        raise BackupFailed(_TITLE, f"{backup} was made by a newer Tether.", "Install the newest Tether.")
