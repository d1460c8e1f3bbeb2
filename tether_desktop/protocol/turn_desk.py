"""The turns that run and those that just ended, at most one at a time in each session."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from weakref import WeakValueDictionary

from tether_desktop.context.store import Store
from tether_desktop.errors import SessionBusy, TurnNotFound
from tether_desktop.model.pool.pool import EnginePool
from tether_desktop.protocol.approvals import Approvals
from tether_desktop.protocol.planner import TurnPlan
from tether_desktop.protocol.turn import Turn
from tether_desktop.protocol.window import Cut
from tether_desktop.tools.toolbox import Toolbox

KEPT_TURNS = 32
"""Turns that have ended whose events can still be read."""


class TurnDesk:
    """Starts turns, ends them, and finds them; all of it belongs to one asyncio loop."""

    def __init__(
        self,
        store: Store,
        pool: EnginePool,
        approvals: Approvals,
        toolbox: Toolbox,
        *,
        on_start: Callable[[Turn], None],
        on_end: Callable[[Turn], None],
    ) -> None:
        """Prepare.

        Args:
            store: where replies go.
            pool: lends the engines.
            approvals: asks before calls are run.
            toolbox: says which calls may run.
            on_start: called when a turn runs, before any of its events is read.
            on_end: called just before its terminal event.
        """
        self._store = store
        self._pool = pool
        self._approvals = approvals
        self._toolbox = toolbox
        self._on_start = on_start
        self._on_end = on_end
        self._running: dict[str, Turn] = {}
        self._ended: OrderedDict[str, Turn] = OrderedDict()
        self._starts: set[asyncio.Task[Turn]] = set()
        self._cuts: dict[str, Cut | None] = {}
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def exclusive(self, session_id: str) -> asyncio.Lock:
        """Held while a turn is being started, and by what must not come in between."""
        return self._locks.setdefault(session_id, asyncio.Lock())

    def check_idle(self, session_id: str) -> None:
        """Refuse what cannot be done while a session answers.

        Raises:
            SessionBusy: it does.
        """
        if session_id in self._running:
            raise SessionBusy(
                "Still answering",
                "This conversation is still answering the last question.",
                "Wait for the reply, or stop it.",
            )

    async def start(self, session_id: str, plan: Callable[[], TurnPlan]) -> Turn:
        """Plan a turn in a thread, and run it; once it is being stored, a caller that goes away does not stop it.

        Raises:
            SessionBusy: the session is still answering.
            TetherError: as ``plan``.
        """
        start = asyncio.create_task(self._plan_and_run(session_id, plan))
        self._starts.add(start)
        start.add_done_callback(self._starts.discard)
        return await asyncio.shield(start)

    async def end(self, session_id: str) -> bool:
        """Stop the session's turn and wait until what was said is stored; False when there is none."""
        turn = self._running.get(session_id)
        if turn is not None:
            await turn.cancel()
        return turn is not None

    def forget(self, session_id: str) -> None:
        """Drop what is remembered of a session that is gone."""
        self._cuts.pop(session_id, None)
        self._ended.pop(session_id, None)
        self._approvals.forget(session_id)

    def running(self, session_id: str) -> Turn | None:
        """The session's turn, while it has one."""
        return self._running.get(session_id)

    def newest(self, session_id: str) -> Turn:
        """The session's turn, or its last one for a while after its end.

        Raises:
            TurnNotFound: nothing was asked, or it was too long ago.
        """
        turn = self._running.get(session_id) or self._ended.get(session_id)
        if turn is None:
            raise TurnNotFound(
                "Nothing is being answered",
                f"No answer is being written in conversation {session_id}, nor was one just now.",
                "Its messages have all that was said.",
            )
        return turn

    def all(self) -> list[Turn]:
        """All turns that run."""
        return [*self._running.values()]

    async def close(self) -> None:
        """Stop every turn and wait until all that was said is stored."""
        await asyncio.gather(*self._starts, return_exceptions=True)
        await asyncio.gather(*(turn.cancel() for turn in self._running.values()))

    async def _plan_and_run(self, session_id: str, make: Callable[[], TurnPlan]) -> Turn:
        async with self.exclusive(session_id):
            self.check_idle(session_id)
            plan = await asyncio.to_thread(make)
            turn = Turn(
                plan,
                self._store,
                self._pool,
                self._approvals,
                permission=self._toolbox.permission,
                cuts=self._cuts,
                on_end=self._take_leave,
            )
            self._running[session_id] = turn
            self._on_start(turn)
            return turn

    def _take_leave(self, turn: Turn) -> None:
        session_id = turn.session_id
        self._ended[session_id] = self._running.pop(session_id)
        self._ended.move_to_end(session_id)
        self._approvals.forget(session_id)
        if self._cuts.get(session_id) is None:
            self._cuts.pop(session_id, None)
        while len(self._ended) > KEPT_TURNS:
            self._ended.popitem(last=False)
        self._on_end(turn)
