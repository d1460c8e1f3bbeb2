"""Answers the question of one turn, and stores the reply however that ends."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from tether_desktop.context.records import MessageRecord
from tether_desktop.context.store import Store
from tether_desktop.errors import TetherError
from tether_desktop.events import Cancelled, Done, ErrorEvent, Title
from tether_desktop.messages import FinishReason, Timings, Usage
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

Ending = Done | Cancelled | ErrorEvent


class Answering:
    """Everything that a turn needs until its end, and nobody after it."""

    def __init__(
        self,
        plan: TurnPlan,
        store: Store,
        pool: EnginePool,
        approvals: Approvals,
        log: EventLog,
        *,
        permission: Callable[[str], Permission],
        cuts: dict[str, Cut | None],
        clock: Callable[[], float],
    ) -> None:
        """Prepare.

        Args:
            plan: what to do.
            store: where the reply goes.
            pool: lends the engine.
            approvals: asks before calls are run.
            log: where all of it is told.
            permission: of a tool, where nothing was said in this chat.
            cuts: where each session's history was cut last; this session's entry is kept.
            clock: seconds, for ``queued_s`` and the times of thoughts and calls.
        """
        self._plan = plan
        self._writer = ReplyWriter(store, plan.reply.id, begun=plan.reply.message.parts, clock=clock)
        self._out = TurnOutput(log, self._writer)
        runner = CallRunner(plan, approvals, self._out, permission=permission, clock=clock)
        self._reading = Reading(plan, self._out, cuts)
        self._rounds = Rounds(plan, pool, runner, self._out, self._reading, clock=clock)

    @property
    def question_tokens(self) -> int | None:
        """Length of the question that was stored; None where there is none, or it was not counted."""
        return self._reading.question_tokens

    async def answer(self) -> Done:
        """Do it.

        Raises:
            TetherError: as the engine.
        """
        if self._plan.title:
            self._out.mention(Title(self._plan.title))
        self._out.close_calls()
        return await self._rounds.answer()

    async def stored(self, ending: Ending) -> tuple[MessageRecord, Ending]:
        """Store the reply's end; a failure of that becomes the ending, unless there is another already."""
        try:
            return await self._finish_reply(ending), ending
        except Exception as failure:  # noqa: BLE001 — the turn's outermost boundary: it must end with an event
            _LOG.warning("Reply %s could not be stored", self._plan.reply.id, exc_info=True)
            told = ending if isinstance(ending, ErrorEvent) else error_event(failure)
            said = self._writer.message()
            return replace(self._plan.reply, message=said, finish_reason="error", error=told.message), told

    async def _finish_reply(self, ending: Ending) -> MessageRecord:
        counted = self._counted(ending)
        usage: Usage | None
        timings: Timings | None
        if isinstance(ending, Done):
            usage, timings = ending.usage, ending.timings
            return await self._writer.finish(ending.finish_reason, usage=usage, timings=timings, counted=counted)
        # What a part took that was stopped or failed is not known; what was known before stays.
        usage, timings = self._plan.reply.usage, self._plan.reply.timings
        error = ending.message if isinstance(ending, ErrorEvent) else ""
        reason: FinishReason = "error" if isinstance(ending, ErrorEvent) else "cancelled"
        return await self._writer.finish(reason, usage=usage, timings=timings, error=error, counted=counted)

    def _counted(self, ending: Ending) -> dict[str, int]:
        """How many tokens the messages of this turn have, as far as that is known."""
        counted, before = {}, self._plan.reply
        if self._plan.question is not None and self.question_tokens is not None:
            counted[self._plan.question.id] = self.question_tokens
        if isinstance(ending, Done) and (before.usage or not before.message.parts):
            counted[before.id] = ending.usage.completion_tokens
        return counted


def error_event(error: BaseException) -> ErrorEvent:
    """An error as the end of a turn."""
    if isinstance(error, TetherError):
        return ErrorEvent(error.message, error.code, error.title, error.hint)
    _LOG.error("A turn failed unexpectedly", exc_info=error)
    return ErrorEvent(
        message="This is a mistake in the program, not yours. What was said so far is kept.",
        code="internal_error",
        title="Something went wrong inside Tether",
        hint="Try again; if it happens again, please report it together with the log.",
    )
