"""What is kept: the data folder, the conversations, the log, and the disks they are on."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tether_desktop import paths
from tether_desktop.app import lock_data_folder
from tether_desktop.byte_size import byte_size_text
from tether_desktop.context.statistics import StoreStatistics
from tether_desktop.context.store import Store
from tether_desktop.doctor.finding import Finding, counted
from tether_desktop.errors import AlreadyRunning, TetherError
from tether_desktop.logs import log_file
from tether_desktop.settings import Settings

_SCARCE_BYTES = 1_000_000_000
_NO_SPACE_BYTES = 100_000_000
_RECENTLY = timedelta(days=1)
_ERROR = re.compile(r'(?:{"time": ")?(\d{4}-[\d-]+T[\d:]+)\.\d+Z(?:", "level": "| )(?:ERROR|CRITICAL)\b', re.IGNORECASE)
"""How a line begins that tells of an error, as text or as JSON."""


def look_at_data_folder() -> Finding:
    """Whether it can be written, and whether somebody does."""
    try:
        lock_data_folder().release()
    except AlreadyRunning:
        return Finding("data folder", "ok", f"{paths.data_dir()}, in use by a running Tether")
    except TetherError as error:
        return Finding("data folder", "fail", error.message, error.hint)
    return Finding("data folder", "ok", f"{paths.data_dir()}, writable")


def look_at_database(settings: Settings) -> Finding:
    """Whether the conversations can be read, and by what."""
    if not settings.sqlite_url and not paths.database_path().exists():
        return Finding("database", "ok", f"not there yet; the first conversation makes it, with {_sqlite()}")
    try:
        with closing(Store(settings.database_url)) as store:
            statistics = store.statistics()
    except TetherError as error:
        return Finding("database", "fail", error.message, error.hint)
    return Finding("database", "ok", _figures(statistics))


def _figures(statistics: StoreStatistics) -> str:
    kept = counted(statistics.sessions, "conversation")
    if statistics.deleted_sessions:
        kept += f" and {statistics.deleted_sessions} in the bin"
    size = byte_size_text(statistics.size_bytes)
    return f"{kept}, {size}; {_sqlite() if statistics.version.startswith('SQLite') else statistics.version}"


def _sqlite() -> str:
    """SQLite as Python has it, and whether it can search."""
    with closing(sqlite3.connect(":memory:")) as connection:
        try:
            connection.execute("CREATE VIRTUAL TABLE found USING fts5 (text)")
        except sqlite3.OperationalError:
            return f"SQLite {sqlite3.sqlite_version} without full-text search"
    return f"SQLite {sqlite3.sqlite_version} with full-text search"


def look_at_disks(settings: Settings) -> Iterator[Finding]:
    """The space that is left."""
    for check, folder in (
        ("disk of the data folder", paths.data_dir()),
        ("disk of the models", settings.dist_roots[0]),
    ):
        there = next(parent for parent in (folder, *folder.parents) if parent.exists())
        free = shutil.disk_usage(there).free
        message, remedy = f"{byte_size_text(free)} free in {there}", "Free some space."
        if free < _NO_SPACE_BYTES:
            yield Finding(check, "fail", message, remedy)
        elif free < _SCARCE_BYTES:
            yield Finding(check, "warn", message, remedy)
        else:
            yield Finding(check, "ok", message)


def look_at_log(now: datetime | None = None) -> Finding:
    """Whether it can be written, and whether something went wrong lately; ``now`` is an aware time."""
    folder = log_file().parent
    files = sorted(folder.glob(f"{log_file().name}*")) if folder.is_dir() else []
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not os.access(there, os.W_OK) or not there.is_dir():
        remedy = "Make it writable; without it nobody can tell later what went wrong."
        return Finding("log", "warn", f"{folder} cannot be written.", remedy)
    size = f"{log_file()}, {byte_size_text(sum(file.stat().st_size for file in files))}"
    errors = sum(_recent_errors(file, (now or datetime.now(UTC)) - _RECENTLY) for file in files)
    if errors:
        return Finding(
            "log", "warn", f"{size}; {counted(errors, 'error')} within a day", "The lines with ERROR say what failed."
        )
    return Finding("log", "ok", f"{size}; no errors within a day")


def _recent_errors(file: Path, since: datetime) -> int:
    """How many lines of a log file tell of errors since then."""
    beginning = since.strftime("%Y-%m-%dT%H:%M:%S")
    try:
        with file.open(encoding="utf-8", errors="replace") as lines:
            return sum(found[1] >= beginning for line in lines if (found := _ERROR.match(line)))
    except OSError:
        return 0
