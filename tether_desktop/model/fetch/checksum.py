"""What a file must be, known before it comes: a SHA-256, or git's name for a small file."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tether_desktop.errors import InstallError
from tether_desktop.model.fetch import faults

_SHA256 = re.compile(r"[0-9a-f]{64}")
_BLOCK = 4 << 20


class Hash(Protocol):
    """A hash that is being computed."""

    def update(self, data: bytes, /) -> None:
        """Take more of the file."""

    def hexdigest(self) -> str:
        """The hash of all that was taken."""


@dataclass(frozen=True, slots=True)
class Checksum:
    """What a file must be.

    Attributes:
        digest: in hexadecimal, lower case.
        blob_size: of the file, when the digest is the name of a git blob; None when it is a SHA-256.
    """

    digest: str
    blob_size: int | None = None

    @property
    def kind(self) -> str:
        """The kind of digest, for people."""
        return "SHA-256" if self.blob_size is None else "git checksum"

    def start(self) -> Hash:
        """A hash to put the file into."""
        if self.blob_size is None:
            return hashlib.sha256()
        # Git's own definition; it tells a broken file from a good one, and is not asked for more.
        return hashlib.sha1(f"blob {self.blob_size}\0".encode(), usedforsecurity=False)

    def matches(self, path: Path) -> bool:
        """Whether the file is there and the one it must be.

        Raises:
            OSError: it cannot be read.
        """
        if not path.is_file():
            return False
        running = self.start()
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                running.update(block)
        return running.hexdigest() == self.digest


def sha256_checksum(text: str) -> Checksum:
    """A SHA-256 as people write it.

    Raises:
        InstallError: it is none.
    """
    if _SHA256.fullmatch(digits := text.strip().lower()):
        return Checksum(digits)
    raise InstallError(faults.TITLE, "The SHA-256 to check is none: it has 64 hexadecimal digits.", "Check it.")
