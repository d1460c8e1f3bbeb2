"""A reply on its way: the engine is free once it is made, and stopped once nobody listens."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager

import pytest
from starlette.types import Message

from tether_desktop.errors import EngineError
from tether_desktop.events import Token
from tether_desktop.messages import Timings, Usage
from tether_desktop.protocol.api.openai.chat_form import ChatForm
from tether_desktop.protocol.api.openai.stream import CompletionResponse
from tether_desktop.protocol.completions import Completion, CompletionEvent, Finished

SAID: tuple[CompletionEvent, ...] = (Token("One"), Token(" two"), Finished("stop", Usage(3, 0, 2), Timings()))


class Exchange:
    """A request of one reply, whose client reads nothing before it is told to.

    Attributes:
        sent: what the server was given.
        made: set once the engine is free.
    """

    def __init__(self, *, stream: bool = True, error: BaseException | None = None, endless: bool = False) -> None:
        self.sent: list[Message] = []
        self.reads, self.left, self.made, self.speaks = (asyncio.Event() for _ in range(4))
        self._error = error
        self._endless = endless
        response = CompletionResponse(self._opened(), ChatForm(), stream=stream)
        self.task = asyncio.create_task(response({"type": "http"}, self._receive, self._send))

    @property
    def body(self) -> str:
        return b"".join(message.get("body", b"") for message in self.sent).decode()

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[Completion]:
        try:
            async with aclosing(self._events()) as events:
                yield Completion("Tiny", 3, events)
        finally:
            self.made.set()

    async def _events(self) -> AsyncGenerator[CompletionEvent, None]:
        for event in SAID:
            if self._error and isinstance(event, Finished):
                raise self._error
            yield event
            self.speaks.set()
            if self._endless:
                await asyncio.Event().wait()

    async def _receive(self) -> Message:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        await self.reads.wait()
        self.sent.append(message)


async def test_a_client_that_reads_slowly_keeps_the_engine_from_nobody() -> None:
    exchange = Exchange()
    await exchange.made.wait()
    assert exchange.sent == []
    exchange.reads.set()
    await exchange.task
    assert exchange.body.endswith("data: [DONE]\n\n")
    assert [message["type"] for message in exchange.sent[:2]] == ["http.response.start", "http.response.body"]
    assert [message.get("more_body") for message in exchange.sent[1:]] == [True] * (len(exchange.sent) - 2) + [False]


@pytest.mark.parametrize("stream", [True, False])
async def test_a_client_that_leaves_stops_the_reply(stream: bool) -> None:
    exchange = Exchange(stream=stream, endless=True)
    exchange.reads.set()
    await exchange.speaks.wait()
    assert not exchange.made.is_set()
    exchange.left.set()
    await exchange.task
    assert exchange.made.is_set()


async def test_a_server_that_closes_stops_the_reply() -> None:
    exchange = Exchange(endless=True)
    await exchange.speaks.wait()
    exchange.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await exchange.task
    assert exchange.made.is_set()


@pytest.mark.parametrize("error", [EngineError("Failed", "The engine failed."), RuntimeError("secret")])
async def test_an_error_has_a_status_as_long_as_nothing_was_sent(error: Exception) -> None:
    whole, streamed = Exchange(stream=False, error=error), Exchange(error=error)
    for exchange in (whole, streamed):
        exchange.reads.set()
        await exchange.task
        assert "secret" not in exchange.body
    assert (whole.sent[0]["status"], streamed.sent[0]["status"]) == (500, 200)
    assert json.loads(whole.body)["error"]["type"] == "server_error"
    *_, last, nothing = streamed.body.split("\n\n")
    assert json.loads(last.removeprefix("data: "))["error"]["type"] == "server_error"
    assert nothing == ""
