"""Removes sessions for good, whatever goes on in them, and tells of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from tether_desktop.context.store import Store
from tether_desktop.protocol.news import AllErased, NewsDesk, SessionGone
from tether_desktop.protocol.turn_desk import TurnDesk

_TOLD_AT_ONCE: Final = 100


class Eraser:
    """Erases one session, those in the bin, or all."""

    def __init__(self, store: Store, turns: TurnDesk, news: NewsDesk) -> None:
        self._store = store
        self._turns = turns
        self._news = news

    async def erase(self, session_id: str) -> None:
        """Remove a session, ending its turn."""
        async with self._turns.exclusive(session_id):
            await self._turns.end(session_id)
            try:
                await asyncio.to_thread(self._store.erase_session, session_id)
            finally:  # it may be gone although traces of it remain
                self._turns.forget(session_id)
        self._news.tell(SessionGone(session_id))

    async def empty_bin(self, older_than: timedelta | None) -> int:
        """Remove what has been in the bin for longer than that, or all that is in it; how many that were."""
        before = None if older_than is None else datetime.now(UTC) - older_than
        return await self._tell_and_scrub(await asyncio.to_thread(self._store.purge_bin, before))

    async def erase_all(self) -> int:
        """Remove all sessions, folders and drafts, ending all turns; how many sessions that were."""
        await self._end_turns()
        ids = await asyncio.to_thread(self._store.erase_all)
        try:
            return await self._tell_and_scrub(ids)
        finally:  # they are gone although traces of them remain
            self._news.tell(AllErased())

    async def _tell_and_scrub(self, ids: Sequence[str]) -> int:
        await self._end_turns(ids)  # one may have begun meanwhile
        for number, session_id in enumerate(ids):
            self._turns.forget(session_id)
            self._news.tell(SessionGone(session_id))
            if number % _TOLD_AT_ONCE == 0:
                await asyncio.sleep(0)
        if ids:
            await asyncio.to_thread(self._store.scrub)
        return len(ids)

    async def _end_turns(self, session_ids: Sequence[str] | None = None) -> None:
        wanted = None if session_ids is None else set(session_ids)
        for turn in self._turns.all():
            if wanted is None or turn.session_id in wanted:
                async with self._turns.exclusive(turn.session_id):
                    await self._turns.end(turn.session_id)
