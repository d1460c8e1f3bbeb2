"""One turn: a question is answered, event by event, and stored as it happens."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace

from tether_desktop.context.records import MessageRecord
from tether_desktop.context.store import Store
from tether_desktop.errors import TetherError
from tether_desktop.events import Cancelled, Done, ErrorEvent, Event, Title
from tether_desktop.model.pool.pool import EnginePool
from tether_desktop.protocol.approvals import Approvals
from tether_desktop.protocol.calls import CallRunner
from tether_desktop.protocol.event_log import EventLog
from tether_desktop.protocol.output import TurnOutput
from tether_desktop.protocol.planner import TurnPlan
from tether_desktop.protocol.reading import Reading
from tether_desktop.protocol.reply_writer import ReplyWriter
from tether_desktop.protocol.rounds import Rounds
from tether_desktop.protocol.window import Cut
from tether_desktop.tools.tool import Permission

_LOG = logging.getLogger(__name__)

_Ending = Done | Cancelled | ErrorEvent


class Turn:
    """A question being answered.

    It runs as a task of its own: readers of its events come and go, only ``cancel`` stops it.

    Attributes:
        session_id: the session it belongs to.
        question: the question it has stored; None when an earlier one is answered again.
        reply: the reply as it is stored; complete after the terminal event.
        plan: what it does.
        continues: whether the reply had parts before: what the events say comes after them.
    """

    def __init__(
        self,
        plan: TurnPlan,
        store: Store,
        pool: EnginePool,
        approvals: Approvals,
        *,
        permission: Callable[[str], Permission],
        cuts: dict[str, Cut | None],
        on_end: Callable[[Turn], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start it.

        Args:
            plan: what to do.
            store: where the reply goes.
            pool: lends the engine.
            approvals: asks before calls are run.
            permission: of a tool, where nothing was said in this chat.
            cuts: where each session's history was cut last; the turn keeps its own entry.
            on_end: called just before the terminal event.
            clock: seconds, for ``queued_s`` and the times of thoughts and calls.
        """
        self.session_id = plan.reply.session_id
        self.question = plan.question
        self.reply = plan.reply
        self.continues = plan.continues
        self.plan = plan
        self._on_end = on_end
        self._log = EventLog()
        self._writer = ReplyWriter(store, plan.reply.id, begun=plan.reply.message.parts, clock=clock)
        self._out = TurnOutput(self._log, self._writer)
        runner = CallRunner(plan, approvals, self._out, permission=permission, clock=clock)
        self._reading = Reading(plan, self._out, cuts)
        self._rounds = Rounds(plan, pool, runner, self._out, self._reading, clock=clock)
        self._cancelled = False
        self._work = asyncio.create_task(self._answer(), name=f"answer in {self.session_id}")
        self._task = asyncio.create_task(self._run(), name=f"turn in {self.session_id}")

    @property
    def ended(self) -> bool:
        """Whether its terminal event is there."""
        return self._log.ended

    def events(self, after: int = 0) -> AsyncIterator[Event]:
        """Every event but the first ``after`` ones, which the reader has; ends after the one terminal event."""
        return self._log.read(after)

    def batches(self, after: int = 0) -> AsyncIterator[Sequence[Event]]:
        """As :meth:`events`, all that are there at a time."""
        return self._log.batches(after)

    def so_far(self) -> tuple[Event, ...]:
        """Every event that is there already."""
        return self._log.so_far

    async def cancel(self) -> None:
        """Stop it, whatever it is doing, and wait until what was said is stored."""
        if not self._cancelled:
            self._cancelled = True
            self._work.cancel()
        await self.wait()

    async def wait(self) -> MessageRecord:
        """Wait for the end; the reply as stored."""
        await asyncio.shield(self._task)
        return self.reply

    async def _run(self) -> None:
        await asyncio.wait({self._work})
        ending = await self._stored(self._ending())
        self._on_end(self)
        self._log.append(ending)

    async def _answer(self) -> Done:
        if self.plan.title:
            self._out.mention(Title(self.plan.title))
        self._out.close_calls()
        return await self._rounds.answer()

    def _ending(self) -> _Ending:
        if self._work.cancelled():
            return Cancelled()
        error = self._work.exception()
        return self._work.result() if error is None else _error_event(error)

    async def _stored(self, ending: _Ending) -> _Ending:
        """Store the reply's end; a failure of that becomes the ending, unless there is another already."""
        try:
            self.reply = await self._finish_reply(ending)
        except Exception as failure:  # noqa: BLE001 — the turn's outermost boundary: it must end with an event
            _LOG.warning("Reply %s could not be stored", self.reply.id, exc_info=True)
            told = ending if isinstance(ending, ErrorEvent) else _error_event(failure)
            said = self._writer.message()
            self.reply = replace(self.reply, message=said, finish_reason="error", error=told.message)
            return told
        return ending

    async def _finish_reply(self, ending: _Ending) -> MessageRecord:
        counted = self._counted(ending)
        before = self.plan.reply
        match ending:
            case Done(reason, usage, timings):
                return await self._writer.finish(reason, usage=usage, timings=timings, counted=counted)
            case Cancelled():
                return await self._writer.finish(
                    "cancelled", usage=before.usage, timings=before.timings, counted=counted
                )
            case ErrorEvent(message):
                return await self._writer.finish(
                    "error", usage=before.usage, timings=before.timings, error=message, counted=counted
                )

    def _counted(self, ending: _Ending) -> dict[str, int]:
        """How many tokens the messages of this turn have, as far as that is known."""
        counted, tokens = {}, self._reading.question_tokens
        if self.question is not None and tokens is not None:
            counted[self.question.id] = tokens
            self.question = replace(self.question, tokens=tokens)
        before = self.plan.reply
        if isinstance(ending, Done) and (before.usage or not before.message.parts):
            counted[self.reply.id] = ending.usage.completion_tokens
        return counted


def _error_event(error: BaseException) -> ErrorEvent:
    if isinstance(error, TetherError):
        return ErrorEvent(error.message, error.code, error.title, error.hint)
    _LOG.error("A turn failed unexpectedly", exc_info=error)
    return ErrorEvent(
        message="This is a mistake in the program, not yours. What was said so far is kept.",
        code="internal_error",
        title="Something went wrong inside Tether",
        hint="Try again; if it happens again, please report it together with the log.",
    )
