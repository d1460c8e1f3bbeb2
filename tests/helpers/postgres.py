"""A real PostgreSQL server for tests: Debian's, in a folder of its own, gone at the end whatever happens."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

import pytest
from sqlalchemy import URL, create_engine, make_url

from tests.helpers.processes import running, said
from tether_desktop.context.store import Store

PASSWORD: Final = "open sesame & co"  # noqa: S105  (of a server that nobody else can reach)
_SOCKET: Final = ".s.PGSQL.5432"
_OPTIONS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "listen_addresses": ""}

# Ends the server when its own standard input ends, so also when the tests are killed.
_SERVE = """
import signal, subprocess, sys, time
from pathlib import Path

owner, data, *command = sys.argv[1:]
rights = {"user": owner, "group": owner, "extra_groups": []} if owner else {}
server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=data, **rights)
state = Path(data, "postmaster.pid")
while server.poll() is None and not (state.exists() and "ready" in state.read_text()):
    time.sleep(0.02)
print("ready" if server.poll() is None else "failed", flush=True)
sys.stdin.read()
server.send_signal(signal.SIGINT)
server.wait()
print("stopped", flush=True)
"""


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A server that runs, and speaks through a Unix socket.

    Attributes:
        url: of an empty database with the newest schema, from which others are copied.
    """

    url: URL

    def new_database(self) -> str:
        """The address, without a driver, of an empty database with the newest schema."""
        name = f"test_{uuid4().hex}"
        self.tell(f"CREATE DATABASE {name} TEMPLATE {self.url.database}")
        return self.address(name)

    def address(self, database: str) -> str:
        """The address of a database, there or not."""
        return self.url.set(database=database).render_as_string(hide_password=False)

    def tell(self, statement: str) -> None:
        """Run a statement as the administrator, outside of every test's database."""
        administration = self.url.set(drivername="postgresql+pg8000", database="postgres")
        engine = create_engine(administration, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(statement)
        engine.dispose()

    def cut_off(self, address: str) -> None:
        """End all connections to a database, as a server that stops does."""
        which = f"datname = '{make_url(address).database}'"
        self.tell(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {which}")  # noqa: S608  (our own)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """The server, for all tests of this process; they are skipped where there is none to start."""
    programs = _programs()
    if programs is None:
        pytest.skip("no PostgreSQL server is installed here")
    folder = Path(tempfile.mkdtemp(prefix="tether-postgres-"))
    try:
        with _serving(programs, folder) as url:
            server = PostgresServer(url.set(database="pattern"))
            server.tell("CREATE DATABASE pattern")
            Store(server.address("pattern")).close()
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The address of an empty database that is gone after the test."""
    address = postgres_server.new_database()
    yield address
    postgres_server.tell(f"DROP DATABASE {make_url(address).database} WITH (FORCE)")


def _programs() -> Path | None:
    """The folder of the newest server's programs."""
    if sys.platform != "linux":
        return None
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda file: int(file.parts[-3]))
    on_path = shutil.which("initdb")
    newest = versions[-1] if versions else Path(on_path).resolve() if on_path else None
    return newest.parent if newest else None


@contextmanager
def _serving(programs: Path, folder: Path) -> Iterator[URL]:
    # The server refuses to run as root; Debian's package makes a user for it.
    owner = "postgres" if os.geteuid() == 0 else ""
    password, data = folder / "password", folder / "data"
    password.write_text(PASSWORD)
    if owner:
        shutil.chown(folder, owner, owner)
        shutil.chown(password, owner, owner)
    rights = ["--username", "tether", "--pwfile", str(password), "--auth", "scram-sha-256"]
    kind = ["--encoding", "UTF8", "--locale", "C", "--no-sync"]
    make = [str(programs / "initdb"), "--pgdata", str(data), *rights, *kind]
    subprocess.run(make, check=True, capture_output=True, cwd=folder, user=owner or None, group=owner or None)
    options = [f"--{name}={value}" for name, value in (_OPTIONS | {"unix_socket_directories": folder}).items()]
    with running(_SERVE, owner, str(data), str(programs / "postgres"), "-D", str(data), *options) as process:
        assert said(process) == "ready"
        query = {"unix_sock": str(folder / _SOCKET)}
        yield URL.create("postgresql", "tether", PASSWORD, database="postgres", query=query)
        assert process.stdin is not None
        process.stdin.close()
        assert said(process) == "stopped"
