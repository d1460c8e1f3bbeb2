"""Asks for what may take long, or for ever, without ever waiting so long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class Probe(Generic[Answer]):
    """A question that is asked in a thread, by one at a time: a database that hangs costs one thread, however
    often somebody wants to know.
    """

    def __init__(self, ask: Callable[[], Answer], limit_s: float) -> None:
        """Prepare; the answer may take that many seconds."""
        self._ask = ask
        self._limit_s = limit_s
        self._asked: asyncio.Task[Answer] | None = None

    async def answer(self) -> Answer:
        """The answer, to a question that was asked just now or is open still; raises what asking raises.

        Raises:
            TimeoutError: there is none within the limit.
        """
        if self._asked is None or self._asked.done():
            self._asked = asyncio.create_task(asyncio.to_thread(self._ask))
            self._asked.add_done_callback(_take_note)
        asked = self._asked
        done, _ = await asyncio.wait({asked}, timeout=self._limit_s)
        if not done:
            raise TimeoutError
        return asked.result()


def _take_note(asked: asyncio.Task[Answer]) -> None:
    """Nobody may be waiting any more; that it failed then is no fault."""
    if not asked.cancelled():
        asked.exception()
