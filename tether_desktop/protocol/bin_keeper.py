"""Erases what has been in the bin for as long as the settings say: at start, and once a day."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import Final

from tether_desktop.errors import TetherError
from tether_desktop.protocol.service import SessionService

_DAY_S: Final = 24 * 60 * 60

_LOG = logging.getLogger(__name__)


class BinKeeper:
    """Looks into the bin now and then; all of it belongs to one asyncio loop."""

    def __init__(self, sessions: SessionService, *, pause_s: float = _DAY_S) -> None:
        """Prepare.

        Args:
            sessions: whose bin it is; its settings say for how many days it keeps sessions.
            pause_s: between two looks, in seconds; nothing wakes the program in between.
        """
        self._sessions = sessions
        self._pause_s = pause_s
        self._next: asyncio.TimerHandle | None = None
        self._look: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Look now, in the background, and then again and again."""
        self._look = asyncio.create_task(self._empty())
        self._next = asyncio.get_running_loop().call_later(self._pause_s, self.start)

    async def close(self) -> None:
        """Look no more; what is being erased is erased to its end."""
        if self._next is not None:
            self._next.cancel()
        if self._look is not None:
            await self._look

    async def _empty(self) -> None:
        days = self._sessions.settings.bin_days
        if not days:
            return
        try:
            count = await self._sessions.empty_bin(timedelta(days=days))
        except TetherError as problem:
            _LOG.warning("What was in the bin for %d days is not all erased: %s", days, problem)
        else:
            if count:
                _LOG.info("Erased %d conversations that were in the bin for %d days", count, days)
