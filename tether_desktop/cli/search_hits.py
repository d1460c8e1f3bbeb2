"""What a search has found, as a terminal shows it."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import typer

from tether_desktop.cli.output import safe

if TYPE_CHECKING:
    from tether_desktop.context.records import SearchHit

_BOLD, _PLAIN = "\x1b[1m", "\x1b[0m"


def print_hit(hit: SearchHit) -> None:
    """Print where something was found, and the text around it with the words bold on a terminal."""
    heading = f"{hit.session_id[:8]}  {hit.created_at.astimezone():%Y-%m-%d %H:%M}  {hit.title or '-'}"
    typer.echo(safe(f"{heading}  [{hit.attachment}]" if hit.attachment else heading))
    bold = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    # Typer would take the marks away again where it thinks that colours are not wanted; bold is none.
    typer.echo(f"  {_marked(hit) if bold else safe(hit.excerpt)}", color=bold)


def _marked(hit: SearchHit) -> str:
    text, end = "", 0
    for start, stop in hit.marks:
        text += f"{safe(hit.excerpt[end:start])}{_BOLD}{safe(hit.excerpt[start:stop])}{_PLAIN}"
        end = stop
    return text + safe(hit.excerpt[end:])
