"""Reads a file as it is at one moment, whatever it turns out to be."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from tether_desktop.protocol.attachments.limits import LARGEST_FILE, file_too_large, problem

_TRIES = 3
_PIECE = 1 << 20
_FLAGS = (
    os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
)  # without waiting, since a pipe without a writer would hold us for ever


def read_file(path: Path) -> bytes:
    """All of an ordinary file; a link is followed.

    Raises:
        AttachmentProblem: it is missing, no ordinary file, too large or unreadable, or changes all the time.
    """
    name = path.name
    try:
        for _ in range(_TRIES):
            data = _read_once(path)
            if data is not None:
                return data
    except FileNotFoundError as error:
        raise problem(f"{name} is not there any more.", "Choose it again.") from error
    except IsADirectoryError as error:
        raise _a_folder(name) from error
    except PermissionError as error:
        raise problem(f"You have no permission to read {name}.", "Change that, or attach a copy.") from error
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        reason = getattr(error, "strerror", None) or str(error)
        raise problem(f"{name} cannot be read: {reason}.", "Attach a copy of it from another place.") from error
    raise problem(f"{name} was changed while it was read.", "Wait until it is saved, or attach a copy.")


def _read_once(path: Path) -> bytes | None:
    """The file's content; None when it changed meanwhile."""
    _check(path.name, path.stat())  # before it is opened, which has effects for a device
    file = os.open(path, _FLAGS)
    try:
        before = os.fstat(file)
        _check(path.name, before)
        data = _all_of(file)
        after = os.fstat(file)
    finally:
        os.close(file)
    if len(data) > LARGEST_FILE:
        raise file_too_large(path.name, after.st_size)
    same = (before.st_mtime_ns, before.st_size) == (after.st_mtime_ns, after.st_size) and len(data) == after.st_size
    return data if same else None


def _all_of(file: int) -> bytes:
    pieces: list[bytes] = []
    size = 0
    while size <= LARGEST_FILE and (piece := os.read(file, _PIECE)):
        pieces.append(piece)
        size += len(piece)
    return b"".join(pieces)


def _check(name: str, found: os.stat_result) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise _a_folder(name)
    if not stat.S_ISREG(found.st_mode):
        raise problem(f"{name} is no ordinary file, but a device or a pipe.", "Attach a file.")
    if found.st_size > LARGEST_FILE:
        raise file_too_large(name, found.st_size)


def _a_folder(name: str) -> Exception:
    return problem(f"{name} is a folder.", "Attach the files in it that the question is about.")
