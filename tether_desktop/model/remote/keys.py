"""The keys of servers: in the system's keyring, or in an environment variable; in no file, message or log of ours."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tether_desktop.errors import SettingsError
from tether_desktop.model.remote.address import origin_of
from tether_desktop.model.remote.servers import Server

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

_SERVICE = "Tether Desktop"
_HIDDEN = "[key]"
_LONGEST = 4096


@dataclass(frozen=True, slots=True)
class Key:
    """A key that shows itself nowhere; an empty one stands for none."""

    value: str = field(default="", repr=False)

    def headers(self) -> dict[str, str]:
        """What a request to its server carries."""
        return {"Authorization": f"Bearer {self.value}"} if self.value else {}

    def hide_in(self, text: str) -> str:
        """A text of the server without the key, which some servers repeat in their errors."""
        return text.replace(self.value, _HIDDEN) if self.value else text


def check_key(text: str) -> Key:
    """A key as a person typed it.

    Raises:
        SettingsError: it cannot be one.
    """
    value = text.strip()
    if not value or len(value) > _LONGEST or not value.isascii() or not value.isprintable() or " " in value:
        message = "A key is a single word of letters, digits and marks; what was given is not."
        raise SettingsError("The key cannot be used", message, "Copy it once more from where you got it.")
    return Key(value)


def read_key(server: Server) -> Key:
    """The key of a server: from its environment variable, else from the keyring; an empty one when it has none.

    May wait for the person to unlock the keyring.

    Raises:
        SettingsError: the keyring cannot be read, or has no key though it should.
    """
    if given := os.environ.get(server.key_variable, ""):
        return check_key(given)
    if not server.keyed:
        return Key()
    with _told(server):
        value = _backend().get_password(_SERVICE, _account(server))
    if value is None:
        message = f"The keyring has no key for {server.name} at {origin_of(server.url)}."
        raise SettingsError("The key is missing", message, _give_again(server))
    return check_key(value)


def store_key(server: Server, key: Key) -> None:
    """Put the key of a server into the keyring.

    Raises:
        SettingsError: there is no keyring that keeps it.
    """
    with _told(server):
        backend = _backend()
        backend.set_password(_SERVICE, _account(server), key.value)
        kept = backend.get_password(_SERVICE, _account(server))
    if kept != key.value:
        raise _no_keyring(server, "It does not keep what is put into it.")


def forget_key(server: Server) -> None:
    """Take the key of a server out of the keyring; nothing happens where there is none.

    Raises:
        SettingsError: the keyring cannot be used.
    """
    from keyring.errors import PasswordDeleteError

    with _told(server), suppress(PasswordDeleteError):
        _backend().delete_password(_SERVICE, _account(server))


def _account(server: Server) -> str:
    # With the address, so that whoever can change the list of servers cannot have the key sent elsewhere.
    return f"{server.name} {origin_of(server.url)}"


def _backend() -> KeyringBackend:
    """The keyring that the person has chosen for all programs, else the system's.

    Those that keyring does not recommend are left out: some of them keep keys in plain text.
    """
    from keyring import core

    core.init_backend(limit=core.recommended)
    return core.get_keyring()


@contextmanager
def _told(server: Server) -> Iterator[None]:
    """Turn what a keyring complains about into an error for people."""
    try:
        yield
    except SettingsError:
        raise
    # Backends are drivers of many desktops, which raise errors of their own; none of them may show the key.
    except Exception as error:  # noqa: BLE001
        raise _no_keyring(server, type(error).__name__) from None


def _no_keyring(server: Server, reason: str) -> SettingsError:
    message = f"The keyring of this system cannot be used for the key of {server.name} ({reason.rstrip('.')})."
    hint = f"Unlock or install one, or give the key with the environment variable {server.key_variable}."
    return SettingsError("There is no keyring for the key", message, hint)


def _give_again(server: Server) -> str:
    return (
        f"Give it again with `tether servers add {server.name} {server.url} --key`, "
        f"or with the environment variable {server.key_variable}."
    )
