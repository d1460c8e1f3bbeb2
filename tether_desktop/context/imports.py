"""Adds conversations of files: our own exports, and those of others."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tether_desktop.context.records import SessionRecord
from tether_desktop.context.store import Store


@dataclass(frozen=True, slots=True)
class Skipped:
    """A conversation that was not added, and why."""

    title: str
    reason: str


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What came of a file."""

    imported: tuple[SessionRecord, ...]
    skipped: tuple[Skipped, ...] = ()


def import_file(store: Store, path: Path) -> ImportReport:
    """Add the conversations of a file."""
    raise NotImplementedError
