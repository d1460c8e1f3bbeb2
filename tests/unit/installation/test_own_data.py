"""Erasing what the program keeps of a person."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.helpers.memory_keyring import MemoryKeyring
from tether_desktop import paths
from tether_desktop.app import Tether, lock_data_folder
from tether_desktop.errors import AlreadyRunning, DataNotErased
from tether_desktop.installation.own_data import erase_own_data, find_own_data
from tether_desktop.model.remote.keys import store_key
from tether_desktop.model.remote.servers import Server, save_server
from tether_desktop.settings import load_settings
from tether_desktop.stored_keys import Key
from tether_desktop.ui.window_state import WindowState, write_state


async def use_the_program() -> None:
    """Leave behind what a person does who has used everything a little."""
    async with Tether(load_settings()) as tether:
        await tether.sessions.create()
    write_state(WindowState())
    folder = paths.data_dir()
    (folder / "dist/Some-model").mkdir(parents=True)
    (folder / "dist/Some-model/params_shard_0.bin").write_bytes(bytes(3_000_000))
    (folder / "tools").mkdir(exist_ok=True)
    (folder / "chat-history").write_text("hello\n", encoding="utf-8")
    (folder / "tokens.lock").touch()
    (folder / "settings-damaged-20260101T000000Z.json").touch()
    (folder / "tether.db.0004-20260101T000000000000Z.copy").touch()


async def test_what_there_is_is_told_by_kind_and_size() -> None:
    await use_the_program()
    found = {each.title: each for each in find_own_data()}
    assert found["models"].size_bytes == 3_000_000
    assert len(found["conversations, with their copies"].paths) >= 2
    known = {path for each in found.values() for path in each.paths}
    assert set(paths.data_dir().iterdir()) - known == {paths.data_dir() / "tether.lock"}


async def test_erasing_leaves_nothing_not_even_the_folder() -> None:
    await use_the_program()
    assert erase_own_data() == []
    assert not paths.data_dir().exists()
    assert erase_own_data() == []
    assert find_own_data() == []


async def test_what_somebody_else_put_there_stays_and_is_named(tmp_path: Path) -> None:
    await use_the_program()
    letters = tmp_path / "letters"
    letters.mkdir()
    (letters / "dear.txt").touch()
    theirs = paths.data_dir() / "thesis.odt"
    theirs.touch()
    if sys.platform != "win32":
        (paths.data_dir() / "dist/linked").symlink_to(letters)
    assert erase_own_data() == [f"{theirs} is not Tether's, and stays."]
    assert list(paths.data_dir().iterdir()) == [theirs]
    assert (letters / "dear.txt").exists()


async def test_keys_go_from_the_keyring_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tether_desktop.stored_keys._backend", MemoryKeyring)
    monkeypatch.setattr(MemoryKeyring, "kept", {})
    server = Server("gpu", "http://127.0.0.1:8000")
    save_server(server)
    store_key(server, Key("secret"))
    assert MemoryKeyring.kept
    assert erase_own_data() == []
    assert MemoryKeyring.kept == {}


async def test_data_in_use_is_not_erased() -> None:
    await use_the_program()
    with lock_data_folder(), pytest.raises(AlreadyRunning):
        erase_own_data()
    assert paths.database_path().exists()


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="nothing is forbidden to root")
async def test_what_cannot_be_removed_is_told() -> None:
    await use_the_program()
    (paths.data_dir() / "dist/Some-model").chmod(0o500)
    with pytest.raises(DataNotErased, match="params_shard_0"):
        erase_own_data()
    (paths.data_dir() / "dist/Some-model").chmod(0o700)
