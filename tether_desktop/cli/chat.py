"""`tether chat`: a conversation in the terminal, or one question for a script."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from json import loads
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol

import typer

from tether_desktop.cli.approval import ask_person
from tether_desktop.cli.event_printer import JsonPrinter, TextPrinter
from tether_desktop.cli.output import note
from tether_desktop.cli.sessions import find_session, print_message
from tether_desktop.context.records import SessionRecord
from tether_desktop.errors import SettingsError, TetherError
from tether_desktop.events import Cancelled, Done, ErrorEvent, Event, ToolApproval
from tether_desktop.messages import ToolChoice
from tether_desktop.model.engine import Constraint
from tether_desktop.protocol.tool_use import ToolUse
from tether_desktop.settings import Settings, load_settings

if TYPE_CHECKING:
    from tether_desktop.app import Tether
    from tether_desktop.protocol.turn import Turn

HELP = r"""Write a question and press Enter; a \ at the end of a line goes on in the next.
  Ctrl-C     stops the answer and keeps what was said
  \thinking  shows or hides the model's thoughts
  \help      shows this
  \exit      leaves, as does Ctrl-D"""

_EXIT_CODES: dict[type[Event], int] = {Done: 0, ErrorEvent: 1, Cancelled: 130}


class Printer(Protocol):
    """Where a turn's events go."""

    def show(self, event: Event) -> None:
        """Print one event."""
        ...


def chat(
    *,
    model: Annotated[
        str, typer.Option("--model", "-m", help="Who answers; else the session's or the default one.")
    ] = "",
    session: Annotated[
        str, typer.Option("--session", "-s", help="Go on with a session: its id, or its beginning.")
    ] = "",
    once: Annotated[
        str | None, typer.Option(help="Ask this, print the answer and leave; - reads it from stdin.")
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print the events as NDJSON; questions are lines of stdin.")
    ] = False,
    show_thinking: Annotated[bool, typer.Option("--show-thinking", help="Print the model's thoughts.")] = False,
    tools: Annotated[
        str,
        typer.Option(help="off, auto, required, or the name of the tool to call; else as the settings say."),
    ] = "",
    schema: Annotated[
        Path | None, typer.Option(help="A file with a JSON schema: every reply is JSON that fits it.")
    ] = None,
    allow: Annotated[
        list[str] | None, typer.Option(help="A tool that may be called unasked; may be given several times.")
    ] = None,
) -> None:
    """Talk to a model in the terminal."""
    attended = sys.stdin.isatty() and not json
    tool_use = ToolUse(_choice(tools), attended, frozenset(allow or ()))
    wishes = Wishes(model or None, tool_use, _reply_format(schema) if schema else None)
    with _open(load_settings(), session, wishes) as talk:
        printer = JsonPrinter() if json else TextPrinter(show_thinking=show_thinking)
        if once is not None:
            raise typer.Exit(talk.ask(sys.stdin.read() if once == "-" else once, printer))
        if isinstance(printer, JsonPrinter):
            raise typer.Exit(max((talk.ask(line, printer) for line in map(str.strip, sys.stdin) if line), default=0))
        _converse(talk, printer)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What holds for every question of a run.

    Attributes:
        model: who answers; None leaves that to the session and the settings.
        tool_use: what may be called.
        reply_format: what every reply has to be.
    """

    model: str | None
    tool_use: ToolUse
    reply_format: Constraint | None


class Talk:
    """A conversation with Tether: one question at a time, each in a run of the event loop of its own."""

    def __init__(self, runner: asyncio.Runner, tether: Tether, session: SessionRecord | None, wishes: Wishes) -> None:
        """Go on with a session, or begin one with the first question."""
        self._runner = runner
        self._tether = tether
        self._wishes = wishes
        self.session = session

    def ask(self, question: str, printer: Printer) -> int:
        """Ask and print the answer; the exit code it stands for. Ctrl-C stops the answer and keeps it."""
        try:
            return self._follow(self._runner.run(self._start(question)), printer)
        except TetherError as error:
            printer.show(ErrorEvent(error.message, error.code, error.title, error.hint))
            return 1
        except KeyboardInterrupt:
            printer.show(Cancelled())
            return _EXIT_CODES[Cancelled]

    def show_history(self, *, show_thinking: bool) -> None:
        """Print what was said so far."""
        if self.session is not None:
            for record in self._runner.run(self._tether.sessions.history(self.session.id)):
                print_message(record, show_thinking=show_thinking)

    def _follow(self, turn: Turn, printer: Printer) -> int:
        """Print a turn to its end, answering for the calls that ask in between; the exit code it stands for."""
        events = turn.events()
        while isinstance(reached := self._runner.run(_read(turn, events, printer)), ToolApproval):
            try:
                answer = ask_person()
            except KeyboardInterrupt:
                self._runner.run(turn.cancel())
            else:
                self._runner.run(self._tether.sessions.answer(turn.session_id, reached.id, answer))
        return reached

    async def _start(self, question: str) -> Turn:
        """Ask in the session, or in a new one, which goes again when the question is refused."""
        sessions = self._tether.sessions
        session = self.session or await sessions.create(model=self._wishes.model or "")
        try:
            turn = await sessions.send(
                session.id,
                question,
                model=self._wishes.model,
                tool_use=self._wishes.tool_use,
                reply_format=self._wishes.reply_format,
            )
        except TetherError:
            if self.session is None:
                await sessions.erase(session.id)
            raise
        self.session = session
        return turn


async def _read(turn: Turn, events: AsyncIterator[Event], printer: Printer) -> int | ToolApproval:
    """Print events until one asks for an answer, or the turn ends."""
    reading = asyncio.create_task(_print(events, printer))
    try:
        return await asyncio.shield(reading)
    except asyncio.CancelledError:
        # Ctrl-C: asyncio cancels this task. Only the turn is stopped, and read to its end.
        await turn.cancel()
        return await reading


async def _print(events: AsyncIterator[Event], printer: Printer) -> int | ToolApproval:
    code = 0
    async for event in events:
        printer.show(event)
        if isinstance(event, ToolApproval):
            return event
        code = _EXIT_CODES.get(type(event), code)
    return code


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


def _choice(tools: str) -> ToolChoice | None:
    match tools:
        case "":
            return None
        case "off":
            return ToolChoice("none")
        case "auto" | "required":
            return ToolChoice(tools)
        case _:
            return ToolChoice("named", tools)


@contextmanager
def _open(settings: Settings, session: str, wishes: Wishes) -> Iterator[Talk]:
    # Imported here, since it brings in the database, which commands that need none should not wait for.
    from tether_desktop.app import Tether

    with asyncio.Runner() as runner:
        tether = Tether(settings)
        runner.run(tether.start())
        try:
            found = find_session(tether.store, session) if session else None
            choice = wishes.tool_use.choice
            if choice is None or choice.mode != "none":
                # A window fills its list of tools as they come; a question that is asked at once must not miss them.
                runner.run(tether.tools.settled())
            yield Talk(runner, tether, found, wishes)
        finally:
            runner.run(tether.close())


def _converse(talk: Talk, printer: TextPrinter) -> None:
    with suppress(ImportError):
        import readline  # noqa: F401  gives input() a history and line editing
    talk.show_history(show_thinking=printer.show_thinking)
    note(r"\help shows what you can do; Ctrl-D leaves.")
    for line in _questions():
        match line.strip():
            case "":
                continue
            case "\\exit":
                return
            case "\\help":
                note(HELP)
            case "\\thinking":
                printer.show_thinking = not printer.show_thinking
                note(f"Thoughts are {'shown' if printer.show_thinking else 'hidden'}.")
            case _:
                talk.ask(line, printer)


def _questions() -> Iterator[str]:
    """What the person types, until Ctrl-D; Ctrl-C drops the line."""
    lines: list[str] = []
    while True:
        try:
            lines.append(input(("... " if lines else "> ") if sys.stdin.isatty() else ""))
        except EOFError:
            note("")
            return
        except KeyboardInterrupt:
            lines.clear()
            note("\n(Ctrl-D leaves.)")
            continue
        if lines[-1].endswith("\\") and not lines[0].startswith("\\"):
            lines[-1] = lines[-1][:-1]
        else:
            yield "\n".join(lines)
            lines.clear()
