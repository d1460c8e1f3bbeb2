"""A database as the first version of the program made it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from unittest import mock

from tether_desktop.context import migrations
from tether_desktop.context.database import Database


def write_first_database(file: Path, title: str) -> None:
    """Write a database of the oldest schema there is, with one conversation."""
    with mock.patch.object(migrations, "REVISIONS", migrations.REVISIONS[:1]):
        Database(f"sqlite:///{file}").close()
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(
            "INSERT INTO sessions (id, title, model, created_at, last_active) VALUES ('first', ?, '', 5, 5)", (title,)
        )
        connection.execute(
            "INSERT INTO messages (id, session_id, role, parts, created_at, model, error)"
            """ VALUES ('asked', 'first', 'user', '[{"type": "text", "text": "Long ago"}]', 5, '', '')"""
        )
