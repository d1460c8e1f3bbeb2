"""What the doctor finds about the local port and its tokens."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from tests.helpers.api import open_port
from tests.helpers.rooms import open_rooms
from tether_desktop import paths
from tether_desktop.doctor.port import look_at_port, look_at_tokens
from tether_desktop.protocol.api.gates.tokens import Tokens
from tether_desktop.settings import Settings


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_a_closed_port_that_could_be_opened_is_fine() -> None:
    port = free_port()
    found = look_at_port(Settings(port=port))
    assert (found.status, found.message) == ("ok", f"closed; 127.0.0.1:{port} is free")


def test_looking_takes_the_port_from_nobody() -> None:
    settings = Settings(port=free_port())
    assert [look_at_port(settings).status for _ in range(2)] == ["ok", "ok"]


def test_a_port_that_another_program_has_says_by_whom_and_which_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken = listener.getsockname()[1]
        found = look_at_port(Settings(port=taken))
    assert found.status == "warn"
    assert f"Port {taken} is taken" in found.message
    assert str(os.getpid()) in found.message
    assert "is free" in found.remedy


async def test_a_port_that_is_open_says_where_and_by_which_process(tmp_path: Path) -> None:
    async with open_rooms(tmp_path) as rooms, open_port(rooms) as api:
        found = look_at_port(Settings())
    assert (found.status, found.message) == ("ok", f"open at {api.url}, by process {os.getpid()}")
    assert look_at_port(Settings(port=0)).message.startswith("closed")


def test_an_address_for_others_needs_to_be_allowed() -> None:
    found = look_at_port(Settings(host="0.0.0.0", port=0))  # noqa: S104  nothing listens there
    assert found.status == "warn"
    assert "TETHER_LAN_ACCESS" in found.remedy
    assert look_at_port(Settings(host="0.0.0.0", port=0, lan_access="on")).status == "ok"  # noqa: S104  as above


def test_an_address_that_is_none_is_a_warning() -> None:
    found = look_at_port(Settings(host="no..host", port=0))
    assert found.status == "warn"
    assert found.remedy


def test_tokens_are_counted_and_never_told() -> None:
    assert look_at_tokens().message.startswith("none yet")
    tokens = Tokens(paths.tokens_path())
    own, further = tokens.own(), tokens.add("phone", "chat")
    found = look_at_tokens()
    assert (found.status, found.message) == ("ok", "your own, and 1 more")
    assert own not in repr(found)
    assert further not in repr(found)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has access lists instead of modes")
def test_tokens_that_others_may_read_are_a_warning() -> None:
    Tokens(paths.tokens_path()).own()
    paths.tokens_path().chmod(0o644)
    assert look_at_tokens().status == "warn"
    assert "tether token renew" in look_at_tokens().remedy


@pytest.mark.parametrize("text", ["", "[]", "{", '{"format": 1, "own": 7}'])
def test_tokens_that_are_damaged_are_a_warning(text: str) -> None:
    paths.make_private_folder(paths.data_dir())
    paths.tokens_path().write_text(text)
    assert look_at_tokens().status == "warn"
    assert look_at_tokens().remedy


def test_tokens_that_cannot_be_read_are_a_warning() -> None:
    paths.tokens_path().mkdir(parents=True)
    assert look_at_tokens().status == "warn"
