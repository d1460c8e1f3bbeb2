"""A question as it is written: its words, and the files that go with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tether_desktop.context.records import QueuedQuestion
from tether_desktop.messages import Attachment, ToolChoice

FileStamp = tuple[int, int]
"""By what a file is known to be the same as before: bytes, and nanoseconds since 1970 when it was changed."""


@dataclass(frozen=True, slots=True)
class AttachedFile:
    """A file as it was read when it was attached.

    Attributes:
        path: where it lies; None for pasted text, and for a file of a draft that was kept.
        stamp: of the file when it was read; None where there is no path.
        changed: whether the file is another one now; what was read is what is sent.
    """

    attachment: Attachment
    path: Path | None = None
    stamp: FileStamp | None = None
    changed: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, or will be.

    Attributes:
        demanded: a tool call that it demands.
    """

    text: str = ""
    files: tuple[AttachedFile, ...] = ()
    demanded: ToolChoice | None = None

    def __bool__(self) -> bool:
        return bool(self.text.strip() or self.files)

    @property
    def attachments(self) -> tuple[Attachment, ...]:
        """The files as they are sent."""
        return tuple(file.attachment for file in self.files)

    def stored(self) -> QueuedQuestion:
        """The question as a draft keeps it."""
        return QueuedQuestion(self.text, self.attachments)


def restored(stored: QueuedQuestion) -> Question:
    """A question that a draft has kept."""
    return Question(stored.text, tuple(map(AttachedFile, stored.attachments)))


def stamp_of(path: Path) -> FileStamp | None:
    """The stamp of a file; None when it cannot be seen any more."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns
