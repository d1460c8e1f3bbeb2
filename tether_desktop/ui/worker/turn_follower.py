"""Follows every turn and all news of sessions, whichever client is behind them, and gathers them frame by frame."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tether_desktop.context.records import SessionRecord
from tether_desktop.events import TERMINAL_EVENTS, ErrorEvent, Event
from tether_desktop.protocol.news import BranchChanged, News, SessionChanged, SessionGone, TurnStarted
from tether_desktop.ui.told import as_tether_error
from tether_desktop.ui.worker.session_news import SessionsNews
from tether_desktop.ui.worker.started_turn import StartedTurn

if TYPE_CHECKING:
    from tether_desktop.protocol.turn import Turn
    from tether_desktop.ui.worker.worker_loop import Outlet

logger = logging.getLogger(__name__)

asked_here: ContextVar[bool] = ContextVar("asked_here", default=False)
"""Set in tasks that start a turn for the window; the tasks they start inherit it, and so does the news of the turn."""


@dataclass(slots=True)
class _Frame:
    """What one frame brings of a turn."""

    started: StartedTurn | None = None
    events: list[Event] = field(default_factory=list)


class TurnFollower:
    """Reads the events of all turns; belongs to the worker's loop.

    Args:
        loop: where it reads.
        schedule: called when there is something for :meth:`hand_over`.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, schedule: Callable[[], None]) -> None:
        self._loop = loop
        self._schedule = schedule
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._frames: dict[tuple[str, str], _Frame] = {}
        self._sessions: dict[str, SessionRecord | None] = {}
        self._branched: set[str] = set()

    def on_news(self, news: News) -> None:
        """Take what the session service tells."""
        match news:
            case TurnStarted(turn):
                self._frame(turn).started = started_turn(turn, here=asked_here.get())
                self._follow(turn)
            case SessionChanged(session):
                self._sessions[session.id] = session
            case SessionGone(session_id):
                self._sessions[session_id] = None
                self._branched.discard(session_id)
            case BranchChanged(session_id):
                self._branched.add(session_id)
        self._schedule()

    def on_temporary_news(self, news: News) -> None:
        """Take what is told of sessions that are never stored: what the list of sessions shows is not for them."""
        if isinstance(news, TurnStarted | BranchChanged):
            self.on_news(news)

    def replay(self, turn: Turn) -> None:
        """Hand over a turn's events from the first one on, also those that were handed over before."""
        before = self._tasks.pop(turn.reply.id, None)
        if before is not None:
            before.cancel()
        self._frames.pop(_key(turn), None)
        self._follow(turn)

    def hand_over(self, outlet: Outlet) -> None:
        """Tell what has come: first of sessions, then of their turns, in order."""
        sessions, self._sessions = self._sessions, {}
        branched, self._branched = self._branched, set()
        frames, self._frames = self._frames, {}
        if sessions or branched:
            changed = tuple(session for session in sessions.values() if session is not None)
            gone = tuple(session_id for session_id, session in sessions.items() if session is None)
            outlet.sessions(SessionsNews(changed, gone, tuple(branched)))
        for (session_id, reply_id), frame in frames.items():
            if frame.started is not None:
                outlet.turn_started(frame.started)
            if frame.events:
                outlet.events(session_id, reply_id, frame.events)

    async def wait(self, seconds: float) -> None:
        """Wait until all turns have ended, at most so long."""
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=seconds)

    def _follow(self, turn: Turn) -> None:
        reply_id = turn.reply.id
        task = self._loop.create_task(self._read(turn), name=f"follow the turn in {turn.session_id}")
        self._tasks[reply_id] = task
        task.add_done_callback(lambda done: self._forget(reply_id, done))

    def _forget(self, reply_id: str, done: asyncio.Task[None]) -> None:
        if self._tasks.get(reply_id) is done:
            del self._tasks[reply_id]

    async def _read(self, turn: Turn) -> None:
        ended = False
        try:
            async for event in turn.events():
                ended = isinstance(event, TERMINAL_EVENTS)
                self._add(turn, event)
        except Exception as error:  # the top of a task: the window has to hear that the turn is over
            logger.exception("A turn could not be followed")
            if not ended:
                told = as_tether_error(error)
                self._add(turn, ErrorEvent(told.message, told.code, told.title, told.hint))

    def _add(self, turn: Turn, event: Event) -> None:
        self._frame(turn).events.append(event)
        self._schedule()

    def _frame(self, turn: Turn) -> _Frame:
        return self._frames.setdefault(_key(turn), _Frame())


def started_turn(turn: Turn, *, here: bool = False) -> StartedTurn:
    """What the window is told of a turn that has begun; ``here`` when the window has begun it."""
    return StartedTurn(turn.session_id, turn.question, turn.reply, here, turn.continues)


def _key(turn: Turn) -> tuple[str, str]:
    return turn.session_id, turn.reply.id
