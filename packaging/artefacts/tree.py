"""Folders as they are handed out: the same bytes, times and permissions whoever builds them, and wherever."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

_ELF = b"\x7fELF"
_FOLDER_MODE, _PROGRAM_MODE, _FILE_MODE = 0o755, 0o755, 0o644


def link_tree(source: Path, target: Path) -> None:
    """Make a copy of a folder whose files share their place on the disk with the source's."""
    for folder, _, names in os.walk(source):
        there = target / Path(folder).relative_to(source)
        there.mkdir(parents=True, exist_ok=True)
        for name in names:
            _link(Path(folder) / name, there / name)
        for link in (path for path in Path(folder).iterdir() if path.is_symlink() and path.is_dir()):
            _link(link, there / link.name)


def normalize(folder: Path, epoch: int) -> None:
    """Give everything below a folder, and itself, the permissions and the time that say nothing of who built it."""
    for path in contents(folder):
        if not path.is_symlink():
            path.chmod(_mode(path))
        os.utime(path, (epoch, epoch), follow_symlinks=False)
    folder.chmod(_FOLDER_MODE)
    os.utime(folder, (epoch, epoch))


def contents(folder: Path) -> Iterator[Path]:
    """Everything below a folder, what is deeper first, always in the same order."""
    for root, folders, names in os.walk(folder, topdown=False):
        for name in sorted([*folders, *names]):
            yield Path(root) / name


def file_list(folder: Path) -> list[str]:
    """The files and links below a folder by their paths in it."""
    found = (path for path in contents(folder) if path.is_symlink() or path.is_file())
    return sorted(path.relative_to(folder).as_posix() for path in found)


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(path.lstat().st_size for path in contents(folder) if path.is_file() and not path.is_symlink())


def _mode(path: Path) -> int:
    if path.is_dir():
        return _FOLDER_MODE
    with path.open("rb") as file:
        start = file.read(4)
    is_program = start[:2] == b"#!" or (start == _ELF and ".so" not in path.name)
    return _PROGRAM_MODE if is_program else _FILE_MODE


def _link(source: Path, target: Path) -> None:
    if target.exists() or target.is_symlink():
        target.unlink()
    if source.is_symlink():
        target.symlink_to(source.readlink())
        return
    try:
        os.link(source, target)
    except OSError:
        # Another disk, or one that knows no such links.
        shutil.copy2(source, target)
