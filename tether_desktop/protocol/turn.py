"""One turn: a question is answered, event by event, and stored as it happens."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace

from tether_desktop.context.records import MessageRecord
from tether_desktop.context.store import Store
from tether_desktop.events import Cancelled, Done, Event
from tether_desktop.model.pool.pool import EnginePool
from tether_desktop.protocol.answering import Answering, Ending, error_event
from tether_desktop.protocol.approvals import Approvals
from tether_desktop.protocol.event_log import EventLog
from tether_desktop.protocol.planner import TurnPlan
from tether_desktop.protocol.window import Cut
from tether_desktop.tools.tool import Permission


class Turn:
    """A question being answered.

    It runs as a task of its own: readers of its events come and go, only ``cancel`` stops it.

    Attributes:
        session_id: the session it belongs to.
        question: the question it has stored; None when an earlier one is answered again.
        reply: the reply as it is stored; complete after the terminal event.
        plan: what it does; after its end without the messages before it.
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
        answering = Answering(plan, store, pool, approvals, self._log, permission=permission, cuts=cuts, clock=clock)
        self._work: asyncio.Task[Done] | None
        self._work = work = asyncio.create_task(answering.answer(), name=f"answer in {self.session_id}")
        self._task = asyncio.create_task(self._run(answering, work), name=f"turn in {self.session_id}")

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
        work, self._work = self._work, None
        if work is not None:
            work.cancel()
        await self.wait()

    async def wait(self) -> MessageRecord:
        """Wait for the end; the reply as stored."""
        await asyncio.shield(self._task)
        return self.reply

    async def _run(self, answering: Answering, work: asyncio.Task[Done]) -> None:
        await asyncio.wait({work})
        self.reply, ending = await answering.stored(_ending(work))
        if self.question is not None:
            self.question = replace(self.question, tokens=answering.question_tokens)
        self._on_end(self)
        # An ended turn is kept for a while, and need not keep its whole conversation; nor does its task, by an error.
        self.plan, self._work = replace(self.plan, branch=()), None
        self._log.append(ending)


def _ending(work: asyncio.Task[Done]) -> Ending:
    if work.cancelled():
        return Cancelled()
    error = work.exception()
    return work.result() if error is None else error_event(error)
