"""What is told of a release: words, never markup."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlsplit

from packaging.version import Version

from tether_desktop.errors import showable

LARGEST = 65_536
"""Bytes of the largest description of a release."""

_MOST_NOTES = 40
_LONGEST_NOTE = 400


@dataclass(frozen=True, slots=True)
class Release:
    """A release.

    Attributes:
        version: as in PEP 440.
        day: when it was made.
        page: where it is had, an address of https.
        notes: what is new, a line each.
    """

    version: str
    day: date
    page: str
    notes: tuple[str, ...]

    def is_newer_than(self, version: str) -> bool:
        """Whether it comes after another version."""
        return Version(self.version) > Version(version)


def read_release(content: bytes) -> Release:
    """The release that a description tells of.

    Raises:
        ValueError: it is no such description.
    """
    said = json.loads(content)
    if not isinstance(said, dict):
        raise ValueError("it is no object")  # noqa: TRY004  (the text is at fault, not its type in Python)
    page, notes = str(said.get("page", "")), said.get("notes", [])
    parts = urlsplit(page)
    if parts.scheme != "https" or not parts.hostname or parts.username:
        raise ValueError(f"{page!r} is no page of the web")
    if not isinstance(notes, list):
        raise ValueError("notes are no list")  # noqa: TRY004  (as above)
    lines = tuple(showable(str(note))[:_LONGEST_NOTE].replace("\n", " ") for note in notes[:_MOST_NOTES])
    return Release(str(Version(str(said.get("version")))), date.fromisoformat(str(said.get("day"))), page, lines)
