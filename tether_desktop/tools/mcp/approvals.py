"""What the person allowed: the command lines that may start, and the tools as they were when they were accepted."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from tether_desktop import paths
from tether_desktop.errors import SettingsError

logger = logging.getLogger(__name__)

_FORMAT = 1
_LARGEST = 16 << 20
_LOCK_S = 10.0


class Approvals:
    """A file of hashes beside the configuration, which holds no secret; its methods are for a thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._servers: dict[str, dict[str, Any]] = {}

    def read(self) -> None:
        """Read what was allowed; a file that cannot be read allows nothing."""
        try:
            self._servers = self._read()
        except (OSError, ValueError, RecursionError) as error:
            logger.warning("%s cannot be read, so no MCP server is allowed: %s", self.path, error)
            self._servers = {}

    def allows(self, name: str, fingerprint: str) -> bool:
        """Whether exactly that may be started under that name; asks no disk."""
        return bool(fingerprint) and self._servers.get(name, {}).get("allowed") == fingerprint

    def pins(self, name: str) -> dict[str, str] | None:
        """SHA-256 of each accepted tool, by name; None before the first connection. Asks no disk."""
        pins = self._servers.get(name, {}).get("tools")
        return dict(pins) if isinstance(pins, dict) else None

    def allow(self, name: str, fingerprint: str) -> None:
        """Let exactly that start under that name.

        Raises:
            SettingsError: the file cannot be written.
        """
        self._change(lambda servers: servers.setdefault(name, {}).update(allowed=fingerprint))

    def pin(self, name: str, tools: dict[str, str]) -> None:
        """Accept a server's tools as they are.

        Raises:
            SettingsError: the file cannot be written.
        """
        self._change(lambda servers: servers.setdefault(name, {}).update(tools=tools))

    def forget(self, name: str) -> None:
        """Forget a server that was removed.

        Raises:
            SettingsError: the file cannot be written.
        """
        if name in self._servers:
            self._change(lambda servers: servers.pop(name, None))

    def _change(self, change: Callable[[dict[str, dict[str, Any]]], object]) -> None:
        try:
            paths.make_private_folder(self.path.parent)
            with FileLock(self.path.with_suffix(".lock"), timeout=_LOCK_S):
                servers = self._current()
                change(servers)
                document = {"format": _FORMAT, "servers": servers}
                paths.write_private(self.path, json.dumps(document, indent=2) + "\n")
        except (OSError, Timeout) as error:
            reason = getattr(error, "strerror", None) or error
            hint = "Allow writing to the file and its folder, and check that the disk has room."
            raise SettingsError("The answer cannot be saved", f"{self.path}: {reason}.", hint) from error
        self._servers = servers

    def _current(self) -> dict[str, dict[str, Any]]:
        try:
            return self._read()
        except ValueError:
            # Kept, since a person may want to see what was in it.
            self.path.replace(self.path.with_suffix(".damaged.json"))
            return {}

    def _read(self) -> dict[str, dict[str, Any]]:
        if not self.path.exists():
            return {}
        if self.path.stat().st_size > _LARGEST:
            raise ValueError("it is too large")
        document = json.loads(self.path.read_bytes())
        servers = document.get("servers") if isinstance(document, dict) and document.get("format") == _FORMAT else None
        if not isinstance(servers, dict) or not all(isinstance(each, dict) for each in servers.values()):
            raise ValueError("it is of another format")
        return servers
