"""Messages over streamable HTTP, for the SDK: bounded, without proxies on this computer, closed in time."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import anyio
import httpx2
from mcp.client.streamable_http import streamable_http_client

from tether_desktop import __version__
from tether_desktop.tools.mcp.framing import LONGEST_MESSAGE
from tether_desktop.tools.mcp.spec import Address, is_loopback
from tether_desktop.tools.mcp.timing import Timing

if TYPE_CHECKING:
    from mcp.client._transport import TransportStreams

_CONNECT_S = 20.0
_IDLE_S = 300.0
_SESSION = "mcp-session-id"


@dataclass
class WebTrace:
    """What HTTP said last, which the SDK keeps to itself.

    Attributes:
        status: of the newest answer that was a refusal; 0 where there was none.
        session: the server's name for the session.
    """

    status: int = 0
    session: str = ""

    async def note(self, response: httpx2.Response) -> None:
        """Look at an answer."""
        self.session = response.headers.get(_SESSION, self.session)
        if response.status_code >= 400:
            self.status = response.status_code


@asynccontextmanager
async def web_transport(address: Address, trace: WebTrace, timing: Timing) -> AsyncGenerator[TransportStreams, None]:
    """Speak with a server elsewhere; leaving ends the session."""
    async with (
        _client(address, trace) as client,
        # Ending the session is done here, where it cannot take longer than ending a program.
        streamable_http_client(
            address.url, http_client=client, terminate_on_close=False, max_sse_event_size=LONGEST_MESSAGE
        ) as streams,
    ):
        try:
            yield streams
        finally:
            with anyio.move_on_after(timing.end, shield=True):
                await _say_goodbye(client, address.url, trace)


def _client(address: Address, trace: WebTrace) -> httpx2.AsyncClient:
    headers = {"User-Agent": f"Tether/{__version__}", **dict(address.variables), "Accept-Encoding": "identity"}
    return httpx2.AsyncClient(
        headers=headers,
        timeout=httpx2.Timeout(_IDLE_S, connect=_CONNECT_S),
        trust_env=not is_loopback(address.url),
        follow_redirects=False,
        event_hooks={"response": [trace.note, _bound]},
    )


async def _say_goodbye(client: httpx2.AsyncClient, url: str, trace: WebTrace) -> None:
    if not trace.session:
        return
    try:
        await client.delete(url, headers={_SESSION: trace.session})
    except (httpx2.HTTPError, httpx2.StreamError):
        # A server that is gone has no session left to end.
        return


async def _bound(response: httpx2.Response) -> None:
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in {"", "identity"}:
        raise httpx2.RemoteProtocolError("it compresses its answers although it was asked not to")
    # Of a stream of events the SDK bounds each one.
    if not response.headers.get("content-type", "").lower().startswith("text/event-stream"):
        response.stream = _Bounded(cast("httpx2.AsyncByteStream", response.stream))


class _Bounded(httpx2.AsyncByteStream):
    """A body that ends in an error where it becomes too large."""

    def __init__(self, inner: httpx2.AsyncByteStream) -> None:
        self._inner = inner

    async def __aiter__(self) -> AsyncIterator[bytes]:
        taken = 0
        async for piece in self._inner:
            taken += len(piece)
            if taken > LONGEST_MESSAGE:
                raise httpx2.StreamError("it is larger than can be taken")
            yield piece

    async def aclose(self) -> None:
        await self._inner.aclose()
