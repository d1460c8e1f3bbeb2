"""The file that says where the local port of a running program is, for commands that look for one."""

from __future__ import annotations

import json
import os
import socket
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from tether_desktop import paths

_CONNECT_S = 1.0
_CLOCK_SLACK = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class OpenPort:
    """A port that a program has open.

    Attributes:
        url: its address, without a path.
        pid: of the program.
        started: when it was opened, in ISO format.
    """

    url: str
    pid: int
    started: str


def write_open_port(url: str) -> None:
    """Write down that this process has opened the port.

    Raises:
        OSError: the data folder cannot be written.
    """
    opened = OpenPort(url, os.getpid(), datetime.now(UTC).isoformat())
    paths.write_private(paths.open_port_path(), json.dumps(asdict(opened)) + "\n")


def remove_open_port() -> None:
    """Take the file away, if it is this process's."""
    file = paths.open_port_path()
    written = _read(file)
    if written is not None and written.pid == os.getpid():
        file.unlink(missing_ok=True)


def find_open_port() -> OpenPort | None:
    """The port that a running program has open; what a program that was killed left behind counts for nothing."""
    written = _read(paths.open_port_path())
    return written if written and _is_alive(written) and _answers(written.url) else None


def _read(file: Path) -> OpenPort | None:
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        port = OpenPort(str(document["url"]), int(document["pid"]), str(document["started"]))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return port


def _is_alive(port: OpenPort) -> bool:
    """Whether the process that wrote the file still runs: a token is not to be sent to whoever got its number."""
    import psutil

    try:
        began = datetime.fromtimestamp(psutil.Process(port.pid).create_time(), UTC)
        return began <= datetime.fromisoformat(port.started) + _CLOCK_SLACK
    except (psutil.Error, ValueError, OverflowError, TypeError):
        return False


def _answers(url: str) -> bool:
    try:
        address = urlsplit(url)
        with socket.create_connection((address.hostname or "", address.port or 80), timeout=_CONNECT_S):
            return True
    except (OSError, ValueError):
        return False
