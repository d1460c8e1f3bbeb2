"""The keys of servers, each for one name at one address."""

from __future__ import annotations

from tether_desktop import stored_keys
from tether_desktop.model.remote.address import origin_of
from tether_desktop.model.remote.servers import Server
from tether_desktop.stored_keys import Key, KeyPlace, check_key

__all__ = ["Key", "check_key", "forget_key", "read_key", "store_key"]


def read_key(server: Server) -> Key:
    """The key of a server: from its environment variable, else from the keyring; an empty one when it has none.

    May wait for the person to unlock the keyring.

    Raises:
        SettingsError: the keyring cannot be read, or has no key though it should.
    """
    place = _place(server)
    return stored_keys.read_key(place) if server.keyed else stored_keys.key_of_environment(place)


def store_key(server: Server, key: Key) -> None:
    """Put the key of a server into the keyring.

    Raises:
        SettingsError: there is no keyring that keeps it.
    """
    stored_keys.store_key(_place(server), key)


def forget_key(server: Server) -> None:
    """Take the key of a server out of the keyring; nothing happens where there is none.

    Raises:
        SettingsError: the keyring cannot be used.
    """
    stored_keys.forget_key(_place(server))


def _place(server: Server) -> KeyPlace:
    remedy = (
        f"Give it again with `tether servers add {server.name} {server.url} --key`, "
        f"or with the environment variable {server.key_variable}."
    )
    return KeyPlace(server.name, origin_of(server.url), server.key_variable, remedy)
