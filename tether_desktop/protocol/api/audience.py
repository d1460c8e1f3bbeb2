"""Who reads the turns that were begun over the port, and what happens when the last reader has gone."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from tether_desktop.protocol.turn import Turn

_LOG = logging.getLogger(__name__)

GRACE_S = 5.0
"""Seconds in which a client that lost its connection can come back, before nobody's turn is stopped."""


@dataclass(slots=True)
class _Readers:
    count: int = 0
    farewell: asyncio.TimerHandle | None = None

    def join(self) -> None:
        """Count one more, with whom the turn goes on."""
        self.count += 1
        if self.farewell is not None:
            self.farewell.cancel()
            self.farewell = None


class Audience:
    """Stops turns that nobody reads any more, so that a client that died leaves no engine running.

    Only turns that were begun by a request which has to be followed count: those of the window, and those that are
    to keep running, go on by themselves. All of it belongs to one asyncio loop.

    Attributes:
        grace_s: seconds between the last reader's going and the stop.
    """

    def __init__(self, grace_s: float = GRACE_S) -> None:
        self.grace_s = grace_s
        self._needed: dict[Turn, _Readers] = {}
        self._stops: set[asyncio.Task[None]] = set()

    def need(self, turn: Turn) -> None:
        """Let a turn run only as long as somebody reads it."""
        self._forget_ended()
        readers = self._needed[turn] = _Readers()
        # The client may be gone before it has read a line.
        self._part(turn, readers)

    @contextmanager
    def reading(self, turn: Turn) -> Iterator[None]:
        """Count a reader of a turn; of any turn."""
        readers = self._needed.get(turn)
        if readers is None:
            yield
            return
        readers.join()
        try:
            yield
        finally:
            readers.count -= 1
            if readers.count == 0:
                self._part(turn, readers)

    def _part(self, turn: Turn, readers: _Readers) -> None:
        if turn.ended:
            self._needed.pop(turn, None)
        else:
            readers.farewell = asyncio.get_running_loop().call_later(self.grace_s, self._stop, turn)

    def _stop(self, turn: Turn) -> None:
        self._needed.pop(turn, None)
        if turn.ended:
            return
        _LOG.info("The turn in %s is stopped, because nobody reads it any more", turn.session_id)
        stop = asyncio.create_task(turn.cancel())
        self._stops.add(stop)
        stop.add_done_callback(self._stops.discard)

    def _forget_ended(self) -> None:
        for turn in [turn for turn in self._needed if turn.ended]:
            del self._needed[turn]


async def audience_of(request: Request) -> Audience:
    """The audience of the application that serves a request."""
    audience: Audience = request.app.state.audience
    return audience


TheAudience = Annotated[Audience, Depends(audience_of)]
"""Annotates a route's parameter that is to be the audience."""
