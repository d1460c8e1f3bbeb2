"""Removing a model, with the compiled library that nothing else can use any more."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from tether_desktop.model.discovery.bundled import is_bundled
from tether_desktop.model.discovery.catalog import Catalog, ModelEntry
from tether_desktop.model.discovery.library import LIBRARY_FOLDER

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Removal:
    """What removing a model takes away.

    Attributes:
        name: of the model.
        paths: its files and folders; of a link, the link alone.
        library: the library that goes with it; None where others use it or it lies elsewhere.
        freed_bytes: on the disk.
    """

    name: str
    paths: tuple[Path, ...]
    library: Path | None
    freed_bytes: int


def plan_removal(catalog: Catalog, name: str) -> Removal:
    """What removing a model would take away; nothing is touched.

    Raises:
        ModelNotFound: there is none of that name.
        ModelError: it came with the program.
    """
    entries = catalog.list()
    paths = catalog.paths(name)
    own = next((entry for entry in entries if entry.name == name), None)
    library = _own_library(catalog, own, entries) if own is not None else None
    freed = sum(_size(path) for path in (*paths, *([library] if library else [])))
    return Removal(name, paths, library, freed)


def remove(catalog: Catalog, removal: Removal) -> None:
    """Delete it; a library that cannot be deleted stays, which does no harm, and so does one that is needed by now.

    Raises:
        ModelNotFound: it is gone already.
        ModelError: it cannot be deleted.
    """
    still = removal.library is not None and plan_removal(catalog, removal.name).library == removal.library
    catalog.remove(removal.name)
    if removal.library is not None and still:
        try:
            removal.library.unlink(missing_ok=True)
        except OSError as error:
            logger.info("%s stays: %s", removal.library, error)


def _own_library(catalog: Catalog, own: ModelEntry, entries: list[ModelEntry]) -> Path | None:
    """The library of a model, where no other one could need it."""
    library = own.library
    own_folders = {root / LIBRARY_FOLDER for root in catalog.roots}
    if library is None or own.kind != "tvm" or library.parent not in own_folders or is_bundled(library):
        return None
    # A model of the same kind that cannot be used now may need it once it can.
    others = [entry for entry in entries if entry.name != own.name]
    needed = any(
        entry.library == library or (entry.library is None and entry.model_type in {"", own.model_type})
        for entry in others
        if entry.kind == "tvm"
    )
    return None if needed else library


def _size(path: Path) -> int:
    """Bytes of a file, or of all files in a folder; of a link nothing."""
    if path.is_symlink():
        return 0
    files = [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
    return sum(each.stat().st_size for each in files if not each.is_symlink())
