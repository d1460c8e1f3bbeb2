"""Keys are kept by the system's keyring or given by the environment, and shown by nobody."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.helpers.memory_keyring import MemoryKeyring
from tether_desktop import paths
from tether_desktop.child_process import child_environment
from tether_desktop.errors import SettingsError
from tether_desktop.model.remote.keys import Key, check_key, forget_key, read_key, store_key
from tether_desktop.model.remote.servers import Server, save_server

KEY = Key("sk-secret")
GPU = Server("gpu", "https://gpu.example.org/v1", keyed=True)


@pytest.fixture(autouse=True)
def keyring(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    choose(monkeypatch, "MemoryKeyring")
    yield
    MemoryKeyring.kept.clear()


def choose(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", f"tests.helpers.memory_keyring.{name}")


def test_a_key_is_kept_until_it_is_forgotten() -> None:
    store_key(GPU, KEY)
    assert read_key(GPU) == KEY
    forget_key(GPU)
    forget_key(GPU)
    with pytest.raises(SettingsError, match="has no key for gpu"):
        read_key(GPU)


def test_a_key_is_for_one_place_alone() -> None:
    store_key(GPU, KEY)
    assert read_key(Server("gpu", "https://gpu.example.org/other", keyed=True)) == KEY
    for url in ("https://evil.example.org/v1", "http://gpu.example.org/v1", "https://gpu.example.org:8443/v1"):
        with pytest.raises(SettingsError, match="has no key"):
            read_key(Server("gpu", url, keyed=True))


def test_a_server_without_a_key_asks_no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    choose(monkeypatch, "LeakyKeyring")
    assert read_key(Server("gpu", GPU.url)) == Key()
    assert Key().headers() == {}


def test_the_environment_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    choose(monkeypatch, "LeakyKeyring")
    monkeypatch.setenv("TETHER_KEY_GPU", " sk-other\n")
    assert read_key(GPU).headers() == {"Authorization": "Bearer sk-other"}


@pytest.mark.parametrize("text", ["", " ", "two words", "sk\nsk", "schlüssel", "x" * 5000, "\x1b"])
def test_what_cannot_be_a_key_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(SettingsError, match="is a single word") as told:
        check_key(text)
    assert not text.strip() or text not in str(told.value)


@pytest.mark.parametrize("name", ["ForgetfulKeyring", "LeakyKeyring", "NoSuchKeyring"])
def test_a_keyring_that_does_not_keep_keys_is_told(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    choose(monkeypatch, name)
    with pytest.raises(SettingsError, match="TETHER_KEY_GPU") as told:
        store_key(GPU, KEY)
    assert KEY.value not in f"{told.value} {told.value.__cause__}"


def test_without_a_keyring_that_is_recommended_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHON_KEYRING_BACKEND")
    monkeypatch.setattr("keyring.backend.get_all_keyring", lambda: [MemoryKeyring()])
    with pytest.raises(SettingsError, match="NoKeyringError"):
        store_key(GPU, KEY)
    assert MemoryKeyring.kept == {}


def test_a_key_shows_itself_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TETHER_KEY_GPU", KEY.value)
    save_server(GPU)
    store_key(GPU, KEY)
    assert KEY.value not in repr(KEY)
    assert KEY.value not in "".join(child_environment().values())
    files = [path.read_bytes() for path in paths.data_dir().rglob("*") if path.is_file()]
    assert files
    assert not any(KEY.value.encode() in content for content in files)
    assert KEY.hide_in(f"What is {KEY.value}?") == "What is [key]?"
    assert "TETHER_KEY_GPU" in os.environ
