"""Code from an answer as a file: what it may be called, and written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from uuid import uuid4

from tether_desktop.errors import TetherError

_NAMES = {"": "text.txt", "text": "text.txt", "dockerfile": "Dockerfile", "makefile": "Makefile", "make": "Makefile"}


class FileNotSaved(TetherError):
    """A text could not be written into a file."""


def file_name(language: str) -> str:
    """A name for code in a language as Pygments calls it: "code.py"; "code.txt" for one that is not known."""
    from pygments.lexers import get_all_lexers

    wanted = language.lower()
    if wanted in _NAMES:
        return _NAMES[wanted]
    for _, aliases, patterns, _ in get_all_lexers(plugins=False):
        if wanted in aliases:
            endings = [pattern[1:] for pattern in patterns if pattern.startswith("*.") and pattern[2:].isalnum()]
            return f"code{endings[0]}" if endings else "code.txt"
    return "code.txt"


def write_text(path: Path, text: str) -> None:
    """Write a text as UTF-8 in the place of what is there; blocking.

    Raises:
        FileNotSaved: it could not be; what was there before is as it was.
    """
    new = path.with_name(f".{path.name}.{uuid4().hex[:8]}")
    try:
        new.write_bytes(text.encode("utf-8", "replace"))
        os.replace(new, path)  # noqa: PTH105  (replaces on Windows too, and is atomic)
    except OSError as error:
        new.unlink(missing_ok=True)
        raise FileNotSaved(
            "The file was not saved",
            f"{path} could not be written: {error.strerror or error}.",
            "Choose another folder, or make room on the disk.",
        ) from error
