"""What can go wrong with a download, in words for the person who waits for it."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tether_desktop.byte_size import byte_size_text
from tether_desktop.errors import InstallError, NoConnection

TITLE = "The model cannot be downloaded"

_FULL = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG))
_AGAIN = "Try again; what is there already is kept, and the download goes on from there."


class Refused(InstallError):
    """The server answers, and will not give the file.

    Attributes:
        status: of its answer.
    """

    def __init__(self, status: int, message: str, hint: str) -> None:
        super().__init__(TITLE, message, hint)
        self.status = status


class Interrupted(Exception):
    """The connection failed in a way that another attempt may get over; never leaves the package.

    Attributes:
        reason: a clause: "the server ended the connection early".
        wait: seconds the server asks to wait before the next attempt.
        unreached: whether there was no connection at all.
    """

    def __init__(self, reason: str, wait: float = 0.0, *, unreached: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.wait = wait
        self.unreached = unreached


def gave_up(host: str, fault: Interrupted) -> InstallError:
    """All attempts are used up."""
    kind = NoConnection if fault.unreached else InstallError
    return kind(TITLE, f"{host}: {fault.reason}.", f"Check the internet connection. {_AGAIN}")


def refused(host: str, status: int) -> Refused:
    """The server's status says that asking again is of no use."""
    if status in (401, 403):
        message = f"{host} does not give the file to everyone (HTTP {status})."
        return Refused(status, message, "Download it in the browser, then add the file.")
    if status in (404, 410):
        return Refused(status, f"{host} has no such file (HTTP {status}).", "Check the address.")
    return Refused(status, f"{host} refuses (HTTP {status}).", "Check the address, or try again later.")


def web_page(host: str) -> InstallError:
    """What comes is for reading in a browser."""
    message = f"{host} answers with a web page, not with a file."
    return InstallError(TITLE, message, "Copy the address of the file itself, often the one behind a download button.")


def encoded(host: str, encoding: str) -> InstallError:
    """What comes is compressed, which makes resuming and lengths meaningless."""
    message = f"{host} sends the file compressed ({encoding[:40]!a}), though that was not asked for."
    return InstallError(TITLE, message, "Download it in the browser, then add the file.")


def wrong_checksum(name: str, kind: str) -> InstallError:
    """The bytes are not those that were promised."""
    message = f"{name} is not the file it should be: its {kind} differs. What came was deleted."
    return InstallError(TITLE, message, "Try again. If it happens again, do not use this model.")


def wrong_size(name: str, size: int, expected: int) -> InstallError:
    """The length is not the one that was promised."""
    message = f"{name} is not the file it should be: {size:,} bytes instead of {expected:,}. What came was deleted."
    return InstallError(TITLE, message, "Try again. If it happens again, do not use this model.")


def no_space(folder: Path, needed: int, free: int) -> InstallError:
    """The file does not fit onto the disk."""
    more, there = byte_size_text(needed, decimals=2), byte_size_text(free, decimals=2)
    message = f"{more} more are needed, {there} are free in {folder}."
    return InstallError("There is not enough space for the model", message, "Free some space, then try again.")


def disk_fault(folder: Path, error: OSError) -> InstallError:
    """The file cannot be written."""
    if error.errno in _FULL:
        return InstallError(TITLE, f"The disk is full: {folder}.", "Free some space, then try again.")
    reason = f"{folder} cannot be written: {error.strerror or error}."
    return InstallError(TITLE, reason, "Choose another model folder in the settings.")


@contextmanager
def told(folder: Path) -> Iterator[None]:
    """Turn what the disk complains about into an error for people."""
    try:
        yield
    except OSError as error:
        raise disk_fault(folder, error) from error
