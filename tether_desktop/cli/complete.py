"""What a shell may complete: names of models and tools, ids of sessions; quickly, and silently where it cannot."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from urllib.parse import quote

from tether_desktop import paths
from tether_desktop.errors import TetherError
from tether_desktop.settings import load_settings

_MOST = 200


def model_names(incomplete: str) -> list[str]:
    """The usable models whose names begin so."""
    from tether_desktop.model.discovery.catalog import Catalog

    with suppress(TetherError):
        entries = Catalog(load_settings().dist_roots).list()
        return [entry.name for entry in entries if entry.usable and entry.name.startswith(incomplete)]
    return []


def session_ids(incomplete: str) -> list[tuple[str, str]]:
    """The sessions whose ids begin so, the last active first, each with its title."""
    return [(found, title) for found, title in _sessions() if found.startswith(incomplete)]


def tool_names(incomplete: str) -> list[str]:
    """The tools that come along whose names begin so; those of others are not waited for."""
    from tether_desktop.tools.builtin.source import BuiltinTools

    with suppress(TetherError):
        tools = BuiltinTools(load_settings, lambda *_, **__: []).tools()
        return [tool.declaration.name for tool in tools if tool.declaration.name.startswith(incomplete)]
    return []


def _sessions() -> Iterator[tuple[str, str]]:
    file = paths.database_path()
    # Read as it is: making, migrating or locking the database is nothing that pressing Tab should do.
    with suppress(sqlite3.Error, TetherError):
        if file.is_file() and not load_settings().sqlite_url:
            with closing(sqlite3.connect(f"file:{quote(file.as_posix())}?mode=ro", uri=True, timeout=0.2)) as database:
                yield from database.execute(
                    "SELECT id, title FROM sessions ORDER BY last_active DESC LIMIT ?", (_MOST,)
                )
