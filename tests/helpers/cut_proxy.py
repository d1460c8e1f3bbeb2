"""A proxy that cuts the first connection with a long answer after some of its bytes, and then lets all pass."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit


class CutProxy:
    """Passes bytes on to an address, under which requests that come here name their host.

    Attributes:
        url: where it listens.
        cuts: how many connections it has cut.
    """

    def __init__(self, target: str, after: int, *, for_good: bool) -> None:
        address = urlsplit(target)
        self._host, self._port = address.hostname or "", address.port or 0
        self._after = after
        self._for_good = for_good
        self.url = ""
        self.cuts = 0
        self._open: set[asyncio.StreamWriter] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass one connection on."""
        if self._for_good and self.cuts:
            writer.close()
            return
        there_reader, there_writer = await asyncio.open_connection(self._host, self._port)
        asking = asyncio.create_task(self._pass(reader, there_writer))
        self._open.add(there_writer)
        try:
            await self._answers(there_reader, writer)
        finally:
            self._open.discard(there_writer)
            asking.cancel()
            await asyncio.wait([asking])
            for end in (there_writer, writer):
                end.close()

    def hang_up(self) -> None:
        """End the connections that are kept open for further requests."""
        for writer in self._open:
            writer.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ours, theirs = urlsplit(self.url).netloc, f"{self._host}:{self._port}"
        while piece := await reader.read(1 << 16):
            writer.write(piece.replace(ours.encode(), theirs.encode()))

    async def _answers(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        body = -1
        with suppress(ConnectionError):
            while piece := await reader.read(1 << 16):
                if self.cuts == 0 and (body >= 0 or b"application/x-ndjson" in piece):
                    head = piece.find(b"\r\n\r\n") + 4 if body < 0 else 0
                    room = head + self._after - max(body, 0)
                    if len(piece) >= room:
                        self.cuts += 1
                        writer.write(piece[:room])
                        await writer.drain()
                        return
                    body = max(body, 0) + len(piece) - head
                writer.write(piece)
                await writer.drain()


@asynccontextmanager
async def cut_proxy(target: str, after: int, *, for_good: bool = False) -> AsyncIterator[CutProxy]:
    """A proxy to ``target`` that cuts the first streamed answer after so many bytes, and ``for_good`` all after it."""
    proxy = CutProxy(target, after, for_good=for_good)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield proxy
    finally:
        server.close()
        proxy.hang_up()
        await server.wait_closed()
