"""The JSON documents of a file that was chosen for import: itself, or those in a zip file."""

from __future__ import annotations

import lzma
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from tether_desktop.context.files import import_faults

Document = Callable[[], AbstractContextManager[BinaryIO]]
"""Opens a document, at its start; more than once."""

LARGEST_ARCHIVE: Final = 20 << 30
"""Bytes that all documents of an archive may have."""

_SUSPICIOUS_SIZE: Final = 64 << 20
_SUSPICIOUS_RATIO: Final = 100
"""Conversations shrink to a fifth or a tenth; what is large and shrinks so much more is there to fill a memory."""

_CONVERSATIONS = re.compile(r"(?:.*/)?conversations(?:[-_]\d+)?\.json", re.DOTALL)
"""ChatGPT writes conversations.json, or conversations-000.json and so on where there is much."""

_ARCHIVE_MARK = b"PK\x03\x04"
_DAMAGE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError)
_NOT_OPENED = (*_DAMAGE, NotImplementedError, RuntimeError, ValueError)
"""Damage too; a way of packing that is not known; a password."""


@contextmanager
def documents(path: Path) -> Iterator[list[Document]]:
    """The documents of a file, while it is open.

    Raises:
        ImportProblem: it cannot be read, or is an archive that should not be unpacked.
    """
    try:
        if not path.exists():
            raise import_faults.not_readable("it is not there")
        if not path.is_file():
            raise import_faults.not_a_file()
        with path.open("rb") as file:
            is_archive = file.read(len(_ARCHIVE_MARK)) == _ARCHIVE_MARK
        if not is_archive:
            yield [lambda: path.open("rb")]
            return
        with _archive(path) as archive:
            yield [_unpacked(archive, member) for member in _conversations(archive)]
    except OSError as error:
        raise import_faults.not_readable(error.strerror or str(error)) from error


@contextmanager
def _archive(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        archive = zipfile.ZipFile(path)
    except _NOT_OPENED as error:
        raise import_faults.broken_archive() from error
    with archive:
        yield archive


def _conversations(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    members = sorted(archive.infolist(), key=lambda member: member.filename)
    found = [member for member in members if _CONVERSATIONS.fullmatch(member.filename)]
    if not found:  # somebody may have packed one that has another name
        found = [member for member in members if member.filename.lower().endswith(".json")]
    if not found or not (_CONVERSATIONS.fullmatch(found[0].filename) or len(found) == 1):
        raise import_faults.unknown_format()
    if sum(member.file_size for member in found) > LARGEST_ARCHIVE or any(map(_is_suspicious, found)):
        raise import_faults.suspicious_archive()
    return found


def _is_suspicious(member: zipfile.ZipInfo) -> bool:
    # What it says of its size holds: no more than that is unpacked.
    is_large = member.file_size > _SUSPICIOUS_SIZE
    return is_large and member.file_size > _SUSPICIOUS_RATIO * max(member.compress_size, 1)


def _unpacked(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Document:
    @contextmanager
    def opened() -> Iterator[BinaryIO]:
        try:
            file = archive.open(member)
        except _NOT_OPENED as error:
            raise import_faults.broken_archive() from error
        try:
            with file:
                yield file  # type: ignore[misc]  # it reads bytes, and nobody asks more of it
        except _DAMAGE as error:
            raise import_faults.broken_archive() from error

    return opened
