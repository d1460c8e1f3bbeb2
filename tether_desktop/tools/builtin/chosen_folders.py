"""The folders that a person lets tools read, and nothing beside them: whatever a path says, and whatever changes."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tether_desktop import paths
from tether_desktop.errors import ToolError
from tether_desktop.tools.builtin import opened_path

_LONGEST = 4096
_SYSTEM = (Path("/proc"), Path("/sys"), Path("/dev"))
_READ = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOINHERIT", 0)
_FOLDER = getattr(os, "O_DIRECTORY", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
# What looks like a file and is a pipe or a terminal by now must not be waited for, nor become ours.
_NO_WAIT = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
_STEP_BY_STEP = os.open in os.supports_dir_fd and os.scandir in os.supports_fd

_TITLE = "The file cannot be read"


@dataclass(frozen=True, slots=True)
class Place:
    """A file or a folder below a chosen one.

    Attributes:
        root: the chosen folder, without links.
        parts: the names below it, none of which is a link.
    """

    root: Path
    parts: tuple[str, ...] = ()

    @property
    def path(self) -> Path:
        """The whole path."""
        return self.root.joinpath(*self.parts)

    def below(self, name: str) -> Place:
        """What has this name in this folder."""
        return Place(self.root, (*self.parts, name))


@dataclass(frozen=True, slots=True)
class Entry:
    """What a folder holds.

    Attributes:
        kind: "folder", "file", "link", or "other" for what is none of these: pipes, sockets, devices.
        size: bytes of a file.
        hidden: whether the system shows it only to those who ask.
    """

    name: str
    kind: str
    size: int
    hidden: bool


class ChosenFolders:
    """The folders of a setting, in its order."""

    def __init__(self, setting: str) -> None:
        """Take the folders of a setting in which they are separated like PATH; what is no folder is left out."""
        given = [Path(part.strip()).expanduser() for part in setting.split(os.pathsep) if part.strip()]
        absolute = [Path(os.path.normpath(each)) for each in given if each.is_absolute()]
        self._folders = [(each, Path(os.path.realpath(each))) for each in absolute]

    @property
    def roots(self) -> list[Place]:
        """The folders that are there."""
        return [Place(real) for _, real in self._folders if real.is_dir()]

    def shown(self, place: Place) -> str:
        """How to call a place, so that find() finds it again: the path in the only folder, or the whole path."""
        if len(self._folders) == 1:
            return "/".join(place.parts) or "."
        return str(place.path)

    def find(self, text: str) -> Place:
        """The place that a path means: relative to a chosen folder, or as a whole.

        Raises:
            ToolError: there is nothing, or it is outside the folders.
        """
        if "\0" in text or len(text) > _LONGEST:
            raise ToolError(_TITLE, "That is no path.", "")
        inside = list(self._candidates(text.strip().strip("\"'")))
        if not inside:
            raise self._outside(text)
        for candidate in inside:
            with suppress(FileNotFoundError, NotADirectoryError):
                return self._resolved(candidate, text)
        hint = "Use list_files to see what is there, or search_files to find it."
        raise ToolError(_TITLE, f"There is no {text[:200]!r} in the chosen folders.", hint)

    def _candidates(self, path: str) -> Iterator[Path]:
        """Where a path may lie, by its letters alone: asking the system about other places could already do harm.

        On Windows, looking at a path of another machine sends it the user's password hash.
        """
        for given, _ in self._folders:
            candidate = Path(os.path.normpath(given / path))
            if any(_is_inside(candidate, folder) for pair in self._folders for folder in pair):
                yield candidate

    def _resolved(self, candidate: Path, text: str) -> Place:
        try:
            real = Path(os.path.realpath(candidate, strict=True))
        except (FileNotFoundError, NotADirectoryError):
            raise
        except (OSError, ValueError) as error:
            # A ValueError is a name that the system cannot have.
            reason = getattr(error, "strerror", None) or "no path"
            raise ToolError(_TITLE, f"{text[:200]!r} cannot be followed: {reason}.", "") from error
        for _, root in self._folders:
            if _is_inside(real, root) and not _is_forbidden(real):
                return Place(root, real.relative_to(root).parts)
        raise self._outside(text)

    def _outside(self, text: str) -> ToolError:
        allowed = ", ".join(str(given) for given, _ in self._folders)
        return ToolError(_TITLE, f"{text[:200]!r} is outside the folders that may be read.", f"These are: {allowed}.")

    @contextmanager
    def open_file(self, place: Place) -> Iterator[int]:
        """The descriptor of a regular file, opened for reading.

        Every name on the way is opened below the one before it, and none of them through a link: between the check
        and the opening, nobody can put another file in its place.

        Raises:
            ToolError: it is none, or may not be read.
        """
        with _told(place), _parent(place) as (folder, name):
            if not stat.S_ISREG(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
                raise ToolError(_TITLE, f"{place.parts[-1]!r} is no file.", "Only files can be read.")
            descriptor = os.open(name, _READ | _NO_LINK | _NO_WAIT, dir_fd=folder)
        with _closing(descriptor), _told(place):
            if not stat.S_ISREG(os.fstat(descriptor).st_mode) or _is_elsewhere(descriptor, place):
                raise ToolError(_TITLE, f"{place.parts[-1]!r} was exchanged while it was opened.", "")
            yield descriptor

    def entries(self, place: Place) -> Iterator[Entry]:
        """What a folder holds, in no order; what goes away meanwhile is left out.

        Raises:
            ToolError: it is no folder, or may not be read.
        """
        with _told(place), _folder(place) as folder, os.scandir(folder) as found:
            for each in found:
                with suppress(OSError):
                    yield _entry(each)


@contextmanager
def _folder(place: Place) -> Iterator[int | str]:
    """A folder, for scandir: its descriptor, or its path where the system has none for folders."""
    if not _STEP_BY_STEP:
        if Path(os.path.realpath(place.path)) != place.path:
            raise ToolError(_TITLE, f"{place.parts[-1]!r} was exchanged while it was opened.", "")
        yield str(place.path)
        return
    flags = _READ | _FOLDER
    descriptor = os.open(place.root, flags)
    try:
        for name in place.parts:
            below = os.open(name, flags | _NO_LINK, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = below
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _parent(place: Place) -> Iterator[tuple[int | None, str]]:
    """The folder of a file and the name in it; without a descriptor, the name is the whole path."""
    if not place.parts:
        raise IsADirectoryError
    if not _STEP_BY_STEP:
        yield None, str(place.path)
        return
    with _folder(Place(place.root, place.parts[:-1])) as folder:
        assert isinstance(folder, int)  # noqa: S101  (a path only where there are no descriptors)
        yield folder, place.parts[-1]


@contextmanager
def _closing(descriptor: int) -> Iterator[None]:
    try:
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _told(place: Place) -> Iterator[None]:
    try:
        yield
    except IsADirectoryError:
        hint = "Use list_files to see what is in it."
        raise ToolError(_TITLE, f"{str(place.path)!r} is a folder.", hint) from None
    except NotADirectoryError:
        raise ToolError("The folder cannot be listed", f"{str(place.path)!r} is no folder.", "") from None
    except OSError as error:
        raise ToolError(_TITLE, f"{str(place.path)!r} cannot be read: {error.strerror or error}.", "") from error


def _is_elsewhere(descriptor: int, place: Place) -> bool:
    """Whether what was opened lies elsewhere, where it could not be opened step by step."""
    if _STEP_BY_STEP:
        return False
    real = opened_path.of(descriptor)
    return real is None or not _is_inside(Path(real), place.root)


def _entry(each: os.DirEntry[str]) -> Entry:
    found = each.stat(follow_symlinks=False)
    kinds = {stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link"}
    kind = "link" if _is_junction(found) else kinds.get(stat.S_IFMT(found.st_mode), "other")
    hidden = each.name.startswith(".") or bool(_attributes(found) & stat.FILE_ATTRIBUTE_HIDDEN)
    return Entry(each.name, kind, found.st_size, hidden)


def _is_junction(found: os.stat_result) -> bool:
    """Whether a folder of Windows is a way to another one."""
    return bool(_attributes(found) & stat.FILE_ATTRIBUTE_REPARSE_POINT)


def _attributes(found: os.stat_result) -> int:
    return int(getattr(found, "st_file_attributes", 0))


def _is_inside(path: Path, folder: Path) -> bool:
    return path.is_relative_to(folder)


def _is_forbidden(real: Path) -> bool:
    """Whether a place is never read: the system's own, and ours, which holds all conversations and the token."""
    return any(_is_inside(real, folder) for folder in (*_SYSTEM, Path(os.path.realpath(paths.data_dir()))))
