"""Keys to services: in the system's keyring, or in an environment variable; in no file, message or log of ours."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tether_desktop.errors import SettingsError

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
        """What a request to its service carries."""
        return {"Authorization": f"Bearer {self.value}"} if self.value else {}

    def hide_in(self, text: str) -> str:
        """A text of the service without the key, which some repeat in their errors."""
        return text.replace(self.value, _HIDDEN) if self.value else text


@dataclass(frozen=True, slots=True)
class KeyPlace:
    """Where the key to a service is kept.

    Attributes:
        name: what people call the service.
        address: where it is. The key is kept for it together with the name, so that whoever can change an address
            cannot have the key sent elsewhere.
        variable: the environment variable that goes before the keyring.
        remedy: how a person gives the key again.
    """

    name: str
    address: str
    variable: str
    remedy: str

    @property
    def account(self) -> str:
        """What the keyring keeps it under."""
        return f"{self.name} {self.address}"


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


def key_of_environment(place: KeyPlace) -> Key:
    """The key that the environment variable gives; an empty one where it is not set.

    Raises:
        SettingsError: what is set cannot be a key.
    """
    given = os.environ.get(place.variable, "")
    return check_key(given) if given else Key()


def read_key(place: KeyPlace) -> Key:
    """The key to a service: from its environment variable, else from the keyring.

    May wait for the person to unlock the keyring.

    Raises:
        SettingsError: the keyring cannot be read, or has no key.
    """
    if (given := key_of_environment(place)).value:
        return given
    with _told(place):
        value = _backend().get_password(_SERVICE, place.account)
    if value is None:
        message = f"The keyring has no key for {place.name} at {place.address}."
        raise SettingsError("The key is missing", message, place.remedy)
    return check_key(value)


def store_key(place: KeyPlace, key: Key) -> None:
    """Put the key to a service into the keyring.

    Raises:
        SettingsError: there is no keyring that keeps it.
    """
    with _told(place):
        backend = _backend()
        backend.set_password(_SERVICE, place.account, key.value)
        kept = backend.get_password(_SERVICE, place.account)
    if kept != key.value:
        raise _no_keyring(place, "It does not keep what is put into it.")


def forget_key(place: KeyPlace) -> None:
    """Take the key to a service out of the keyring; nothing happens where there is none.

    Raises:
        SettingsError: the keyring cannot be used.
    """
    from keyring.errors import PasswordDeleteError

    with _told(place), suppress(PasswordDeleteError):
        _backend().delete_password(_SERVICE, place.account)


def _backend() -> KeyringBackend:
    """The keyring that the person has chosen for all programs, else the system's.

    Those that keyring does not recommend are left out: some of them keep keys in plain text.
    """
    from keyring import core

    core.init_backend(limit=core.recommended)
    return core.get_keyring()


@contextmanager
def _told(place: KeyPlace) -> Iterator[None]:
    """Turn what a keyring complains about into an error for people."""
    try:
        yield
    except SettingsError:
        raise
    # Backends are drivers of many desktops, which raise errors of their own; none of them may show the key.
    except Exception as error:  # noqa: BLE001
        raise _no_keyring(place, type(error).__name__) from None


def _no_keyring(place: KeyPlace, reason: str) -> SettingsError:
    message = f"The keyring of this system cannot be used for the key of {place.name} ({reason.rstrip('.')})."
    hint = f"Unlock or install one, or give the key with the environment variable {place.variable}."
    return SettingsError("There is no keyring for the key", message, hint)
