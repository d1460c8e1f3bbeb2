"""`tether models status|load|unload`: what is in memory of a Tether that runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from tether_desktop.byte_size import byte_size_text
from tether_desktop.cli.backends.open_backend import open_running
from tether_desktop.cli.complete import model_names
from tether_desktop.cli.output import ProgressLine, note, print_json, print_table, safe
from tether_desktop.errors import PortError

if TYPE_CHECKING:
    from tether_desktop.cli.backends.backend import Backend

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Name = Annotated[str, typer.Argument(help="A model, as `tether models list` names it.", autocompletion=model_names)]

_R = TypeVar("_R")


def add_to(app: typer.Typer) -> None:
    """Make these commands part of a group."""
    app.command("status")(show_loaded)
    app.command("load")(load_model)
    app.command("unload")(unload_model)


def show_loaded(*, json: Json = False) -> None:
    """Show which models the running Tether has in memory."""
    rows = [row for row in _with_running(lambda running: running.models()) if row.state != "unloaded"]
    if json:
        print_json([asdict(row) for row in rows])
    elif rows:
        cells = [
            (row.name, row.state, byte_size_text(row.memory_bytes), row.context_window, row.device) for row in rows
        ]
        print_table(("MODEL", "STATE", "MEMORY", "CONTEXT", "DEVICE"), cells)
    else:
        note("No model is loaded.")


def load_model(name: Name) -> None:
    """Load a model in the running Tether, so that its next answer starts at once; Ctrl-C gives that up."""
    line = ProgressLine()
    try:
        _with_running(lambda running: running.load(name, lambda progress: line.show(f"Loading {name}", progress)))
    finally:
        line.clear()
    note(safe(f"{name} is loaded."))


def unload_model(name: Name) -> None:
    """Free the memory that a model takes in the running Tether."""
    was_loaded = _with_running(lambda running: running.unload(name))
    note(safe(f"{name} is unloaded." if was_loaded else f"{name} was not loaded."))


def _with_running(work: Callable[[Backend], Awaitable[_R]]) -> _R:
    """What comes of work on the Tether that runs; one of this command's own would end with it.

    Raises:
        PortError: none runs, or its port is closed.
    """

    async def connected() -> _R:
        running = await open_running()
        if running is None:
            message = "Models are kept loaded by a Tether that runs, and none has its local port open."
            hint = "Start `tether serve`, or open the port in the settings of the window."
            raise PortError("No running Tether is found", message, hint)
        try:
            return await work(running)
        finally:
            await running.close()

    return asyncio.run(connected())
