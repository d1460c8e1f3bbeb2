"""The open database: connections and transactions, migrating with a copy first, and scrubbing."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, create_engine, inspect, make_url
from sqlalchemy.engine import URL

from tether_desktop.context import faults, migrations, sqlite

_log = logging.getLogger(__name__)


class Database:
    """One database and its connection pool; thread-safe.

    Attributes:
        place: where it is, for people: the file's path, or the URL without its password.
    """

    def __init__(self, url: str) -> None:
        """Open it, make it where it is missing, and bring its schema up to date.

        Raises:
            StoreError: it cannot be used; StoreTooNew, StoreBusy and StoreFull say why where known.
        """
        with faults.told(url):
            parsed = make_url(url)
        self._file = sqlite.file_of(parsed)
        self.place = str(self._file) if self._file else parsed.render_as_string(hide_password=True)
        with faults.told(self.place):
            self._open(parsed)

    def _open(self, url: URL) -> None:
        if self._file:
            sqlite.make_private(self._file)
        is_sqlite = url.get_backend_name() == "sqlite"
        self._engine = create_engine(url, **(sqlite.pool_options(url) if is_sqlite else {"pool_pre_ping": True}))
        self._writer = self._engine.execution_options(**sqlite.WRITES)
        # SQLite lets one writer in and makes others poll; waiting here instead is fair and costs nothing.
        self._writing = threading.Lock()
        if is_sqlite:
            sqlite.set_up_connections(self._engine)
        try:
            self._migrate()
            self._checkpoint()
        except BaseException:
            self._engine.dispose()
            raise

    def _migrate(self) -> None:
        with self.read() as connection:
            self._check_version(connection)
        if self._file:
            sqlite.use_write_ahead_log(self._engine)
        with self.write() as connection:
            # Asked again: another process may have migrated it since.
            found = self._check_version(connection)
            if found == migrations.newest_revision():
                return
            if self._file and found:
                copy = sqlite.copy_beside(self._file, found)
                _log.info("Copied the database to %s before migrating it", copy)
            migrations.upgrade(connection)

    def _check_version(self, connection: Connection) -> str | None:
        found = migrations.current_revision(connection)
        if found is None and {"sessions", "messages"} & set(inspect(connection).get_table_names()):
            raise faults.foreign(self.place)
        if found is not None and found not in migrations.known_revisions():
            raise faults.too_new(self.place, found)
        return found

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one state of the database."""
        with faults.told(self.place), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that holds the write lock from its start; committed to disk at its end."""
        with faults.told(self.place), self._writing, self._writer.begin() as connection:
            yield connection

    def scrub(self) -> None:
        """Remove what erased rows left behind: free space, the write-ahead log, and copies made before migrating.

        Raises:
            StoreBusy: another program reads the database; the next start completes the scrubbing.
        """
        if not self._file:
            return
        with faults.told(self.place), self._writing:
            sqlite.remove_copies(self._file)
            sqlite.vacuum(self._engine)
            if not sqlite.empty_write_ahead_log(self._engine):
                raise faults.busy(self.place)

    def _checkpoint(self) -> None:
        if self._file and not sqlite.empty_write_ahead_log(self._engine):
            _log.info("Another program reads the database; its write-ahead log stays for now")

    def close(self) -> None:
        """Bring everything into the one file and close it; idempotent."""
        with faults.told(self.place), self._writing:
            try:
                self._checkpoint()
            finally:
                self._engine.dispose()
