"""File names from the web, made such that they lie in one folder and are good on every system."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePosixPath

from tether_desktop.errors import InstallError

LONGEST_NAME = 200
"""Bytes of UTF-8; most file systems take 255, and what is fetched gets a suffix while it is."""

_DEEPEST = 8
_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\..*)?", re.IGNORECASE)
_INVISIBLE = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
"""Unicode categories of what cannot be seen in a name, such as marks that turn the direction of writing."""


def portable_name(text: str) -> str:
    """The last part of a path as a name that is allowed everywhere, leads nowhere and hides nothing.

    Returns:
        The name; "download" where nothing of the text is left.
    """
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", text).rstrip("/\\"))[-1]
    seen = "".join(character for character in last if unicodedata.category(character) not in _INVISIBLE)
    name = _shortened(_FORBIDDEN.sub("_", seen).strip(" .")) or "download"
    return f"_{name}" if _RESERVED.fullmatch(name) else name


def checked_path(name: str) -> PurePosixPath:
    """A file's place in a hub repository, as a path that stays below the folder it is put into.

    Raises:
        InstallError: it leads elsewhere, or some system cannot store it as it is.
    """
    parts = name.split("/")
    if len(parts) > _DEEPEST or any(part != portable_name(part) for part in parts):
        shown = ascii(name[:80])
        raise InstallError(
            "The model cannot be downloaded",
            f"A file in it has a name that is not safe to store: {shown}.",
            "Do not use this model; tell whoever publishes it.",
        )
    return PurePosixPath(*parts)


def _shortened(name: str) -> str:
    """At most :data:`LONGEST_NAME` bytes, with the suffix kept."""
    if len(name.encode()) <= LONGEST_NAME:
        return name
    suffix = PurePosixPath(name).suffix
    suffix = suffix if len(suffix.encode()) <= LONGEST_NAME // 4 else ""
    stem = name.encode()[: LONGEST_NAME - len(suffix.encode())].decode(errors="ignore")
    return (stem.removesuffix(suffix) if suffix else stem).rstrip(" .") + suffix
