"""`tether models trust`: lets a library run that was not compiled here, after showing which one it is."""

from __future__ import annotations

from typing import Annotated

import typer

from tether_desktop.cli.output import note, safe
from tether_desktop.model.discovery.catalog import Catalog
from tether_desktop.settings import load_settings


def trust_library(
    name: Annotated[str, typer.Argument(help="A model, as `tether models list` names it.")],
    *,
    sha256: Annotated[
        str, typer.Option("--sha256", help="Do not ask: allow the library if it has this SHA-256.", metavar="HEX")
    ] = "",
) -> None:
    """Allow a model's library to run that was not compiled on this computer."""
    catalog = Catalog(load_settings().dist_roots)
    library, found = catalog.library_in_question(name)
    note(safe(f"{library}\nSHA-256 {found}"))
    note("A library is a program, and can do whatever you can do on this computer.")
    if not sha256:
        typer.confirm("Load it from now on?", abort=True, err=True)
    catalog.trust_library(name, sha256.lower() or found)
    note(safe(f"{name} may be loaded."))
