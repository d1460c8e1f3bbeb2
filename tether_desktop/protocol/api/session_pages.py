"""Pages of the list of conversations, made once for as long as nothing changes: clients ask for it again and again."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from fastapi import Depends, Request

from tether_desktop.context.record_json import session_json
from tether_desktop.protocol.api.core import Core
from tether_desktop.protocol.api.ndjson import to_json
from tether_desktop.protocol.library import Shelf
from tether_desktop.protocol.news import News

_KEPT = 32


class Which(NamedTuple):
    """Which conversations, as the route's parameters say."""

    deleted: bool
    pinned: bool | None
    archived: bool | None
    limit: int
    offset: int


class Page(NamedTuple):
    """A page.

    Attributes:
        body: a JSON array in UTF-8.
        more: whether another page follows.
    """

    body: bytes
    more: bool


class SessionPages:
    """The pages that were asked for since a session last changed.

    Only the program's own database is changed by nobody else: its data folder is locked. Pages of another one are made
    each time.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self._pages: dict[Which, Page] = {}
        self._changes = 0
        self._stops = (core.sessions.subscribe(self._on_change), core.library.subscribe(self._on_change))

    async def get(self, which: Which) -> Page:
        """A page; raises as ``SessionService.list``."""
        page = self._pages.get(which)
        return page or await self._made(which)

    async def _made(self, which: Which) -> Page:
        changes = self._changes
        found = await self._core.sessions.list(
            deleted=which.deleted,
            pinned=which.pinned,
            archived=which.archived,
            limit=which.limit + 1,
            offset=which.offset,
        )
        page = Page(to_json([session_json(session) for session in found[: which.limit]]), len(found) > which.limit)
        if changes == self._changes and not self._core.settings.sqlite_url and len(self._pages) < _KEPT:
            self._pages[which] = page
        return page

    def close(self) -> None:
        """Listen no more."""
        for stop in self._stops:
            stop()

    def _on_change(self, _what: News | Shelf) -> None:
        self._changes += 1
        self._pages.clear()


async def pages_of(request: Request) -> SessionPages:
    """The pages of the application that serves a request."""
    pages: SessionPages = request.app.state.session_pages
    return pages


ThePages = Annotated[SessionPages, Depends(pages_of)]
"""Annotates a route's parameter that is to be the pages."""
