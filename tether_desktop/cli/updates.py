"""`tether updates`: whether there is a newer release."""

from __future__ import annotations

from typing import Annotated

import typer

from tether_desktop.cli.output import note, print_json, safe

app = typer.Typer(help="Find out whether there is a newer Tether; nothing is installed.", no_args_is_help=True)


@app.command("check")
def check_updates(*, json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Ask the place this copy was built for whether there is a newer release; only what is signed is told."""
    from tether_desktop.updates.channel import read_channel
    from tether_desktop.updates.check import check_for_updates

    found = check_for_updates(read_channel())
    newest = found.newest
    if json:
        told = {"version": newest.version, "day": newest.day, "page": newest.page, "notes": newest.notes}
        print_json({"installed": found.installed, "newer": found.newer, "newest": told})
    elif found.newer:
        typer.echo(safe(f"Tether {newest.version} of {newest.day} is there; you have {found.installed}."))
        for line in newest.notes:
            typer.echo(safe(f"  - {line}"))
        note(f"It is had here: {safe(newest.page)}")
    else:
        typer.echo(f"You have the newest Tether, {found.installed}.")
