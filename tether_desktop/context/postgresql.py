"""What only PostgreSQL needs: its driver, how to reach it, steady reads, and machines that migrate in turn."""

from __future__ import annotations

import getpass
import socket
import ssl
from typing import Any, Final

from sqlalchemy import Connection, Dialect, Engine, event
from sqlalchemy.dialects import registry
from sqlalchemy.engine import URL

from tether_desktop.context import server_faults, sqlite

_DRIVERS = {"postgresql", "postgres", "postgresql+pg8000"}
_PASSED_ON = ("unix_sock", "application_name")
_OURS = ("host", "sslmode")

_LOCK_TIMEOUT: Final = "5s"
"""As long as SQLite waits for another program."""

_LONGEST_CONNECT_S: Final = 10

_MIGRATION_LOCK: Final = 0x7E74E2
"""A number that no other program is likely to lock in the same database."""


def is_ours(url: URL) -> bool:
    """Whether it names PostgreSQL, and no driver but the one that comes with this program."""
    return url.drivername in _DRIVERS


def driver_url(url: URL) -> URL:
    """The URL with the driver's name and what the driver takes; as in other clients the user is by default oneself.

    Raises:
        StoreError: it asks for what nobody knows.
    """
    if url.query.keys() - {*_PASSED_ON, *_OURS}:
        raise server_faults.unknown_option()
    kept = {name: value for name, value in url.query.items() if name in _PASSED_ON}
    folder = url.query.get("host")
    if isinstance(folder, str):
        kept["unix_sock"] = f"{folder}/.s.PGSQL.{url.port or 5432}"
    registry.register("postgresql.steady", "tether_desktop.context.pg8000_dialect", "SteadyDialect")
    return url.set(drivername="postgresql+steady", username=url.username or getpass.getuser(), query=kept)


def engine_options(url: URL) -> dict[str, Any]:
    """Engine options for a URL of :func:`is_ours`.

    Raises:
        StoreError: its ``sslmode`` is none.
    """
    arguments = {"startup_params": {"lock_timeout": _LOCK_TIMEOUT}, "ssl_context": _encryption(url)}
    # A server may have dropped a connection since; asking first costs little.
    return {"pool_pre_ping": True, "connect_args": arguments}


def set_up_connections(engine: Engine) -> None:
    """Wait no longer for a server than a person does; let a transaction that only reads see one state, as in SQLite."""
    event.listen(engine, "do_connect", _reach)
    event.listen(engine, "begin", _begin)


def migrate_alone(connection: Connection) -> None:
    """Wait until no other machine migrates, however long that takes; holds until the transaction ends."""
    connection.exec_driver_sql("SET LOCAL lock_timeout = 0")
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})")


def _reach(_dialect: Dialect, _record: object, _arguments: object, parameters: dict[str, Any]) -> None:
    """Give the driver a socket that is connected: its own time limit would go on to hold for long statements."""
    if "unix_sock" in parameters:
        return
    host, port = parameters.get("host", "localhost"), parameters.get("port", 5432)
    try:
        connected = socket.create_connection((host, port), _LONGEST_CONNECT_S)
    except OSError as error:
        raise server_faults.unreachable(f"at {host}:{port}", error.strerror or str(error)) from error
    connected.settimeout(None)
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    parameters["sock"] = connected


def _begin(connection: Connection) -> None:
    if not connection.get_execution_options().get(sqlite.WRITES_OPTION, False):
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")


def _encryption(url: URL) -> ssl.SSLContext | bool | None:
    """What the driver is told: None encrypts where the server can, and asks for no certificate."""
    match url.query.get("sslmode", "prefer"):
        case "disable":
            return False
        case "allow" | "prefer":
            return None
        case "require":
            return True
        case "verify-ca" | "verify-full":
            return ssl.create_default_context()
        case _:
            raise server_faults.unknown_option()
