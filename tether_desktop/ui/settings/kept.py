"""What is kept on this computer, and where: read in the core's thread."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tether_desktop import paths

if TYPE_CHECKING:
    from tether_desktop.app import Tether
    from tether_desktop.context.statistics import StoreSizes


@dataclass(frozen=True, slots=True)
class KeptPlace:
    """Where something lies.

    Attributes:
        what: database, settings, models or logs.
        shown: its file or folder, or the address of a server.
        folder: to be opened; None where it is not on this computer.
        size: in bytes.
    """

    what: str
    shown: str
    folder: Path | None
    size: int


@dataclass(frozen=True, slots=True)
class Kept:
    """All of it."""

    sizes: StoreSizes
    places: tuple[KeptPlace, ...]


async def read_kept(tether: Tether) -> Kept:
    """What is kept now; goes through the folders of models."""
    sizes = await tether.library.sizes()
    place = Path(sizes.place)
    database = KeptPlace("database", sizes.place, place.parent if sizes.is_file else None, sizes.size_bytes)
    others = await asyncio.to_thread(_others, tether.settings.dist_roots)
    return Kept(sizes, (database, *others))


def _others(roots: Iterable[Path]) -> tuple[KeptPlace, ...]:
    settings, logs = paths.settings_path(), paths.log_dir()
    models = (KeptPlace("models", str(root), root, _size(root)) for root in roots if root != paths.bundled_models())
    return (
        KeptPlace("settings", str(settings), settings.parent, _size(settings)),
        *models,
        KeptPlace("logs", str(logs), logs, _size(logs)),
    )


def _size(place: Path) -> int:
    """Of a file, or of all files in a folder; those that go meanwhile count nothing."""
    files = place.rglob("*") if place.is_dir() else iter((place,))
    size = 0
    with suppress(OSError):
        for each in files:
            with suppress(OSError):
                size += each.stat().st_size if each.is_file() else 0
    return size
