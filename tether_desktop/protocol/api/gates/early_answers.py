"""Answers that are given before the body has been read: they reach senders that read only after they have sent."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tether_desktop.protocol.api.gates.bounds import Bounds


class EarlyAnswers:
    """Sends such an answer at once, throws the rest of the body away for a while, and hangs up.

    Hanging up at once would have the system tell the sender of a broken connection, and the answer would be lost.
    """

    def __init__(self, app: ASGIApp, bounds: Bounds) -> None:
        self._app = app
        self._bounds = bounds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http" or not has_body(Headers(scope=scope)):
            await self._app(scope, receive, send)
        else:
            exchange = _Exchange(receive, send, self._bounds.linger_seconds)
            await self._app(scope, exchange.receive, exchange.send)


class _Exchange:
    """A request with a body, and its answer."""

    def __init__(self, receive: Receive, send: Send, linger_seconds: float) -> None:
        self._receive = receive
        self._send = send
        self._linger_seconds = linger_seconds
        self._is_read = False

    async def receive(self) -> Message:
        message = await self._receive()
        self._is_read = not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        if self._is_read:
            await self._send(message)
        elif message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), (b"connection", b"close")]
            await self._send(message)
        elif message.get("more_body", False):
            await self._send(message)
        else:
            await self._send({**message, "more_body": True})
            await self._throw_rest_away()
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _throw_rest_away(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._linger_seconds):
                while not self._is_read:
                    await self.receive()


def has_body(headers: Headers) -> bool:
    """Whether a request says that it brings a body."""
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
