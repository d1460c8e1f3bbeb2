"""Sends a reply as it is made: the engine works while somebody listens, and no longer."""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import AbstractAsyncContextManager

from fastapi import Response
from starlette.types import Message, Receive, Scope, Send

from tether_desktop.errors import TetherError
from tether_desktop.protocol.api.openai.errors import error_body, error_response, internal_error
from tether_desktop.protocol.api.openai.form import Form, Json
from tether_desktop.protocol.completions import Completion

logger = logging.getLogger(__name__)

_DONE = b"data: [DONE]\n\n"
_UNBUFFERED = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
"""No proxy shall keep a stream to itself."""


class CompletionResponse(Response):
    """A reply that is still to be made; a client that goes away stops it, be it loading, queued or speaking.

    Nothing is sent before the model has said something, so that what goes wrong until then has its own status. A
    client that reads slowly keeps the engine from nobody: what it has not read waits here.
    """

    def __init__(self, opened: AbstractAsyncContextManager[Completion], form: Form, *, stream: bool) -> None:
        """Prepare.

        Args:
            opened: makes the reply; entered here.
            form: how it is told.
            stream: whether chunk by chunk.
        """
        media_type = "text/event-stream" if stream else "application/json"
        super().__init__(headers=_UNBUFFERED if stream else None, media_type=media_type)
        del self.headers["content-length"]
        self._opened = opened
        self._form = form
        self._stream = stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 (ASGI's)
        """Make and send it."""
        out = _Out(self)
        async with asyncio.TaskGroup() as group:
            making = group.create_task(self._make(out))
            sending = group.create_task(out.send_all(send))
            watching = group.create_task(_stop_when_gone(receive, making, sending))
            sending.add_done_callback(lambda _: watching.cancel())

    async def _make(self, out: _Out) -> None:
        try:
            async with self._opened as completion:
                await self._write(completion, out)
        except TetherError as error:
            out.fail(error)
        # The edge of HTTP: a client that waits is told, whatever it was.
        except Exception:
            logger.exception("A completion failed")
            out.fail(internal_error())

    async def _write(self, completion: Completion, out: _Out) -> None:
        events = completion.events()
        if not self._stream:
            out.write(_json(self._form.whole(completion, [event async for event in events])), last=True)
            return
        first = await anext(events)
        for chunk in self._form.opening(completion) + self._form.chunks(first):
            out.write(_event(chunk))
        async for event in events:
            for chunk in self._form.chunks(event):
                out.write(_event(chunk))
        out.write(_DONE, last=True)


class _Out:
    """What goes out, in order."""

    def __init__(self, response: Response) -> None:
        self._response = response
        self._messages: asyncio.Queue[Message] = asyncio.Queue()
        self._started = False

    def write(self, body: bytes, *, last: bool = False) -> None:
        """Send a piece of the body; the headers go first."""
        if not self._started:
            self._start(self._response)
        self._put_body(body, last=last)

    def fail(self, error: TetherError) -> None:
        """Send an error: with its status, or in the stream where that has begun."""
        if self._started:
            self._put_body(_event(error_body(error)), last=True)
            return
        answer = error_response(error)
        self._start(answer)
        self._put_body(bytes(answer.body), last=True)

    async def send_all(self, send: Send) -> None:
        """Hand it to the server as fast as the client reads, to the end."""
        more = True
        while more:
            message = await self._messages.get()
            await send(message)
            more = message.get("more_body", True)

    def _start(self, answer: Response) -> None:
        self._started = True
        start = {"type": "http.response.start", "status": answer.status_code, "headers": answer.raw_headers}
        self._messages.put_nowait(start)

    def _put_body(self, body: bytes, *, last: bool) -> None:
        self._messages.put_nowait({"type": "http.response.body", "body": body, "more_body": not last})


async def _stop_when_gone(receive: Receive, *tasks: asyncio.Task[None]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    for task in tasks:
        task.cancel()


def _event(value: Json) -> bytes:
    return b"data: " + _json(value) + b"\n\n"


def _json(value: Json) -> bytes:
    # In ASCII, for clients that take exotic line ends for the end of an event.
    return json.dumps(value, separators=(",", ":")).encode()
