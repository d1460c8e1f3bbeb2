"""What a server prints, in a file of bounded size without the secrets it was given."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterable
from logging.handlers import RotatingFileHandler
from pathlib import Path

from tether_desktop import paths
from tether_desktop.tools.mcp.tool_names import file_name

logger = logging.getLogger(__name__)

_LARGEST = 1 << 20
_LONGEST_LINE = 2000
_TAIL = 64 << 10
_SHORTEST_SECRET = 6
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class ServerLog:
    """The log of one server; writing is for a thread."""

    def __init__(self, folder: Path, server: str, secrets: Iterable[str] = ()) -> None:
        self.path = folder / f"mcp-{file_name(server)}.log"
        self.last_line = ""
        self.secrets = secrets
        self._writing = threading.Lock()
        self._file: RotatingFileHandler | None = None
        self._broken = False

    @property
    def secrets(self) -> tuple[str, ...]:
        """What is never written."""
        return self._secrets

    @secrets.setter
    def secrets(self, values: Iterable[str]) -> None:
        self._secrets = tuple(sorted((each for each in values if len(each) >= _SHORTEST_SECRET), key=len, reverse=True))

    def write(self, text: str) -> None:
        """Add lines; a log that cannot be written is told once, and nothing fails for it."""
        with self._writing:
            for line in text.splitlines():
                self._write_line(self._clean(line))

    def tail(self) -> str:
        """The end of the log; empty where there is none."""
        try:
            with self.path.open("rb") as file:
                size = file.seek(0, 2)
                file.seek(max(0, size - _TAIL))
                text = file.read().decode("utf-8", "replace")
        except OSError:
            return ""
        return text if size <= _TAIL else text.partition("\n")[2]

    def close(self) -> None:
        """Let go of the file; writing opens it again."""
        with self._writing:
            if self._file is not None:
                self._file.close()
                self._file = None

    def _clean(self, line: str) -> str:
        # Secrets first: what is cut off could be the half of one.
        for secret in self._secrets:
            line = line.replace(secret, "•••")
        cut = line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]} …"
        return _CONTROL.sub("", cut).encode("utf-8", "replace").decode()

    def _write_line(self, line: str) -> None:
        if not line.strip():
            return
        self.last_line = line.strip()
        if self._file is None and not self._broken:
            self._open()
        if self._file is not None:
            self._file.emit(logging.LogRecord("mcp", logging.INFO, "", 0, line, (), None))

    def _open(self) -> None:
        try:
            paths.make_private_folder(self.path.parent)
            self._file = RotatingFileHandler(self.path, maxBytes=_LARGEST, backupCount=1, encoding="utf-8")
        except OSError as error:
            self._broken = True
            logger.warning("The log of an MCP server cannot be written to %s: %s", self.path, error.strerror)
            return
        self._file.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
