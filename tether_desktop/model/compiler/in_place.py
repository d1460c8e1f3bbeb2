"""Moving what was built into place, so that a power cut leaves either all of it or nothing."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def put_library(library: Path, folder: Path) -> Path:
    """Move a finished library into its folder, in place of an older one; where it is then.

    Raises:
        OSError: the folder cannot be written, or the older library is in use.
    """
    flush(library)
    folder.mkdir(exist_ok=True)
    placed = library.replace(folder / library.name)
    flush(folder)
    return placed


def put_folder(model: Path, target: Path, work: Path) -> None:
    """Move a finished model folder into place; a broken one of that name is moved into the work folder first.

    Raises:
        OSError: the folder above cannot be written, or the broken one is in use.
    """
    flush(model)
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        target.replace(work / "replaced")
    model.replace(target)
    flush(target.parent)


def flush(path: Path) -> None:
    """Make sure that a file, or what a folder lists, survives a power cut; Windows cannot flush folders."""
    if path.is_dir() and sys.platform == "win32":
        return
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
