"""The open database: connections and transactions, migrating with a copy first, and scrubbing."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, Literal

from sqlalchemy import Connection, Engine, create_engine, inspect, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError

from tether_desktop.context import faults, migrations, postgresql, sqlite
from tether_desktop.errors import StoreBusy, StoreDamaged, StoreError, StoreFull

_log = logging.getLogger(__name__)

OnMigrate = Callable[[Callable[[], None]], None]
"""Told that a migration begins, and how to stop it, from any thread."""

_FAILURES = (StoreError, StoreBusy, StoreDamaged, StoreFull)


class Database:
    """One database and its connection pool; thread-safe.

    Attributes:
        place: where it is, for people: the file's path, or the URL without its password.
        file: of SQLite; None for a database on a server or in memory.
        is_sqlite: whether it is one of SQLite, be it a file or in memory.
        in_memory: whether it ends with this process.
    """

    def __init__(self, url: str, on_migrate: OnMigrate = lambda _stop: None) -> None:
        """Open it, make it where it is missing, and bring its schema up to date.

        Args:
            url: of SQLAlchemy.
            on_migrate: called before what is kept already is brought up to date, which may take minutes, with a
                function that stops it; nothing is changed then.

        Raises:
            StoreError: it cannot be used; StoreTooNew, StoreBusy and StoreFull say why where known.
        """
        with faults.understood():
            parsed = make_url(url)
            self._is_postgresql = postgresql.is_ours(parsed)
            self.is_sqlite = parsed.get_backend_name() == "sqlite"
            self._engine = _make_engine(parsed)
        self._writer = self._engine.execution_options(**{sqlite.WRITES_OPTION: True})
        # SQLite lets one writer in and makes others poll; waiting here instead is fair and costs nothing.
        self._writing = threading.Lock()
        self._shared = threading.local()
        self._on_migrate = on_migrate
        self._counting = threading.Lock()
        self._failures: Counter[str] = Counter()
        self.file = sqlite.file_of(parsed)
        self.place = str(self.file) if self.file else parsed.render_as_string(hide_password=True)
        self.in_memory = self.is_sqlite and self.file is None
        self._closed = False
        self._opening = threading.RLock()
        self._state: Literal["closed", "opening", "open"] = "closed"
        if not self.in_memory:  # that one is made when it is used first: its tables take a tenth of a second
            self._demand_open()

    def _demand_open(self) -> None:
        if self._state == "open":
            return
        with self._opening:
            if self._state != "closed":
                return
            self._state = "opening"
            try:
                with faults.at_opening(), faults.told(self.place):
                    self._open()
            except BaseException:  # whatever stopped it, a half-open database must not keep its file
                self._state = "closed"
                self._engine.dispose()
                raise
            self._state = "open"

    def _open(self) -> None:
        if self.file:
            sqlite.make_private(self.file)
        if self.is_sqlite:
            sqlite.set_up_connections(self._engine)
        if self._is_postgresql:
            postgresql.set_up_connections(self._engine)
        with self.read() as connection:
            self._check_version(connection)
        if self.is_sqlite:
            sqlite.demand_writable(self._engine)
            sqlite.use_write_ahead_log(self._engine)
        self._migrate_once()
        if self.is_sqlite and sqlite.needs_scrub(self._engine):
            self._scrub_at_start()

    def _migrate_once(self) -> None:
        try:
            self._migrate()
        except SQLAlchemyError:
            # A server lets two machines try at the same moment; the slower one finds everything done.
            with self.read() as connection:
                if self._check_version(connection) != migrations.newest_revision():
                    raise

    def _migrate(self) -> None:
        with self.write() as connection:
            if self._is_postgresql:
                postgresql.migrate_alone(connection)
            # Asked again: another process may have migrated it since.
            found = self._check_version(connection)
            if found == migrations.newest_revision():
                return
            if not found:
                migrations.upgrade(connection)
                return
            given_up = threading.Event()
            self._on_migrate(given_up.set)
            copy = sqlite.copy_beside(self.file, found) if self.file else None
            if copy is not None:
                _log.info("Copied the database to %s before migrating it", copy)
            try:
                with sqlite.stoppable(connection, given_up.is_set) if self.is_sqlite else nullcontext():
                    migrations.upgrade(connection)
            finally:
                if copy is not None and given_up.is_set():  # it is as it was, and copied again next time
                    copy.unlink(missing_ok=True)

    def _check_version(self, connection: Connection) -> str | None:
        found = migrations.current_revision(connection)
        if found is None and {"sessions", "messages"} & set(inspect(connection).get_table_names()):
            raise faults.foreign(self.place)
        if found is not None and found not in migrations.known_revisions():
            raise faults.too_new(self.place, found)
        return found

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one state of the database; a part of this thread's :meth:`together`, if any."""
        if shared := self._transaction():
            yield shared
            return
        self._demand_open()
        # In memory there is one connection, which threads take in turn.
        turn = self._writing if self.in_memory else nullcontext()
        with self._told(), turn, self._in_time(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that holds the write lock from its start; committed to disk at its end.

        Within :meth:`together` it is a part of that one, and committed with it.
        """
        if shared := self._transaction():
            yield shared
            return
        self._demand_open()
        with self._told(), self._writing, self._in_time(), self._writer.begin() as connection:
            yield connection

    @contextmanager
    def together(self) -> Iterator[None]:
        """Make one transaction of all that this thread reads and writes inside."""
        with self.write() as connection:
            self._shared.connection = connection
            try:
                yield
            finally:
                del self._shared.connection

    @contextmanager
    def _in_time(self) -> Iterator[None]:
        """What comes after :meth:`close`, from a thread that nobody waited for, finds a file still, but no memory."""
        if self._closed and self.in_memory:
            raise faults.over()
        pool = self._engine.pool
        try:
            yield
        finally:
            if self._closed:  # meanwhile, when the connection goes back to a pool that nobody has any more
                pool.dispose()

    def failures(self) -> dict[str, int]:
        """How often reading or writing has failed, by the code of the error."""
        with self._counting:
            return dict(self._failures)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            with faults.told(self.place):
                yield
        except StoreError as error:
            # What is not there is no failure of the database.
            if type(error) in _FAILURES:
                with self._counting:
                    self._failures[error.code] += 1
            raise

    def _transaction(self) -> Connection | None:
        return getattr(self._shared, "connection", None)

    def remove_set_aside(self) -> None:
        """Remove the files that gave way to this one when they could not be opened.

        Raises:
            StoreError: they cannot be removed.
        """
        if self.file:
            with faults.told(self.place):
                sqlite.remove_set_aside(self.file)

    def mark_for_scrub(self, connection: Connection) -> None:
        """Note, in the transaction that erases, that a scrub must follow even if the program dies before it."""
        if self.is_sqlite:
            sqlite.set_needs_scrub(connection)

    def scrub(self) -> None:
        """Remove what erased rows left behind: free space, the write-ahead log, and copies made before migrating.

        Raises:
            StoreError: it cannot be done now; the next start does it.
        """
        if not self.is_sqlite:
            return
        try:
            with faults.told(self.place), self._writing, self._in_time():
                self._scrub_file()
        except StoreError as error:
            raise faults.traces_remain(error) from error

    def _scrub_file(self) -> None:
        if self.file:
            sqlite.remove_copies(self.file)
        sqlite.forget_deleted_words(self._engine)
        sqlite.vacuum(self._engine)
        if not sqlite.empty_write_ahead_log(self._engine):
            raise faults.busy(self.place)
        sqlite.clear_needs_scrub(self._engine)

    def _scrub_at_start(self) -> None:
        try:
            self.scrub()
        except StoreError as error:
            _log.warning("Erased conversations left traces: %s", error)

    def close(self) -> None:
        """Bring everything into the one file and close it; idempotent."""
        try:
            with faults.told(self.place), self._writing:
                self._close()
        except StoreError as error:
            # Nothing is lost: what is in the write-ahead log is found there at the next start.
            _log.warning("The database was closed with its write-ahead log: %s", error)

    def _close(self) -> None:
        """Nobody else has the connection of a database in memory now: who waited for it would wait for ever."""
        self._closed = True
        try:
            if self.file:
                sqlite.empty_write_ahead_log(self._engine)
        finally:
            self._engine.dispose()


def _make_engine(url: URL) -> Engine:
    # What was said in a conversation must not reach a log by way of a traceback.
    options: dict[str, Any] = {"hide_parameters": True}
    if postgresql.is_ours(url):
        return create_engine(postgresql.driver_url(url), **options, **postgresql.engine_options(url))
    if url.get_backend_name() == "sqlite":
        return create_engine(url, **options, **sqlite.pool_options(url))
    return create_engine(url, **options, pool_pre_ping=True)
