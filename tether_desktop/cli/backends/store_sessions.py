"""The conversations without the rest of the program, for commands that need no engine and no tools."""

from __future__ import annotations

import asyncio
import builtins
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from tether_desktop.context.files.exports import markdown_of, write_export
from tether_desktop.context.files.imports import ImportReport, import_file

if TYPE_CHECKING:
    from tether_desktop.context.records import MessageRecord, SearchHit, SessionRecord
    from tether_desktop.context.store import Store


class StoreSessions:
    """As ``SessionService`` offers them, over the store alone; nothing is being answered meanwhile."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def create(self, title: str = "", model: str = "") -> SessionRecord:
        """Begin a conversation."""
        return await asyncio.to_thread(self._store.create_session, title, model)

    async def list(
        self,
        *,
        deleted: bool = False,
        pinned: bool | None = None,
        archived: bool | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> builtins.list[SessionRecord]:
        """Those in the list or in the bin."""
        listed = partial(self._store.list_sessions, deleted=deleted, pinned=pinned, archived=archived)
        return await asyncio.to_thread(partial(listed, limit=limit, offset=offset))

    async def find(self, beginning: str) -> SessionRecord:
        """The one whose id begins so; raises SessionNotFound."""
        return await asyncio.to_thread(self._store.find_session, beginning)

    async def get(self, session_id: str) -> SessionRecord:
        """One of them."""
        return await asyncio.to_thread(self._store.get_session, session_id)

    async def history(self, session_id: str, *, limit: int | None = None) -> builtins.list[MessageRecord]:
        """The messages that are shown, oldest first."""
        return await asyncio.to_thread(partial(self._store.history, session_id, limit=limit))

    async def search(self, query: str, *, limit: int = 20, offset: int = 0) -> builtins.list[SearchHit]:
        """The messages in which all words of the query stand."""
        return await asyncio.to_thread(partial(self._store.search_messages, query, limit, offset=offset))

    async def rename(self, session_id: str, title: str) -> SessionRecord:
        """Give it another title."""
        return await asyncio.to_thread(self._store.rename_session, session_id, title.strip())

    async def pin(self, session_id: str, *, pinned: bool) -> SessionRecord:
        """Show it before the others, or no longer."""
        return await asyncio.to_thread(partial(self._store.pin_session, session_id, pinned=pinned))

    async def archive(self, session_id: str, *, archived: bool) -> SessionRecord:
        """Put it out of the way, or back into the list."""
        return await asyncio.to_thread(partial(self._store.archive_session, session_id, archived=archived))

    async def branch(self, session_id: str, message_id: str | None = None) -> SessionRecord:
        """Copy it up to a message, or all that is shown."""
        return await asyncio.to_thread(self._store.copy_branch, session_id, message_id)

    async def export(self, file: BinaryIO, session_ids: Sequence[str] | None = None) -> None:
        """Write some or all as JSON."""
        await asyncio.to_thread(write_export, self._store, file, session_ids)

    async def export_markdown(self, session_id: str) -> str:
        """What is shown of it, for people."""
        return markdown_of(await self.get(session_id), await self.history(session_id))

    async def import_from(self, file: Path) -> ImportReport:
        """Add the conversations of a file; raises ImportProblem."""
        return await asyncio.to_thread(import_file, self._store, file)

    async def delete(self, session_id: str) -> None:
        """Move it to the bin."""
        await asyncio.to_thread(self._store.delete_session, session_id)

    async def restore(self, session_id: str) -> SessionRecord:
        """Take it out of the bin."""
        return await asyncio.to_thread(self._store.restore_session, session_id)

    async def erase(self, session_id: str) -> None:
        """Remove it for good."""
        await asyncio.to_thread(self._store.erase_session, session_id)
