"""What a benchmark found, as a table for a person or JSON for a program."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

Cell = str | int | float | None


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a heading; every row is as long as ``columns``, whose names carry the units."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class Report:
    """All tables of one run, where it ran, and what to know when reading it."""

    name: str
    tables: tuple[Table, ...]
    environment: Mapping[str, Cell] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def to_json(self) -> str:
        """The report as one JSON object."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=2)

    def to_text(self) -> str:
        """The report as aligned text."""
        parts = [f"{self.name}: " + ", ".join(f"{key} {_shown(value)}" for key, value in self.environment.items())]
        for table in self.tables:
            parts += ["", table.title, *_aligned(table)]
        parts += ["", *self.notes] if self.notes else []
        return "\n".join(parts)


def machine() -> dict[str, Cell]:
    """What every benchmark should say about where it ran."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "load": None if load is None else round(load, 2),
    }


def _aligned(table: Table) -> list[str]:
    lines = [table.columns, *(tuple(map(_shown, row)) for row in table.rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(table.columns))]
    shown = ["  ".join(_padded(line, widths)) for line in lines]
    return [shown[0], "  ".join("-" * width for width in widths), *shown[1:]]


def _padded(line: Sequence[str], widths: Sequence[int]) -> list[str]:
    """The first column to the left, figures to the right."""
    figures = zip(line[1:], widths[1:], strict=True)
    return [line[0].ljust(widths[0]), *(text.rjust(width) for text, width in figures)]


def _shown(value: Cell) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 100 else f"{value:,.0f}"
    return str(value)


def show(report: Report, *, as_json: bool) -> None:
    """Print the report."""
    sys.stdout.write((report.to_json() if as_json else report.to_text()) + "\n")
