"""The file that tells where the port is: found while it is true, and believed no longer."""

from __future__ import annotations

import json
import os
import socket
import stat
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.helpers.processes import running
from tether_desktop import paths
from tether_desktop.protocol.api.port.open_port import find_open_port, remove_open_port, write_open_port


@pytest.fixture
def url() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def rewrite(**changes: Any) -> None:
    file = paths.open_port_path()
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


def test_an_open_port_is_found(url: str) -> None:
    write_open_port(url)
    found = find_open_port()
    assert found is not None
    assert (found.url, found.pid) == (url, os.getpid())


@pytest.mark.skipif(sys.platform == "win32", reason="folders of a person are private there by themselves")
def test_the_file_is_for_its_owner_alone(url: str) -> None:
    write_open_port(url)
    assert stat.S_IMODE(paths.open_port_path().stat().st_mode) == 0o600


def test_a_closed_port_is_not_found(url: str) -> None:
    write_open_port(url)
    remove_open_port()
    assert find_open_port() is None
    assert not paths.open_port_path().exists()
    remove_open_port()


def test_a_port_on_which_nobody_answers_is_not_found() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        number = server.getsockname()[1]
    write_open_port(f"http://127.0.0.1:{number}")
    assert find_open_port() is None


def test_what_a_program_that_has_ended_left_behind_is_not_believed(url: str) -> None:
    with running("pass") as other:
        other.wait()
    write_open_port(url)
    rewrite(pid=other.pid)
    assert find_open_port() is None


def test_a_program_that_began_later_under_the_same_number_is_another_one(url: str) -> None:
    write_open_port(url)
    rewrite(started=(datetime.now(UTC) - timedelta(days=365)).isoformat())
    assert find_open_port() is None


def test_the_file_of_another_program_is_left_alone(url: str) -> None:
    write_open_port(url)
    rewrite(pid=1)
    remove_open_port()
    assert paths.open_port_path().exists()


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "7", '{"url": "x"}', '{"url": "http://[::1", "pid": 1, "started": "x"}', "[" * 100_000, "\ufeff"],
)
def test_a_damaged_file_counts_for_nothing(text: str) -> None:
    paths.open_port_path().write_text(text)
    assert find_open_port() is None
    remove_open_port()


@pytest.mark.parametrize(
    "changes",
    [
        {"pid": -1},
        {"pid": 10**30},
        {"pid": None},
        {"started": ""},
        {"started": "2026-01-01"},
        {"url": "http://127.0.0.1:99999"},
        {"url": "nonsense"},
        {"url": "http://[::1"},
    ],
)
def test_a_file_with_nonsense_counts_for_nothing(url: str, changes: dict[str, Any]) -> None:
    write_open_port(url)
    rewrite(**changes)
    assert find_open_port() is None
