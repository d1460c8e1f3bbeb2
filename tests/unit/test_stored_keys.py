"""Keys of any service are kept for one name at one address, and shown by nobody."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.helpers.memory_keyring import MemoryKeyring
from tether_desktop.errors import SettingsError
from tether_desktop.stored_keys import Key, KeyPlace, forget_key, key_of_environment, read_key, store_key

PLACE = KeyPlace("Service", "https://service.example", "TETHER_SERVICE_KEY", "Give it again.")


@pytest.fixture(autouse=True)
def keyring(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "tests.helpers.memory_keyring.MemoryKeyring")
    yield
    MemoryKeyring.kept.clear()


def test_a_key_is_kept_for_its_place_until_it_is_forgotten() -> None:
    store_key(PLACE, Key("secret"))
    assert read_key(PLACE) == Key("secret")
    with pytest.raises(SettingsError, match="has no key"):
        read_key(replace(PLACE, address="https://evil.example"))
    forget_key(PLACE)
    forget_key(PLACE)
    with pytest.raises(SettingsError, match=r"has no key for Service.*Give it again"):
        read_key(PLACE)


def test_the_variable_goes_first_and_may_be_all_that_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    store_key(PLACE, Key("kept"))
    assert key_of_environment(PLACE) == Key()
    monkeypatch.setenv(PLACE.variable, " given\n")
    assert read_key(PLACE) == key_of_environment(PLACE) == Key("given")
    monkeypatch.setenv(PLACE.variable, "two words")
    with pytest.raises(SettingsError, match="is a single word"):
        read_key(PLACE)
