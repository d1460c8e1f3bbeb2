"""Uvicorn in a loop that is not its own: no signal handlers, and an end that comes."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import Iterable
from typing import Any

from fastapi import FastAPI
from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from tether_desktop.protocol.api.gates.bounds import Bounds
from tether_desktop.protocol.api.problem import problem

logger = logging.getLogger(__name__)
# What is wrong with requests is told to those who made them.
logger.setLevel(logging.ERROR)

_STEPS_TO_CONNECT = 4


class Serving:
    """Connections of one listening socket, and the requests in them."""

    def __init__(self, app: FastAPI, bounds: Bounds) -> None:
        self._app = app
        self._bounds = bounds
        self._state = _State()
        self._server: asyncio.Server | None = None

    async def start(self, listener: socket.socket) -> None:
        """Serve what connects to a socket that listens, until :meth:`stop`."""
        # The kind of connection is chosen here and not left to what else is installed.
        config = Config(
            self._app,
            ws="none",
            interface="asgi3",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=round(self._bounds.head_seconds),
        )
        config.load()
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(config, self._state, self._bounds), sock=listener)
        await self._app.state.monitor.start()

    def take_no_more(self) -> None:
        """Accept no connection and no request any more."""
        self._app.state.closing = True
        self._state.is_open = False
        for connection in list(self._state.connections):
            connection.shutdown()

    async def stop(self) -> None:
        """Let the requests that run come to an end, and end those that do not; takes seconds."""
        await self._stop_listening()
        await _ended(self._state.tasks, self._bounds.grace_seconds)
        for task in list(self._state.tasks):
            task.cancel()
        await _ended(self._state.tasks, self._bounds.farewell_seconds)
        await self._disconnected()
        await _ended(self._state.tasks, self._bounds.farewell_seconds)
        await self._app.state.monitor.close()
        self._app.state.session_pages.close()

    async def _stop_listening(self) -> None:
        # Connections that asyncio has accepted need their server until they are made, or it leaves them open.
        for _ in range(_STEPS_TO_CONNECT):
            await asyncio.sleep(0)
        if self._server is not None:
            self._server.close()

    async def _disconnected(self) -> None:
        """Wait until the clients have read what was sent; those that do not are cut off."""
        try:
            async with asyncio.timeout(self._bounds.farewell_seconds):
                await self._state.nobody.wait()
        except TimeoutError:
            for connection in list(self._state.connections):
                connection.transport.abort()


class _State(ServerState):
    """What all connections share.

    Attributes:
        is_open: whether more may come.
        nobody: set while there are none.
    """

    def __init__(self) -> None:
        super().__init__()
        self.is_open = True
        self.nobody = asyncio.Event()
        self.nobody.set()


class _Connection(HttpToolsProtocol):
    """Uvicorn's, with bounds for what it leaves unbounded: heads of requests, and how many clients there are."""

    def __init__(self, config: Config, state: _State, bounds: Bounds) -> None:
        super().__init__(config, state, {})
        self._state = state
        self.logger = logger
        self._bounds = bounds
        self._head_bytes = 0
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._state.nobody.clear()
        if not self._state.is_open:
            # It was on its way in when the port was closed.
            transport.abort()
        elif len(self.connections) > self._bounds.connections:
            self._refuse(503, "too_many_connections", "Too many programs are connected at once.")
        else:
            self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_came()
        super().connection_lost(exc)
        if not self.connections:
            self._state.nobody.set()

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        began = self._deadline is not None
        super().data_received(data)
        if not began or self._deadline is None:
            return
        self._head_bytes += len(data)
        if self._head_bytes > self._bounds.head_bytes and not self.transport.is_closing():
            self._refuse(431, "headers_too_large", "The headers of the request are too long.")

    def on_message_begin(self) -> None:
        if self._deadline is None:
            self._await_head()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._head_came()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        self._refuse(400, "invalid_http", msg)

    def _unsupported_upgrade_warning(self) -> None:
        """What a client wishes is no warning; the request is answered as if it had not asked."""

    def _await_head(self) -> None:
        self._head_bytes = 0
        self._deadline = self.loop.call_later(self._bounds.head_seconds, self._give_up)

    def _head_came(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._deadline = None
        if not self.transport.is_closing():
            self._refuse(408, "request_timeout", "The request did not come to its end in time.")

    def _refuse(self, status: int, code: str, message: str) -> None:
        """Answer what never becomes a request, and hang up."""
        self._head_came()
        body = json.dumps(problem(status, code, "The request cannot be read", message, "Send it again.")).encode()
        headers = (
            b"content-type: application/json; charset=utf-8",
            b"content-length: %d" % len(body),
            b"cache-control: no-store",
            b"x-content-type-options: nosniff",
            b"connection: close",
        )
        self.transport.write(STATUS_LINE[status] + b"\r\n".join((*headers, b"", body)))
        self.transport.close()


async def _ended(tasks: Iterable[asyncio.Task[Any]], seconds: float) -> None:
    """Wait for tasks, but not longer than that."""
    if running := list(tasks):
        await asyncio.wait(running, timeout=seconds)
