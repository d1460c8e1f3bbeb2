"""A place that tells of releases, signed as the real one is, on this computer."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.signer import CryptoSigner

from tests.helpers.file_server import FileServer, ServedFile, serving
from tether_desktop import paths
from tether_desktop.updates.channel import Channel
from tether_desktop.updates.release import Release

PAGE = "https://example.org/tether/releases"


def repository() -> Any:
    """The script that keeps the real one."""
    folder = str(paths.project_root() / "packaging")
    if folder not in sys.path:
        sys.path.append(folder)
    import update_repository

    return update_repository


def signer() -> CryptoSigner:
    """A new key."""
    return CryptoSigner(Ed25519PrivateKey.generate())


class Releases:
    """Metadata in a folder, and a server that gives it.

    Attributes:
        folder: the metadata.
        server: gives it under ``/updates/``.
        roots, online: the keys.
    """

    def __init__(self, folder: Path, server: FileServer) -> None:
        self.folder = folder
        self.server = server
        self.roots, self.online = [signer(), signer(), signer()], signer()
        repository().begin(folder, self.roots, self.online)
        self.first_root = (folder / "root.json").read_bytes()

    @property
    def channel(self) -> Channel:
        """What a program was built with that knows the first root only."""
        return Channel(self.server.url("/updates/"), self.first_root, PAGE)

    def release(self, version: str, *notes: str) -> None:
        """Tell of a release, and give it."""
        repository().release(self.folder, self.online, Release(version, date(2027, 3, 1), PAGE, notes))
        self.publish()

    def publish(self) -> None:
        """Give what the folder has."""
        self.server.files = {
            f"/updates/{file.name}": ServedFile(file.read_bytes()) for file in self.folder.iterdir() if file.is_file()
        }

    @contextmanager
    def long_ago(self, days: int) -> Iterator[None]:
        """Sign as if it were so many days earlier."""
        script = repository()
        real = script._expiry
        script._expiry = lambda role: real(role) - timedelta(days=days)
        try:
            yield
        finally:
            script._expiry = real


@contextmanager
def telling_of_releases(folder: Path) -> Iterator[Releases]:
    """A place that tells of none yet."""
    with serving() as server:
        yield Releases(folder, server)
