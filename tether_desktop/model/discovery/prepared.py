"""Prepared copies of source weights: where they lie, and whether the source has changed since."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from tether_desktop.errors import ModelError
from tether_desktop.model.discovery.model_folder import read_config
from tether_desktop.model.discovery.search import PACKED_FOLDER, Place

_SOURCE_SUFFIXES = {".safetensors", ".gguf", ".bin", ".json", ".model", ".jinja"}


def fingerprint(place: Place) -> dict[str, Any]:
    """What a prepared copy notes as ``packed_from``: equal as long as the source is the same.

    The path is that in the model folder, the whole of which may be moved. Notes and pictures do not count.

    Raises:
        OSError: a file of the source cannot be looked at.
    """
    paths = (place.folder / name for name in place.files)
    statuses = [path.stat() for path in paths if path.suffix in _SOURCE_SUFFIXES]
    return {
        "path": place.inside,
        "size": sum(status.st_size for status in statuses),
        "modified_ns": max((status.st_mtime_ns for status in statuses), default=0),
    }


def prepared_copies(roots: Sequence[Path]) -> dict[tuple[Path, str], Path]:
    """Prepared copies by the model folder and the path in it that they were made from."""
    copies: dict[tuple[Path, str], Path] = {}
    for folder in prepared_folders(roots):
        with suppress(ModelError):
            copies[folder.parent.parent, str(read_config(folder).packed_from.get("path"))] = folder
    return copies


def copy_of(place: Place, name: str) -> Path:
    """Where the prepared copy of a source is or goes: by its name in the catalogue, if nothing else is there."""
    copy = prepared_copies([place.root]).get((place.root, place.inside))
    if copy is not None:
        return copy
    folder = place.root / PACKED_FOLDER / Path(name).name
    if folder.name == name and not folder.exists():
        return folder
    return folder.with_name(f"{folder.name}-{hashlib.sha256(place.inside.encode()).hexdigest()[:8]}")


def prepared_folders(roots: Sequence[Path]) -> list[Path]:
    """The folders of all prepared copies, in a fixed order; what is hidden is still being made."""
    found: list[Path] = []
    for root in roots:
        with suppress(OSError):
            found += [path for path in (root / PACKED_FOLDER).iterdir() if path.name[0] != "." and path.is_dir()]
    return sorted(found)
