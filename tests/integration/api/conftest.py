"""A port over rooms with one scripted model, for every test that speaks HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.helpers.api import OpenApi, open_port
from tests.helpers.rooms import Rooms, open_rooms


@pytest.fixture
async def rooms(tmp_path: Path) -> AsyncIterator[Rooms]:
    """Rooms whose model says "Hello there."."""
    async with open_rooms(tmp_path, replies=["Hello there."]) as opened:
        yield opened


@pytest.fixture
async def api(rooms: Rooms) -> AsyncIterator[OpenApi]:
    """Their port."""
    async with open_port(rooms) as opened:
        yield opened
