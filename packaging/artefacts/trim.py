"""Takes out of the frozen folder what PyInstaller collected and nothing there needs."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from artefacts.elf import elf_files

_LOADED_BY_NAME = ("libpython", "libcrypto.so", "libssl.so", "libffi.so")
"""Libraries that are needed though no library is linked with them."""

_KEPT_OF_METADATA = {"METADATA", "entry_points.txt", "top_level.txt"}


def trim(program: Path) -> list[Path]:
    """Trim the folder of the frozen program; returns what was removed."""
    inside = program / "_internal"
    removed = _remove_unneeded(inside)
    for folder in sorted(inside.glob("*.dist-info")):
        _shorten_metadata(folder)
    for folder in sorted((path for path in inside.rglob("*") if path.is_dir()), reverse=True):
        if not any(folder.iterdir()):
            folder.rmdir()
    return removed


def _remove_unneeded(inside: Path) -> list[Path]:
    """Remove the system's libraries that were there for the sake of something that is not."""
    files = elf_files(inside)
    # Libraries of the machine that builds lie at the top, Qt's in their folder; all else came with a package.
    folders = (inside, inside / "PySide6/Qt/lib")
    copied = {path.name: path for path in files if path.parent in folders and path.name.startswith("lib")}
    waiting = [path for path in files if path not in copied.values()]
    waiting += [path for name, path in copied.items() if name.startswith(_LOADED_BY_NAME)]
    reached = set(waiting)
    while waiting:
        for name in files[waiting.pop()].needed:
            path = copied.get(name)
            if path is not None and path not in reached:
                reached.add(path)
                waiting.append(path)
    removed = [path for path in copied.values() if path not in reached]
    for path in removed:
        path.unlink()
    return removed + _remove_dead_links(inside)


def _remove_dead_links(inside: Path) -> list[Path]:
    dead = [path for path in inside.rglob("*") if path.is_symlink() and not path.exists()]
    for path in dead:
        path.unlink()
    return dead


def _shorten_metadata(folder: Path) -> None:
    """Keep of a package's metadata what is read at run time, its licences above all, and list just that."""
    rows = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder.parent).as_posix()
        if path.name not in _KEPT_OF_METADATA and not _is_licence(path, folder):
            path.unlink()
            continue
        content = path.read_bytes()
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        rows.append(f"{name},sha256={digest},{len(content)}\n")
    (folder / "RECORD").write_text("".join([*rows, f"{folder.name}/RECORD,,\n"]), encoding="utf-8")


def _is_licence(path: Path, folder: Path) -> bool:
    words = ("licen", "copying", "notice", "authors", "copyright")
    return path.name.casefold().startswith(words) or "licenses" in path.relative_to(folder).parts
