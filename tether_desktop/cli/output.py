"""What the commands print: tables and JSON on stdout; errors, notes and progress on stderr."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from typing import Any

import typer

from tether_desktop.errors import TetherError

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_BAR_CELLS = 24


def safe(text: str) -> str:
    """Text as a terminal may get it: without the control characters that could move or colour what is there."""
    return _CONTROLS.sub("\ufffd", text.replace("\r\n", "\n"))


def write(text: str) -> None:
    """Print text on stdout at once, with no line end of its own."""
    typer.echo(text, nl=False)


def note(text: str) -> None:
    """Print a line on stderr."""
    typer.echo(text, err=True)


def print_json(value: object) -> None:
    """Print a JSON document on stdout."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def print_table(headings: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print rows in columns as wide as their longest cell."""
    cells = [[safe(str(cell)) for cell in row] for row in (headings, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(headings))]
    for row in cells:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def tell(error: TetherError) -> None:
    """Tell an error on stderr: what it is, what happened, what to do."""
    title = error.title if error.title.endswith((".", "?", "!")) else f"{error.title}."
    for line in (title, error.message, error.hint):
        if line:
            note(safe(line))


class ProgressLine:
    """One line on stderr that says how far something is; elsewhere than on a terminal, one line for each thing."""

    def __init__(self, *, only_live: bool = False) -> None:
        """Prepare; ``only_live`` says nothing at all where stderr is no terminal."""
        self._live = sys.stderr.isatty()
        self._silent = only_live and not self._live
        self._title = ""

    def show(self, title: str, fraction: float | None = None, detail: str = "") -> None:
        """Say what is being done and how far it is, 0..1 (None: unknown)."""
        if self._live:
            sys.stderr.write(f"\r\x1b[K{title} {_bar(fraction)}{detail}".rstrip())
            sys.stderr.flush()
        elif title != self._title and not self._silent:
            note(f"{title}…")
        self._title = title

    def clear(self) -> None:
        """Take the line away."""
        if self._live and self._title:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
        self._title = ""


def _bar(fraction: float | None) -> str:
    if fraction is None:
        return ""
    filled = round(_BAR_CELLS * min(max(fraction, 0.0), 1.0))
    return f"[{'#' * filled}{'.' * (_BAR_CELLS - filled)}] {fraction:4.0%} "
