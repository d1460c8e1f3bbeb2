"""`tether desktop`: Tether in the menu of one person's desktop."""

from __future__ import annotations

import typer

from tether_desktop.cli.output import note, safe

app = typer.Typer(help="Put Tether into the menu of your desktop (Linux), for you alone.", no_args_is_help=True)


@app.command("add")
def add_entry() -> None:
    """Put Tether into the menu, let it open GGUF files, and let terminals find `tether`; installers do this already."""
    from tether_desktop.installation.menu_entry import add_menu_entry
    from tether_desktop.installation.program import installed_program

    written = add_menu_entry(installed_program())
    note(f"Tether is in the menu now; {len(written)} files were written to {safe(str(written[0].parents[1]))}.")


@app.command("remove")
def remove_entry() -> None:
    """Take Tether out of the menu again."""
    from tether_desktop.installation.menu_entry import remove_menu_entry
    from tether_desktop.installation.program import installed_program

    removed = remove_menu_entry(installed_program())
    note("Tether is out of the menu." if removed else "Tether was not in your menu.")
