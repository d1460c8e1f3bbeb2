"""`tether uninstall`: how the program is removed, and what it keeps of a person erased."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tether_desktop import paths
from tether_desktop.cli.output import note, safe

if TYPE_CHECKING:
    from tether_desktop.installation.own_data import OwnData


def uninstall(
    *,
    data: Annotated[
        bool, typer.Option("--data", help="Erase your conversations, models, settings and keys for good.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Erase without asking.")] = False,
) -> None:
    """Say how this copy of Tether is removed; with --data, first erase all that it keeps of you."""
    from tether_desktop.installation.own_data import find_own_data
    from tether_desktop.installation.program import installed_program

    found = find_own_data()
    if data:
        _erase(found, yes=yes)
    elif found:
        note(f"Your data is in {safe(str(paths.data_dir()))} and stays; `tether uninstall --data` erases it:")
        _tell(found)
    typer.echo(safe(installed_program().removal))


def _erase(found: list[OwnData], *, yes: bool) -> None:
    from tether_desktop.installation.own_data import erase_own_data

    if not found:
        note(f"There is nothing of yours in {safe(str(paths.data_dir()))}.")
        return
    note(f"In {safe(str(paths.data_dir()))}:")
    _tell(found)
    if not yes:
        typer.confirm("Erase all of this for good? Nothing can bring it back.", abort=True, err=True)
    left = erase_own_data()
    note("It is erased, with the keys in the keyring." if not left else "It is erased, but for this:")
    for line in left:
        note(f"  {safe(line)}")


def _tell(found: list[OwnData]) -> None:
    for each in found:
        note(f"  {each.title}: {each.size_bytes / 1e6:.1f} MB")
