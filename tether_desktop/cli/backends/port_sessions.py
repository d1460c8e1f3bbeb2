"""The conversations of a running Tether, on its port."""

from __future__ import annotations

import asyncio
import builtins
import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import quote

import httpx2

from tether_desktop.cli.backends.port_client import PortClient, lost
from tether_desktop.context.record_json import hit_from_json, message_from_json, session_from_json
from tether_desktop.context.records import MessageRecord, SearchHit, SessionRecord
from tether_desktop.errors import ImportProblem, SessionNotFound

if TYPE_CHECKING:
    from tether_desktop.context.files.imports import ImportReport

_PAGE = 1000
_PIECE = 1 << 18


class PortSessions:
    """As ``SessionService`` offers them; errors are those it raised, or PortErrors."""

    def __init__(self, client: PortClient) -> None:
        self._client = client

    async def create(self, title: str = "", model: str = "") -> SessionRecord:
        """Begin a conversation."""
        return session_from_json(await self._client.call("POST", "/sessions", {"title": title, "model_name": model}))

    async def list(
        self,
        *,
        deleted: bool = False,
        pinned: bool | None = None,
        archived: bool | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> builtins.list[SessionRecord]:
        """Those in the list or in the bin; asked for page by page."""
        found: builtins.list[SessionRecord] = []
        while limit is None or len(found) < limit:
            wanted = _PAGE if limit is None else min(_PAGE, limit - len(found))
            which = {"deleted": _flag(deleted), "pinned": _flag(pinned), "archived": _flag(archived)}
            page = await self._client.get("/sessions", **which, limit=wanted, offset=offset + len(found))
            found += map(session_from_json, page)
            if len(page) < wanted:
                break
        return found

    async def find(self, beginning: str) -> SessionRecord:
        """The one, in the list or the bin, whose id begins so.

        Raises:
            SessionNotFound: there is none, or there are several.
        """
        all_there_are = [*await self.list(), *await self.list(deleted=True)]
        found = [session for session in all_there_are if beginning and session.id.startswith(beginning)]
        if len(found) == 1:
            return found[0]
        what = f"{len(found)} conversations begin with" if found else "No conversation has the id"
        message = f"{what} {beginning!r}."
        raise SessionNotFound("There is no such conversation", message, "`tether sessions list` shows all ids.")

    async def get(self, session_id: str) -> SessionRecord:
        """One of them."""
        return session_from_json(await self._client.get(_path(session_id)))

    async def history(self, session_id: str, *, limit: int | None = None) -> builtins.list[MessageRecord]:
        """The messages that are shown, oldest first; with ``limit`` the newest ones."""
        found = await self._client.get(_path(session_id, "messages"), limit=limit)
        return [message_from_json(fields) for fields in found]

    async def search(self, query: str, *, limit: int = 20, offset: int = 0) -> builtins.list[SearchHit]:
        """The messages in which all words of the query stand."""
        found = await self._client.get("/sessions/search", q=query, limit=min(limit, _PAGE), offset=offset)
        return [hit_from_json(fields) for fields in found]

    async def rename(self, session_id: str, title: str) -> SessionRecord:
        """Give it another title."""
        return await self._change(session_id, {"title": title})

    async def pin(self, session_id: str, *, pinned: bool) -> SessionRecord:
        """Show it before the others, or no longer."""
        return await self._change(session_id, {"pinned": pinned})

    async def archive(self, session_id: str, *, archived: bool) -> SessionRecord:
        """Put it out of the way, or back into the list."""
        return await self._change(session_id, {"archived": archived})

    async def branch(self, session_id: str, message_id: str | None = None) -> SessionRecord:
        """Copy it up to a message, or all that is shown."""
        path = _path(session_id, "branch")
        return session_from_json(await self._client.call("POST", path, {"message_id": message_id}, patient=True))

    async def export(self, file: BinaryIO, session_ids: Sequence[str] | None = None) -> None:
        """Write all as JSON, or one.

        Raises:
            OSError: the file cannot be written.
        """
        if session_ids is None:
            await self._download("/sessions/export", file)
            return
        (only,) = session_ids
        await self._download(_path(only, "export"), file)

    async def export_markdown(self, session_id: str) -> str:
        """What is shown of it, for people."""
        async with self._client.stream("GET", _path(session_id, "export"), query={"format": "markdown"}) as answer:
            return (await answer.aread()).decode()

    async def import_from(self, file: Path) -> ImportReport:
        """Add the conversations of a file.

        Raises:
            ImportProblem: it cannot be read, or is none.
        """
        if not await asyncio.to_thread(file.is_file):
            message = f"{file} is not there, or is no file."
            raise ImportProblem("The file cannot be read", message, "Name an export, or ChatGPT's conversations.json.")
        # Imported here, since it brings in the database, which clients of the port need not wait for.
        from tether_desktop.context.files.imports import ImportReport, Skipped

        report = await self._client.upload("/sessions/import", _pieces(file))
        imported = tuple(map(session_from_json, report["imported"]))
        return ImportReport(imported, tuple(Skipped(each["title"], each["reason"]) for each in report["skipped"]))

    async def delete(self, session_id: str) -> None:
        """Move it to the bin."""
        await self._client.call("DELETE", _path(session_id), patient=True)

    async def restore(self, session_id: str) -> SessionRecord:
        """Take it out of the bin."""
        return session_from_json(await self._client.call("POST", _path(session_id, "restore")))

    async def erase(self, session_id: str) -> None:
        """Remove it for good."""
        await self._client.call("DELETE", _path(session_id), query={"erase": "true"}, patient=True)

    async def _change(self, session_id: str, changes: dict[str, Any]) -> SessionRecord:
        return session_from_json(await self._client.call("PATCH", _path(session_id), changes))

    async def _download(self, path: str, file: BinaryIO) -> None:
        try:
            async with self._client.stream("GET", path) as answer:
                async for piece in answer.aiter_bytes(_PIECE):
                    await asyncio.to_thread(file.write, piece)
        except httpx2.TransportError as error:
            raise lost(self._client.url, error) from error


async def _pieces(file: Path) -> AsyncIterator[bytes]:
    with await asyncio.to_thread(file.open, "rb") as source:
        while piece := await asyncio.to_thread(source.read, _PIECE):
            yield piece


def _path(session_id: str, what: str = "") -> str:
    return f"/sessions/{quote(session_id, safe='')}" + (f"/{what}" if what else "")


def _flag(value: bool | None) -> str | None:
    return None if value is None else json.dumps(value)
