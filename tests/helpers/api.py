"""A real local port over rooms, and a client that speaks to it through a real socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx2

from tests.helpers.rooms import Rooms
from tether_desktop.context.store import Store
from tether_desktop.model.discovery.catalog import Catalog
from tether_desktop.model.install.installer import Installer
from tether_desktop.model.pool.pool import EnginePool
from tether_desktop.model.remote.server_models import ServerModels
from tether_desktop.protocol.api.gates.bounds import Bounds
from tether_desktop.protocol.api.port.local_port import LocalPort
from tether_desktop.protocol.completions import Completions
from tether_desktop.protocol.library import Library
from tether_desktop.protocol.service import SessionService
from tether_desktop.settings import Settings
from tether_desktop.tools.toolbox import Toolbox


@dataclass
class RoomsCore:
    """What the local port is a client of, of rooms; ``settings`` may be replaced as in the program."""

    settings: Settings
    sessions: SessionService
    library: Library
    completions: Completions
    store: Store
    catalog: Catalog
    servers: ServerModels
    pool: EnginePool
    installer: Installer
    toolbox: Toolbox


@dataclass(frozen=True)
class OpenApi:
    """A port that is open.

    Attributes:
        url: its address, without a path.
        token: the owner's own token.
        client: sends it with every request.
        port: to make further tokens by, or to close it.
    """

    url: str
    token: str
    client: httpx2.AsyncClient
    port: LocalPort
    core: RoomsCore
    rooms: Rooms

    def stranger(self, **headers: str) -> httpx2.AsyncClient:
        """A client that sends no token, but these headers; to be closed by the caller."""
        return http_client(self.url, headers)

    def with_scope(self, scope: Any) -> httpx2.AsyncClient:
        """A client with a new token of that scope; to be closed by the caller."""
        token = self.port.tokens.add(f"a {scope} token", scope)
        return http_client(self.url, {"Authorization": f"Bearer {token}"})


def http_client(url: str, headers: dict[str, str]) -> httpx2.AsyncClient:
    """A client that goes through no proxy."""
    return httpx2.AsyncClient(base_url=url, headers=headers, timeout=30, trust_env=False)


def core_of_rooms(rooms: Rooms, **settings: Any) -> RoomsCore:
    """The core of rooms, under their own settings but for these."""
    chosen = rooms.sessions.settings.model_copy(update=settings)
    return RoomsCore(
        chosen,
        rooms.sessions,
        Library(rooms.store),
        rooms.completions,
        rooms.store,
        rooms.catalog,
        ServerModels(),
        rooms.pool,
        Installer([rooms.models]),
        rooms.toolbox,
    )


@asynccontextmanager
async def open_port(rooms: Rooms, *, bounds: Bounds | None = None, **settings: Any) -> AsyncIterator[OpenApi]:
    """Open the port of rooms at any number that is free, under settings of its own; closes it."""
    core = core_of_rooms(rooms, **settings)
    port = LocalPort(core, bounds)
    url = await port.open(port=0)
    token = port.tokens.own()
    try:
        async with http_client(url, {"Authorization": f"Bearer {token}"}) as client:
            yield OpenApi(url, token, client, port, core, rooms)
    finally:
        await port.close()
        await core.servers.close()


@dataclass(frozen=True)
class RawAnswer:
    """An answer as it came over the wire; header names are in lower case."""

    status: int
    headers: dict[str, str]
    text: str


@asynccontextmanager
async def connection(url: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A socket to a port, for requests that no client would make."""
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def send_raw(url: str, request: bytes) -> RawAnswer:
    """Send bytes as they are; the answer to them. Lines may end in a bare line feed here."""
    async with connection(url) as (reader, writer):
        writer.write(request.replace(b"\n", b"\r\n"))
        return await read_answer(reader)


async def read_answer(reader: asyncio.StreamReader) -> RawAnswer:
    """The next answer with a length that a connection brings."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return RawAnswer(int(head[0].split()[1]), headers, body.decode())
