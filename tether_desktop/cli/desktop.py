"""`tether desktop`: Tether in the menu of one person's desktop."""

from __future__ import annotations

import typer

from tether_desktop.cli.output import note, safe

app = typer.Typer(
    help="Let your desktop and your terminals find an unpacked Tether, for you alone.", no_args_is_help=True
)


@app.command("add")
def add_entry() -> None:
    """Put Tether into the menu, let it open GGUF files, and let terminals find it; on Windows, terminals alone."""
    from tether_desktop.installation.program import installed_program

    program = installed_program()
    if program.kind == "windows":
        from tether_desktop.installation.windows_path import add_to_path

        note("New terminals find tether." if add_to_path(program.folder) else "Terminals find tether already.")
        return
    from tether_desktop.installation.menu_entry import add_menu_entry

    written = add_menu_entry(program)
    note(f"Tether is in the menu now; {len(written)} files were written to {safe(str(written[0].parents[1]))}.")


@app.command("remove")
def remove_entry() -> None:
    """Take that back."""
    from tether_desktop.installation.program import installed_program

    program = installed_program()
    if program.kind == "windows":
        from tether_desktop.installation.windows_path import remove_from_path

        note("Terminals do not find tether any more." if remove_from_path(program.folder) else "They did not find it.")
        return
    from tether_desktop.installation.menu_entry import remove_menu_entry

    removed = remove_menu_entry(program)
    note("Tether is out of the menu." if removed else "Tether was not in your menu.")
