"""A file that is not all there yet, and the note beside it that says what it is the beginning of."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, BinaryIO

from tether_desktop.model.fetch import faults
from tether_desktop.model.fetch.checksum import Checksum

_PART_SUFFIX = ".part"
_NOTE_SUFFIX = ".part.json"
_BLOCK = 4 << 20
_NOTE_LIMIT = 8192
KEPT_FREE = 64 << 20
"""Bytes a download leaves on the disk: a computer without any is of no use, not even for deleting."""


class PartFile:
    """The beginning of a file, as ``NAME.part`` with ``NAME.part.json``; all methods work on the disk.

    A beginning is only continued when it is known to be one of the same file: either its checksum is known
    beforehand, or the server's validator of that time can be given back to the server.

    Attributes:
        target: where the complete file will be.
        size: bytes that are there.
        total: of the whole file, where the server has said so.
        validator: strong ETag or date, by which the server knows this version of the file; or empty.
    """

    def __init__(self, target: Path, *, source: str, checksum: Checksum | None) -> None:
        """Prepare; nothing is touched before :meth:`open`.

        Args:
            target: where the complete file will be.
            source: the address; kept as a hash only, since addresses may hold secrets.
            checksum: of the whole file, where it is known.
        """
        self.target = target
        self.size = 0
        self.total: int | None = None
        self.validator = ""
        self._checksum = checksum
        self._identity = checksum.digest if checksum else hashlib.sha256(source.encode()).hexdigest()
        self._hash = checksum.start() if checksum else None
        self._part, self._note = _beside(target)
        self._file: BinaryIO | None = None

    def open(self) -> None:
        """Take up what is there, or start anew; :meth:`close` it.

        Raises:
            InstallError: the folder cannot be written.
        """
        with self._disk():
            self.target.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._part.open("r+b" if self._read_note() else "w+b")
            while self._hash and (block := self._file.read(_BLOCK)):
                self._hash.update(block)
            self.size = self._file.seek(0, os.SEEK_END)

    @property
    def resumable(self) -> bool:
        """Whether it can be made sure that what comes next belongs to what is there."""
        return self.size > 0 and bool(self._checksum or self.validator)

    @property
    def checked(self) -> bool:
        """Whether the checksum of the whole file is known beforehand."""
        return self._checksum is not None

    @property
    def closed(self) -> bool:
        """Whether nothing more can be written."""
        return self._file is None

    def restart(self) -> None:
        """Forget what is there."""
        with self._disk():
            self._opened.seek(0)
            self._opened.truncate()
        self.size, self.total, self.validator = 0, None, ""
        self._hash = self._checksum.start() if self._checksum else None

    def describe(self, total: int | None, validator: str) -> None:
        """Note what the server says of the file, before any byte of it is there.

        Raises:
            InstallError: the rest does not fit onto the disk.
        """
        self.total, self.validator = total, validator
        if total is not None:
            check_space(self.target.parent, total - self.size)
        note = {"identity": self._identity, "total": total, "validator": validator}
        with self._disk():
            self._note.write_text(json.dumps(note), encoding="utf-8")

    def write(self, data: bytes) -> None:
        """Add to the end.

        Raises:
            InstallError: the disk is full or nearly, or fails.
        """
        check_space(self.target.parent, len(data))
        with self._disk():
            self._opened.write(data)
            self._opened.flush()
        if self._hash:
            self._hash.update(data)
        self.size += len(data)

    def finish(self) -> Path:
        """Check the complete file and put it in place.

        Raises:
            InstallError: its checksum is not the one it should have; nothing is left of it.
        """
        if self._checksum and self._hash and self._hash.hexdigest() != self._checksum.digest:
            self.discard()
            raise faults.wrong_checksum(self.target.name, self._checksum.kind)
        with self._disk():
            os.fsync(self._opened.fileno())
            self._let_go()
            self._part.replace(self.target)
            self._note.unlink(missing_ok=True)
        return self.target

    def close(self) -> None:
        """Let go of the files; what is there stays for the next time, unless it is nothing."""
        if self._file is not None and self.size == 0:
            self.discard()
        with self._disk():
            self._let_go()

    def discard(self) -> None:
        """Let go of the files and remove them."""
        with self._disk():
            self._let_go()
            remove_part(self.target)

    @property
    def _opened(self) -> BinaryIO:
        if self._file is None:
            raise ValueError("the part is not open")
        return self._file

    def _let_go(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _read_note(self) -> bool:
        """Whether there is a beginning that can be continued."""
        if not self._part.is_file():
            return False
        note = _parse_note(self._note)
        if note.get("identity") != self._identity:
            return False
        total, validator = note.get("total"), note.get("validator")
        self.total = total if isinstance(total, int) else None
        self.validator = validator if isinstance(validator, str) and _is_header(validator) else ""
        return True

    def _disk(self) -> AbstractContextManager[None]:
        return faults.told(self.target.parent)


def check_space(folder: Path, needed: int) -> None:
    """Make sure that so many bytes can be added to a folder.

    Raises:
        InstallError: they cannot.
    """
    with faults.told(folder):
        free = shutil.disk_usage(folder).free
    if needed + KEPT_FREE > free:
        raise faults.no_space(folder, needed + KEPT_FREE, free)


def remove_part(target: Path) -> None:
    """Remove what a download of that file has left; nothing happens where it has left nothing."""
    for path in _beside(target):
        path.unlink(missing_ok=True)


def bytes_there(target: Path) -> int:
    """How much of a file is on the disk, complete or not.

    Raises:
        OSError: the folder cannot be read.
    """
    paths = (target, _beside(target)[0])
    return max(path.stat().st_size if path.is_file() else 0 for path in paths)


def _beside(target: Path) -> tuple[Path, Path]:
    return target.with_name(target.name + _PART_SUFFIX), target.with_name(target.name + _NOTE_SUFFIX)


def _is_header(text: str) -> bool:
    return text.isascii() and text.isprintable()


def _parse_note(path: Path) -> dict[str, Any]:
    """What the note says; nothing where it is missing or damaged."""
    try:
        with path.open("rb") as file:
            note = json.loads(file.read(_NOTE_LIMIT))
    except (OSError, ValueError, RecursionError):
        return {}
    return note if isinstance(note, dict) else {}
