"""The `tether` command: its groups, and the edge where every failure becomes a message and an exit code."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated

import typer

import tether_desktop
from tether_desktop.cli import (
    chat,
    completion,
    desktop,
    doctor,
    model_loads,
    models,
    serve,
    servers,
    sessions,
    token,
    tools,
    trust,
    uninstall,
    updates,
)
from tether_desktop.cli.output import note, tell
from tether_desktop.errors import TetherError
from tether_desktop.logs import log_file, start_logging

logger = logging.getLogger(__name__)

app = typer.Typer(
    name="tether",
    help="A private assistant on your own computer. Without a command, `tether` opens the window.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("chat")(chat.chat)
app.command("completion")(completion.completion)
app.command("doctor")(doctor.doctor)
app.command("serve")(serve.serve)
model_loads.add_to(models.app)
models.app.command("trust")(trust.trust_library)
app.command("uninstall")(uninstall.uninstall)
app.add_typer(desktop.app, name="desktop")
app.add_typer(models.app, name="models")
app.add_typer(servers.app, name="servers")
app.add_typer(sessions.app, name="sessions")
app.add_typer(token.app, name="token")
app.add_typer(tools.app, name="tools")
app.add_typer(updates.app, name="updates")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(tether_desktop.__version__)
        raise typer.Exit


@app.callback()
def options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """A private assistant on your own computer. Without a command, `tether` opens the window."""


def run(arguments: Sequence[str]) -> int:
    """Run a command; its exit code: 0 done, 1 failed and told on stderr, 2 wrong usage, 130 stopped by Ctrl-C."""
    start_logging()
    try:
        code = _run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read our output has had enough; Python would complain about it once more at its end.
        _silence_stdout()
        return 1
    return code


def _run(arguments: Sequence[str]) -> int:
    completion.prepare_for_shell()
    try:
        app(list(arguments), prog_name="tether")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except TetherError as error:
        tell(error)
        return 1
    except BrokenPipeError:
        raise
    except Exception:
        # The edge of the program: what nobody expected is logged, and told without a traceback.
        logger.exception("A command failed")
        note("Something went wrong inside Tether. This is a fault of the program.")
        note(f"The log has the details: {log_file()}")
        return 1
    return 0


def _silence_stdout() -> None:
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
