"""`tether chat`: a conversation in the terminal, or one question for a script."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from json import loads
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tether_desktop.cli.backends.backend import Sessions
from tether_desktop.cli.backends.open_backend import open_backend
from tether_desktop.cli.complete import model_names, session_ids, tool_names
from tether_desktop.cli.event_printer import JsonPrinter, TextPrinter
from tether_desktop.cli.pens import PlainPen
from tether_desktop.cli.talk import Talk, Wishes
from tether_desktop.errors import SessionNotFound, SettingsError
from tether_desktop.logs import start_logging
from tether_desktop.messages import ToolChoice
from tether_desktop.model.engine import Constraint
from tether_desktop.protocol.tool_use import ToolUse
from tether_desktop.settings import load_settings

if TYPE_CHECKING:
    from tether_desktop.context.records import SessionRecord


def chat(
    *,
    model: Annotated[
        str,
        typer.Option(
            "--model", "-m", help="Who answers; else the session's or the default one.", autocompletion=model_names
        ),
    ] = "",
    session: Annotated[
        str,
        typer.Option(
            "--session", "-s", help="Go on with a session: its id, or its beginning.", autocompletion=session_ids
        ),
    ] = "",
    continue_: Annotated[bool, typer.Option("--continue", "-c", help="Go on with the newest session.")] = False,
    once: Annotated[
        str | None, typer.Option(help="Ask this, print the answer and leave; - reads it from stdin.")
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print the events as NDJSON; questions are lines of stdin.")
    ] = False,
    show_thinking: Annotated[bool, typer.Option("--show-thinking", help="Print the model's thoughts.")] = False,
    tools: Annotated[
        str,
        typer.Option(
            help="off, auto, required, or the name of the tool to call; else as the settings say.",
            autocompletion=tool_names,
        ),
    ] = "",
    schema: Annotated[
        Path | None, typer.Option(help="A file with a JSON schema: every reply is JSON that fits it.")
    ] = None,
    allow: Annotated[
        list[str] | None,
        typer.Option(help="A tool that may be called unasked; may be given several times.", autocompletion=tool_names),
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Print the log on stderr too.")] = False,
) -> None:
    """Talk to a model in the terminal."""
    if debug:
        start_logging(logging.DEBUG, to_stderr=True)
    attended = sys.stdin.isatty() and not json
    tool_use = ToolUse(tool_choice(tools), attended, frozenset(allow or ()))
    wishes = Wishes(model or None, tool_use, _reply_format(schema) if schema else None)
    with _open(_Which(session, newest=continue_), wishes) as talk:
        if once is not None or json:
            raise typer.Exit(_ask_all(talk, once, json=json, show_thinking=show_thinking))
        _converse(talk, show_thinking=show_thinking)


@dataclass(frozen=True, slots=True)
class _Which:
    """Which session goes on: the one whose id begins so, the newest, or none."""

    beginning: str
    newest: bool


def tool_choice(tools: str) -> ToolChoice | None:
    """What ``--tools`` says; None leaves it to the settings."""
    match tools:
        case "":
            return None
        case "off":
            return ToolChoice("none")
        case "auto" | "required":
            return ToolChoice(tools)
        case _:
            return ToolChoice("named", tools)


def _ask_all(talk: Talk, once: str | None, *, json: bool, show_thinking: bool) -> int:
    """Ask one question, or every line of stdin; the worst exit code of all."""
    # What a script reads stays what the model wrote, on a terminal too.
    printer = JsonPrinter() if json else TextPrinter(show_thinking=show_thinking, answer_pen=_once_pen())
    if once is not None:
        return talk.ask(sys.stdin.read() if once == "-" else once, printer)
    return max((talk.ask(line, printer) for line in map(str.strip, sys.stdin) if line), default=0)


def _once_pen() -> PlainPen | None:
    return None if sys.stdout.isatty() else PlainPen()


def _reply_format(file: Path) -> Constraint:
    try:
        text = file.read_text("utf-8")
        loads(text)
    except (OSError, ValueError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else f"it is no JSON: {error}"
        raise SettingsError(
            "The schema cannot be read", f"{file}: {reason}.", "Name a file with a JSON schema."
        ) from error
    return Constraint("json_schema", text)


@contextmanager
def _open(which: _Which, wishes: Wishes) -> Iterator[Talk]:
    with asyncio.Runner() as runner:
        backend = runner.run(open_backend(load_settings()))
        try:
            yield Talk(runner, backend, runner.run(_find(backend.sessions, which)), wishes)
        finally:
            runner.run(backend.close())


async def _find(sessions: Sessions, which: _Which) -> SessionRecord | None:
    """The session that goes on; None begins another.

    Raises:
        SessionNotFound: there is no such session, several, or none at all.
    """
    if which.beginning:
        return await sessions.find(which.beginning)
    if not which.newest:
        return None
    newest = await sessions.list(limit=1)
    if not newest:
        message = "There are no conversations yet."
        raise SessionNotFound("There is nothing to go on with", message, "`tether chat` begins one.")
    return newest[0]


def _converse(talk: Talk, *, show_thinking: bool) -> None:
    # Imported here, since scripts need none of it.
    from tether_desktop.cli.conversation import COMMANDS, Conversation
    from tether_desktop.cli.line_input import line_input

    printer = TextPrinter(show_thinking=show_thinking)
    talk.show_history(show_thinking=show_thinking)
    Conversation(talk, printer, line_input(talk.run, [*COMMANDS])).go()
