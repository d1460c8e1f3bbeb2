"""The driver of PostgreSQL, with broken connections told as what they are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy.dialects.postgresql.pg8000 import PGDialect_pg8000

_Untyped: Any = PGDialect_pg8000


class SteadyDialect(PGDialect_pg8000):
    """WORKAROUND for pg8000 1.31, which hides why a server hangs up, and lets errors of the system through.

    SQLAlchemy takes only the driver's errors for a sign that a connection is to be replaced.
    """

    supports_statement_cache = True

    def connect(self, *arguments: Any, **parameters: Any) -> Any:
        """A new connection; where the server refuses it, its words are the error."""
        try:
            with self._network_errors():
                return super().connect(*arguments, **parameters)
        except self.loaded_dbapi.InterfaceError as error:
            # Closing the refused connection may fail in turn, and then its error stands before the server's.
            before: BaseException | None = error
            while before is not None and not isinstance(before, self.loaded_dbapi.DatabaseError):
                before = before.__cause__ or before.__context__
            raise before or error from None

    def do_ping(self, dbapi_connection: Any) -> bool:
        """Whether the connection still works."""
        with self._network_errors():
            return bool(super().do_ping(dbapi_connection))

    def do_execute(self, cursor: Any, statement: str, parameters: Any, context: Any = None) -> None:
        """Run a statement."""
        with self._network_errors():
            _Untyped.do_execute(self, cursor, statement, parameters, context)

    def do_executemany(self, cursor: Any, statement: str, parameters: Any, context: Any = None) -> None:
        """Run a statement for each of some parameters."""
        with self._network_errors():
            _Untyped.do_executemany(self, cursor, statement, parameters, context)

    def do_commit(self, dbapi_connection: Any) -> None:
        """End a transaction."""
        with self._network_errors():
            _Untyped.do_commit(self, dbapi_connection)

    def do_rollback(self, dbapi_connection: Any) -> None:
        """Take a transaction back."""
        with self._network_errors():
            _Untyped.do_rollback(self, dbapi_connection)

    def do_close(self, dbapi_connection: Any) -> None:
        """Close a connection; one that broke is closed."""
        with suppress(self.loaded_dbapi.Error, OSError):
            _Untyped.do_close(self, dbapi_connection)

    @contextmanager
    def _network_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self.loaded_dbapi.InterfaceError("network error") from error
