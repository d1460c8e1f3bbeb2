"""`tether completion`: the script by which a shell completes commands, models, sessions and tools."""

from __future__ import annotations

import os
from typing import Annotated, Literal

import typer
from typer.completion import get_completion_inspect_parameters, show_callback

Shell = Literal["bash", "zsh", "fish", "powershell"]

_ASKED_BY_SHELL = "_TETHER_COMPLETE"
"""Set by those scripts when they run the command to ask what could follow."""


def completion(
    context: typer.Context,
    shell: Annotated[Shell, typer.Argument(help="The shell that the script is for.")],
) -> None:
    """Print the script that lets a shell complete `tether`."""
    show_callback(context, context.command.params[0], shell)


def prepare_for_shell() -> None:
    """Be ready to answer a shell, where one asks."""
    if _ASKED_BY_SHELL in os.environ:
        # Typer knows its scripts' way of asking only once its own options for them were made.
        get_completion_inspect_parameters()
