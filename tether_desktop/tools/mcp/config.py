"""The file of servers, in the shape that other programs use: read, and changed without losing what we do not know."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tether_desktop import paths
from tether_desktop.errors import SettingsError
from tether_desktop.tools.mcp.json_text import is_plain, parse_json
from tether_desktop.tools.mcp.spec import ServerSpec, parse_spec

MOST_SERVERS = 100

_LARGEST = 4 << 20
_KEYS = ("mcpServers", "servers", "context_servers")
_UNREAD = "The file of MCP servers cannot be read"
_UNSAVED = "The MCP servers cannot be saved"


class ConfigFile:
    """``mcp.json``; its methods are for a thread, and wait for the disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._changing = threading.Lock()

    def read(self) -> tuple[ServerSpec, ...]:
        """The servers in the file's order.

        Raises:
            SettingsError: the file cannot be read or is damaged; it stays as it is.
        """
        document = self._parse(self._bytes())
        entries = _entries(document)
        if len(entries) > MOST_SERVERS:
            raise self._damaged(f"it has more than {MOST_SERVERS} servers")
        return tuple(parse_spec(name, entry) for name, entry in entries.items())

    def set_entry(self, name: str, entry: dict[str, Any]) -> None:
        """Add a server, or replace the one of that name.

        Raises:
            SettingsError: the entry cannot be used, or the file cannot be read or written; nothing has changed then.
        """
        spec = parse_spec(name, entry)
        if spec.launch is None:
            raise SettingsError("The MCP server cannot be used", f"{name}: {spec.problem}", spec.hint)
        self._change(lambda entries: entries.update({name: entry}))

    def remove_entry(self, name: str) -> None:
        """Take a server out.

        Raises:
            SettingsError: there is none of that name, or the file cannot be read or written.
        """
        self._change(lambda entries: entries.pop(_existing(entries, name)))

    def set_enabled(self, name: str, *, on: bool) -> None:
        """Switch a server on or off.

        Raises:
            SettingsError: there is none of that name, or the file cannot be read or written.
        """
        self._change(lambda entries: _switch(entries[_existing(entries, name)], on=on))

    def _change(self, change: Callable[[dict[str, Any]], object]) -> None:
        with self._changing:
            data = self._bytes()
            document = self._parse(data)
            change(_entries(document))
            try:
                self._keep_comments(data)
                paths.write_private(self.path, json.dumps(document, indent=2, ensure_ascii=False) + "\n")
            except (OSError, UnicodeEncodeError) as error:
                reason = getattr(error, "strerror", None) or error
                hint = "Allow writing to the file and its folder, and check that the disk has room."
                raise SettingsError(_UNSAVED, f"{self.path}: {reason}.", hint) from error

    def _keep_comments(self, data: bytes) -> None:
        if not is_plain(data):
            shutil.copy2(self.path, self.path.with_suffix(".commented.json"))

    def _bytes(self) -> bytes:
        try:
            if self.path.stat().st_size > _LARGEST:
                raise self._damaged("it is too large")
            return self.path.read_bytes()
        except FileNotFoundError:
            return b""
        except OSError as error:
            message = f"{self.path}: {error.strerror or error}."
            raise SettingsError(_UNREAD, message, "Allow reading the file.") from error

    def _parse(self, data: bytes) -> dict[str, Any]:
        try:
            document = parse_json(data)
            _check_shape(document)
        except ValueError as error:
            raise self._damaged(str(error)) from error
        return document

    def _damaged(self, reason: str) -> SettingsError:
        hint = "Correct the file, or move it away; until then its servers stay as they were."
        return SettingsError(_UNREAD, f"{self.path} is damaged: {reason}.", hint)


def _check_shape(document: dict[str, Any]) -> None:
    if not any(key in document for key in _KEYS):
        if any(isinstance(each, dict) and ("command" in each or "url" in each) for each in document.values()):
            raise ValueError('its servers are not under "mcpServers"')
        document[_KEYS[0]] = {}
    _entries(document)


def _entries(document: dict[str, Any]) -> dict[str, Any]:
    entries = document[next(key for key in _KEYS if key in document)]
    if not isinstance(entries, dict):
        raise ValueError("its servers are no JSON object")  # noqa: TRY004  (a file's content, not an argument)
    return entries


def _existing(entries: dict[str, Any], name: str) -> str:
    if name in entries:
        return name
    there = f"There are: {', '.join(entries)}." if entries else "There are none yet."
    raise SettingsError("There is no such MCP server", f"No MCP server is called {name!r}. {there}")


def _switch(entry: Any, *, on: bool) -> None:
    if not isinstance(entry, dict):
        raise SettingsError("The MCP server cannot be used", "Its entry is no JSON object.", "Correct it in mcp.json.")
    entry.pop("enabled", None)
    entry.pop("disabled", None)
    if not on:
        entry["disabled"] = True
