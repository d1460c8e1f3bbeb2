"""Servers are kept in a file that a person may read, edit and break."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tether_desktop import paths
from tether_desktop.errors import SettingsError
from tether_desktop.model.remote.servers import (
    Server,
    check_server,
    get_server,
    read_servers,
    remove_server,
    save_server,
    servers_path,
)

GPU = Server("gpu", "https://gpu.example.org/v1")


def test_no_file_is_no_servers() -> None:
    assert read_servers() == ()
    assert not servers_path().exists()


def test_servers_are_kept_in_their_order_and_changed_in_their_place() -> None:
    for name in ("one", "two", "three"):
        save_server(Server(name, "https://gpu.example.org/v1"))
    changed = Server("two", "http://127.0.0.1:8000/v1", 4096, ("a", "b"), keyed=True)
    save_server(changed)
    assert [server.name for server in read_servers()] == ["one", "two", "three"]
    assert get_server("two") == changed
    assert remove_server("one").name == "one"
    assert [server.name for server in read_servers()] == ["two", "three"]


def test_what_other_versions_keep_does_no_harm() -> None:
    save_server(GPU)
    document = json.loads(servers_path().read_text())
    document["servers"][0]["colour"] = "green"
    servers_path().write_text(json.dumps(document))
    assert read_servers() == (GPU,)


def test_the_address_is_made_whole() -> None:
    assert check_server(Server("gpu", "http://127.0.0.1:8000")).url == "http://127.0.0.1:8000/v1"
    save_server(Server("gpu", "http://127.0.0.1:8000/"))
    assert get_server("gpu").url == "http://127.0.0.1:8000/v1"


@pytest.mark.parametrize("name", ["", "a/b", "a b", "-a", "x" * 41, "ä", "a\n"])
def test_a_name_that_could_not_be_told_from_a_model_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match="cannot be the name"):
        save_server(Server(name, GPU.url))
    assert read_servers() == ()


@pytest.mark.parametrize(
    "fields", [{"context_window": 0}, {"context_window": 1 << 40}, {"models": ("",)}, {"models": ("a\x1b",)}]
)
def test_values_that_cannot_be_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(SettingsError):
        save_server(Server("gpu", GPU.url, **fields))


def test_two_servers_do_not_share_the_variable_of_their_keys() -> None:
    save_server(Server("a-b", GPU.url))
    assert get_server("a-b").key_variable == "TETHER_KEY_A_B"
    with pytest.raises(SettingsError, match="TETHER_KEY_A_B"):
        save_server(Server("a.b", GPU.url))


def test_a_server_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(SettingsError, match="There are none yet"):
        get_server("gpu")
    save_server(GPU)
    with pytest.raises(SettingsError, match="There are: gpu"):
        remove_server("other")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "7",
        '{"format": 2, "servers": []}',
        '{"format": 1, "servers": {}}',
        '{"format": 1, "servers": [7]}',
        '{"format": 1, "servers": [{"name": "a"}]}',
        '{"format": 1, "servers": [{"name": "a", "url": 7}]}',
        '{"format": 1, "servers": [{"name": "a", "url": "https://x/v1", "models": "m"}]}',
        '{"format": 1, "servers": [{"name": "a", "url": "https://x/v1", "context_window": true}]}',
        '{"format": 1, "servers": [{"name": "a", "url": "http://example.org/v1"}]}',
        '{"format": 1, "servers": [{"name": "../a", "url": "https://x/v1"}]}',
        "[" * 100_000,
    ],
)
def test_a_damaged_file_is_told_and_left_as_it_is(text: str) -> None:
    paths.make_private_folder(servers_path().parent)
    servers_path().write_text(text)
    with pytest.raises(SettingsError, match="is damaged"):
        read_servers()
    with pytest.raises(SettingsError, match="is damaged"):
        save_server(GPU)
    assert servers_path().read_text() == text


def test_a_file_that_is_too_large_is_not_read() -> None:
    paths.make_private_folder(servers_path().parent)
    servers_path().write_bytes(b" " * (5 << 20))
    with pytest.raises(SettingsError, match="too large"):
        read_servers()


def test_a_folder_that_cannot_be_written_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TETHER_DATA_DIR", str(tmp_path / "file"))
    with pytest.raises(SettingsError, match=r"servers\.json"):
        save_server(GPU)
