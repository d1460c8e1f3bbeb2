"""A conversation of `tether chat`: one question at a time, its events printed, its calls answered for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from tether_desktop.cli.approval import ask_person
from tether_desktop.cli.backends.backend import Backend, Question, RunningTurn
from tether_desktop.cli.message_text import print_message
from tether_desktop.errors import TetherError
from tether_desktop.events import Cancelled, Done, ErrorEvent, Event, ToolApproval
from tether_desktop.protocol.tool_use import ToolUse

if TYPE_CHECKING:
    from tether_desktop.context.records import MessageRecord, SessionRecord
    from tether_desktop.model.engine import Constraint

_EXIT_CODES: dict[type[Event], int] = {Done: 0, ErrorEvent: 1, Cancelled: 130}

_R = TypeVar("_R")


class Printer(Protocol):
    """Where a turn's events go."""

    def show(self, event: Event) -> None:
        """Print one event."""
        ...


@dataclass(frozen=True, slots=True)
class Wishes:
    """What holds for the questions of a run.

    Attributes:
        model: who answers; None leaves that to the session and the settings.
        tool_use: what may be called.
        reply_format: what every reply has to be.
    """

    model: str | None
    tool_use: ToolUse
    reply_format: Constraint | None


class Talk:
    """A conversation with Tether: one question at a time, each in a run of the event loop of its own.

    Attributes:
        backend: the program.
        session: the session that goes on; None until the first question begins one.
        wishes: what holds for the next question.
    """

    def __init__(self, runner: asyncio.Runner, backend: Backend, session: SessionRecord | None, wishes: Wishes) -> None:
        """Go on with a session, or begin one with the first question."""
        self._runner = runner
        self.backend = backend
        self.session = session
        self.wishes = wishes

    def run(self, work: Coroutine[Any, Any, _R]) -> _R:
        """What comes of a piece of work in the event loop."""
        return self._runner.run(work)

    def ask(self, question: str, printer: Printer) -> int:
        """Ask and print the answer; the exit code it stands for. Ctrl-C stops the answer and keeps it."""
        return self._answer(Question(question), printer)

    def ask_again(self, reply_id: str, printer: Printer) -> int:
        """Have a reply made once more, beside the one there is; as :meth:`ask`."""
        return self._answer(Question(regenerate=reply_id), printer)

    def use(self, *, model: str) -> None:
        """Let another model answer from the next question on."""
        self.wishes = replace(self.wishes, model=model)

    def history(self) -> list[MessageRecord]:
        """What was said so far."""
        return [] if self.session is None else self.run(self.backend.sessions.history(self.session.id))

    def show_history(self, *, show_thinking: bool) -> None:
        """Print what was said so far."""
        for record in self.history():
            print_message(record, show_thinking=show_thinking)

    def _answer(self, question: Question, printer: Printer) -> int:
        try:
            return self._follow(self.run(self._start(question)), printer)
        except TetherError as error:
            printer.show(ErrorEvent(error.message, error.code, error.title, error.hint))
            return 1
        except KeyboardInterrupt:
            printer.show(Cancelled())
            return _EXIT_CODES[Cancelled]

    def _follow(self, turn: RunningTurn, printer: Printer) -> int:
        """Print a turn to its end, answering for the calls that ask in between; the exit code it stands for."""
        events = turn.events()
        while isinstance(reached := self.run(_read(turn, events, printer)), ToolApproval):
            try:
                answer = ask_person()
            except KeyboardInterrupt:
                self.run(turn.cancel())
            else:
                self.run(self.backend.answer(turn.session_id, reached.id, answer))
        return reached

    async def _start(self, question: Question) -> RunningTurn:
        """Ask in the session, or in a new one, which goes again when the question is refused."""
        wishes, sessions = self.wishes, self.backend.sessions
        question = replace(question, model=wishes.model, tool_use=wishes.tool_use, reply_format=wishes.reply_format)
        session = self.session or await sessions.create(model=wishes.model or "")
        try:
            turn = await self.backend.ask(session.id, question)
        except TetherError:
            if self.session is None:
                await sessions.erase(session.id)
            raise
        self.session = session
        return turn


async def _read(turn: RunningTurn, events: AsyncIterator[Event], printer: Printer) -> int | ToolApproval:
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
