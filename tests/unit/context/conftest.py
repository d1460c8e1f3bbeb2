"""A real store in a folder of its own, or in a database of its own on a real server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.postgres import postgres_server, postgres_url
from tether_desktop.context.store import Store

__all__ = ["postgres_server", "postgres_url"]


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "data" / "tether.db"


@pytest.fixture
def kind(request: pytest.FixtureRequest) -> str:
    """Which kind of database the test is about; SQLite unless its module is marked with both."""
    return getattr(request, "param", "sqlite")


@pytest.fixture
def url(request: pytest.FixtureRequest, kind: str, database: Path) -> str:
    return request.getfixturevalue("postgres_url") if kind == "postgresql" else f"sqlite:///{database}"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    store = Store(url)
    yield store
    store.close()
