"""The files of a question that is being written, those that are still being read included."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from tether_desktop.ui.composer.question import AttachedFile


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One of the files.

    Attributes:
        key: stays the same while it is read, and read again.
        name: for people.
        file: what was read; None until it is.
        path: where it lies, when that is known.
        tokens: what it costs; None until somebody has counted.
    """

    key: int
    name: str
    file: AttachedFile | None = None
    path: Path | None = None
    tokens: int | None = None


class AttachedFiles(QObject):
    """Keeps the files in the order in which they were attached.

    Signals:
        changed(): files, or what is known of them.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._entries: list[FileEntry] = []
        self._keys = itertools.count(1)

    @property
    def entries(self) -> tuple[FileEntry, ...]:
        """All of them."""
        return tuple(self._entries)

    @property
    def files(self) -> tuple[AttachedFile, ...]:
        """Those that are read."""
        return tuple(entry.file for entry in self._entries if entry.file is not None)

    @property
    def reading(self) -> bool:
        """Whether one is still being read."""
        return any(entry.file is None for entry in self._entries)

    @property
    def tokens(self) -> int | None:
        """What all cost; None while that is not known of each."""
        counts = [entry.tokens for entry in self._entries]
        known = [count for count in counts if count is not None]
        return sum(known) if len(known) == len(counts) else None

    def find(self, path: Path) -> FileEntry | None:
        """The entry of a file that is attached already."""
        return next((entry for entry in self._entries if entry.path == path), None)

    def entry(self, key: int) -> FileEntry | None:
        """One of them; None when it was taken off."""
        return next((entry for entry in self._entries if entry.key == key), None)

    def begin(self, name: str, path: Path | None = None) -> int:
        """Take what is about to be read; its key."""
        return self._add(FileEntry(next(self._keys), name, None, path))

    def add(self, file: AttachedFile) -> int:
        """Take what was read already; its key."""
        return self._add(FileEntry(next(self._keys), file.attachment.name, file, file.path))

    def extend(self, files: Iterable[AttachedFile]) -> None:
        """Take several."""
        for file in files:
            self.add(file)

    def finish(self, key: int, file: AttachedFile) -> None:
        """Take what was read of a file, if it was not taken off meanwhile."""
        self._change(key, name=file.attachment.name, file=file, tokens=None)

    def count(self, key: int, tokens: int | None) -> None:
        """Take what a file costs."""
        self._change(key, tokens=tokens)

    def mark_changed(self, key: int) -> None:
        """The file is another one than that which was read."""
        entry = self.entry(key)
        if entry is not None and entry.file is not None:
            self._change(key, file=replace(entry.file, changed=True))

    def remove(self, key: int) -> None:
        """Take a file off."""
        kept = [entry for entry in self._entries if entry.key != key]
        if len(kept) != len(self._entries):
            self._entries = kept
            self.changed.emit()

    def clear_read(self) -> None:
        """Take off all that are read: they were sent."""
        self._entries = [entry for entry in self._entries if entry.file is None]
        self.changed.emit()

    def _add(self, entry: FileEntry) -> int:
        self._entries.append(entry)
        self.changed.emit()
        return entry.key

    def _change(self, key: int, **values: object) -> None:
        changed = [replace(entry, **values) if entry.key == key else entry for entry in self._entries]  # type: ignore[arg-type]
        if changed != self._entries:
            self._entries = changed
            self.changed.emit()
