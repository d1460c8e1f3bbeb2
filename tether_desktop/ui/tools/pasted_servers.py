"""MCP servers as other programs write them down, read from a text that was pasted."""

from __future__ import annotations

import json
from typing import Any

from tether_desktop.errors import SettingsError

_LISTS = ("mcpServers", "servers", "context_servers")
_TITLE = "The text has no MCP servers"
_HINT = 'Paste it as the server\'s makers show it: {"mcpServers": {"time": {"command": "uvx", "args": [...]}}}.'


def pasted_servers(text: str) -> dict[str, dict[str, Any]]:
    """The servers by name, each with its entry; a comma too many at the end of the text is forgiven.

    Raises:
        SettingsError: it is no JSON, or has no server in it.
    """
    written = text.strip().rstrip(",")
    if written.startswith('"'):  # the inside of an object, as it is copied out of a longer file
        written = f"{{{written}}}"
    try:
        document = json.loads(written)
    except (ValueError, RecursionError) as error:
        raise SettingsError("The text is no JSON", f"{error}.", _HINT) from error
    servers = next((document[key] for key in _LISTS if key in document), document) if _is_object(document) else None
    if not _is_object(servers) or not servers:
        raise SettingsError(_TITLE, "There is no list of servers in it.", _HINT)
    for name, entry in servers.items():
        if not _is_object(entry) or not ("command" in entry or "url" in entry):
            raise SettingsError(_TITLE, f"“{name[:60]}” has neither a command nor an address.", _HINT)
    return dict(servers)


def _is_object(value: object) -> bool:
    return isinstance(value, dict)
