"""A server with the API of OpenAI that says what a test wants, as slowly and as wrongly as it wants."""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

Step = bytes | asyncio.Event | Literal["drop", "hold"]
"""Bytes to send; an event to wait for; the connection reset; or nothing more until the client is gone."""

STREAM = {"Content-Type": "text/event-stream; charset=utf-8"}


@dataclass(frozen=True)
class Answer:
    """What the server answers to one request.

    Attributes:
        steps: its body.
        status: of HTTP.
        headers: beside those that every answer has.
    """

    steps: Sequence[Step] = ()
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: dict(STREAM))


@dataclass(frozen=True)
class Asked:
    """A request as it came, the names of its headers in small letters."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


def event(value: object) -> bytes:
    """A server-sent event."""
    return f"data: {json.dumps(value)}\n\n".encode()


def piece(text: str | None = None, *, finish: str | None = None, **delta: object) -> bytes:
    """An event with a piece of a reply."""
    fields = {"content": text, **delta} if text is not None else delta
    choice = {"index": 0, "delta": fields, "finish_reason": finish}
    return event({"object": "chat.completion.chunk", "choices": [choice]})


def call(
    index: int | None = 0, id_: str | None = None, name: str | None = None, arguments: Any = None
) -> dict[str, Any]:
    """A call of a tool, or a piece of one, with what is told of it."""
    function = {"name": name, "arguments": arguments}
    told = {name: value for name, value in function.items() if value is not None}
    fields = {"index": index, "id": id_, "type": "function" if id_ else None, "function": told}
    return {name: value for name, value in fields.items() if value is not None}


def calls(*pieces: dict[str, Any], finish: str | None = None) -> bytes:
    """An event with calls of tools, or pieces of them."""
    return piece(None, finish=finish, tool_calls=list(pieces))


def usage(prompt: int, completion: int, cached: int = 0) -> bytes:
    """The event with the counts, which comes last."""
    details = {"prompt_tokens_details": {"cached_tokens": cached}}
    counts = {"prompt_tokens": prompt, "completion_tokens": completion, **details}
    return event({"object": "chat.completion.chunk", "choices": [], "usage": counts})


DONE = b"data: [DONE]\n\n"


def say(*texts: str, finish: str = "stop") -> Answer:
    """A whole reply, a token each."""
    tokens = [piece(text) for text in texts]
    return Answer([piece("", role="assistant"), *tokens, piece(finish=finish), usage(20, len(texts)), DONE])


def refuse(status: int, error: object = None, **headers: str) -> Answer:
    """An error; as text where it is one, else as JSON."""
    body = error.encode() if isinstance(error, str) else json.dumps({"error": error}).encode()
    kind = "text/plain" if isinstance(error, str) else "application/json"
    return Answer([body], status, {"Content-Type": kind, **headers})


def give(value: object) -> Answer:
    """A JSON document."""
    return Answer([json.dumps(value).encode()], 200, {"Content-Type": "application/json"})


class OpenAIServer:
    """The server; made by :func:`serving` and :func:`serving_aside`.

    Attributes:
        models: what it lists.
        key: without which it answers nobody; empty for none.
        answers: to the next chats, in order; after them it says "Hello there.".
        others: answers to other paths than chats, made from the body of the request.
        asked: all requests so far.
        holding: set when the server says nothing more and waits for its client to go.
        left: set when that client is gone.
    """

    def __init__(self) -> None:
        self.models: list[dict[str, Any]] = [{"id": "tiny", "object": "model", "owned_by": "test"}]
        self.key = ""
        self.answers: list[Answer] = []
        self.others: dict[str, Callable[[Any], Answer]] = {}
        self.asked: list[Asked] = []
        self.holding, self.left = asyncio.Event(), asyncio.Event()
        self.port = 0
        self._scheme = "http"
        self._connections: set[asyncio.Task[Any]] = set()

    @property
    def url(self) -> str:
        """Of its API."""
        return f"{self._scheme}://127.0.0.1:{self.port}/v1"

    @property
    def chats(self) -> list[Any]:
        """The bodies of the chats it was asked for."""
        return [asked.body for asked in self.asked if asked.path == "/v1/chat/completions"]

    @asynccontextmanager
    async def running(self, certificate: ssl.SSLContext | None = None) -> AsyncIterator[OpenAIServer]:
        """The server, as long as the block runs."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=certificate)
        self.port = server.sockets[0].getsockname()[1]
        self._scheme = "https" if certificate else "http"
        try:
            yield self
        finally:
            server.close()
            for task in self._connections:
                task.cancel()
            await asyncio.gather(*self._connections, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)
        try:
            while (asked := await _request(reader)) is not None:
                self.asked.append(asked)
                await self._send(self._answer(asked), reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError, asyncio.CancelledError):
            # A task that ends as cancelled is an error to the streams of asyncio.
            pass
        finally:
            writer.close()

    def _answer(self, asked: Asked) -> Answer:
        if self.key and asked.headers.get("authorization") != f"Bearer {self.key}":
            return refuse(401, {"message": "Incorrect API key provided", "code": "invalid_api_key"})
        if asked.path in self.others:
            return self.others[asked.path](asked.body)
        if asked.path == "/v1/models":
            return give({"object": "list", "data": self.models})
        if asked.path == "/v1/chat/completions":
            return self.answers.pop(0) if self.answers else say("Hello", " there", ".")
        return refuse(404, {"message": "Not Found"})

    async def _send(self, answer: Answer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        headers = {**answer.headers, "Transfer-Encoding": "chunked"}
        lines = [f"HTTP/1.1 {answer.status} Said", *(f"{name}: {value}" for name, value in headers.items())]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        for step in answer.steps:
            await self._take(step, reader, writer)
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    async def _take(self, step: Step, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if isinstance(step, bytes):
            if step:
                writer.write(f"{len(step):x}\r\n".encode() + step + b"\r\n")
            await writer.drain()
        elif isinstance(step, asyncio.Event):
            await step.wait()
        elif step == "hold":
            self.holding.set()
            # Nothing more comes from a client but the end of its connection.
            await reader.read(1)
            self.left.set()
            raise ConnectionResetError
        else:
            writer.transport.abort()
            raise ConnectionResetError


@asynccontextmanager
async def serving(certificate: ssl.SSLContext | None = None) -> AsyncIterator[OpenAIServer]:
    """A server in the test's own loop."""
    async with OpenAIServer().running(certificate) as server:
        yield server


@contextmanager
def serving_aside() -> Iterator[OpenAIServer]:
    """A server in a thread, for what has a loop of its own."""
    started, stop = threading.Event(), asyncio.Event()
    found: list[tuple[OpenAIServer, asyncio.AbstractEventLoop]] = []

    async def run() -> None:
        async with serving() as server:
            found.append((server, asyncio.get_running_loop()))
            started.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    started.wait()
    server, loop = found[0]
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()


async def _request(reader: asyncio.StreamReader) -> Asked | None:
    """The next request of a connection; None at its end."""
    first = await reader.readline()
    if not first:
        return None
    method, path, _ = first.decode().split()
    headers: dict[str, str] = {}
    while line := (await reader.readline()).decode().strip():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Asked(method, path, headers, json.loads(body) if body else None)
