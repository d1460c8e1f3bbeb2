"""A server that misbehaves, and a patience that costs no time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.helpers.clock import VirtualClock
from tests.helpers.file_server import FileServer, serving
from tether_desktop.model.fetch.patience import Patience


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    """A server, reached without whatever proxy the developer uses."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    with serving() as server:
        yield server


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def patience(clock: VirtualClock) -> Patience:
    """Waits pass at once; a few bytes are not worth a new count of retries."""
    return Patience(retries=3, now=clock.now, sleep=clock.sleep)
