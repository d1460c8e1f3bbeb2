"""How answers end that nothing else ends."""

from __future__ import annotations

import asyncio
import json
import logging
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from tether_desktop.protocol.api.gates.last_words import LastWords

DETAIL = "the cat is called Ghislaine"


class Exchange:
    """A request to an application in the gate's hands; what was sent back.

    Attributes:
        begun: set when the application has sent something, or waits for ever.
    """

    def __init__(self, path: str = "/sessions") -> None:
        self.sent: list[Message] = []
        self.begun = asyncio.Event()
        self.server = SimpleNamespace(state=SimpleNamespace(closing=False))
        self.scope: dict[str, Any] = {"type": "http", "method": "GET", "path": path, "app": self.server, "headers": []}

    async def run(self, application: Any) -> None:
        async def send(message: Message) -> None:
            self.sent.append(message)

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        await LastWords(application)(self.scope, receive, send)

    async def close_port_during(self, application: Any) -> None:
        task = asyncio.create_task(self.run(application))
        await self.begun.wait()
        self.server.state.closing = True
        task.cancel()
        await task

    def streaming(self, content_type: str) -> Any:
        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            await send(
                {"type": "http.response.start", "status": 200, "headers": [(b"content-type", content_type.encode())]}
            )
            await send({"type": "http.response.body", "body": b"first\n", "more_body": True})
            self.begun.set()
            await asyncio.Event().wait()

        return application

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent)

    @property
    def is_complete(self) -> bool:
        return not self.sent[-1].get("more_body", False)


async def fail(scope: Scope, receive: Receive, send: Send) -> None:
    raise RuntimeError(DETAIL)


@pytest.mark.parametrize("path", ["/sessions", "/v1/models"])
async def test_a_fault_is_logged_and_told_without_its_details(path: str, caplog: pytest.LogCaptureFixture) -> None:
    exchange = Exchange(path)
    with caplog.at_level(logging.INFO):
        await exchange.run(fail)
    assert exchange.sent[0]["status"] == 500
    assert DETAIL.encode() not in exchange.body
    assert ("error" in json.loads(exchange.body)) is path.startswith("/v1/")
    (record,) = caplog.records
    assert record.exc_info
    assert DETAIL in caplog.text


async def test_a_fault_in_the_middle_leaves_the_answer_without_an_end() -> None:
    exchange = Exchange()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise RuntimeError(DETAIL)

    await exchange.run(application)
    assert exchange.body == b"half"
    assert not exchange.is_complete


async def test_lines_end_with_an_error_when_the_port_is_closed() -> None:
    exchange = Exchange()
    await exchange.close_port_during(exchange.streaming("application/x-ndjson; charset=utf-8"))
    first, last = exchange.body.splitlines()
    assert first == b"first"
    assert (json.loads(last)["type"], json.loads(last)["code"]) == ("error", "port_closed")
    assert exchange.is_complete


async def test_events_end_with_an_error_when_the_port_is_closed() -> None:
    exchange = Exchange("/v1/chat/completions")
    await exchange.close_port_during(exchange.streaming("text/event-stream"))
    last = exchange.body.removeprefix(b"first\ndata: ")
    assert last.endswith(b"\n\n")
    assert json.loads(last)["error"]["code"] == "port_closed"
    assert exchange.is_complete


async def test_other_answers_stay_without_an_end_when_the_port_is_closed() -> None:
    exchange = Exchange()
    await exchange.close_port_during(exchange.streaming("text/markdown"))
    assert exchange.body == b"first\n"
    assert not exchange.is_complete


async def test_a_request_that_waits_is_told_that_the_port_is_closed() -> None:
    exchange = Exchange()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        exchange.begun.set()
        await asyncio.Event().wait()

    await exchange.close_port_during(application)
    assert exchange.sent[0]["status"] == 503
    assert json.loads(exchange.body)["code"] == "port_closed"


async def test_requests_that_come_while_the_port_is_being_closed_are_refused() -> None:
    exchange = Exchange()
    exchange.server.state.closing = True
    await exchange.run(fail)
    assert exchange.sent[0]["status"] == 503
    assert (b"connection", b"close") in exchange.sent[0]["headers"]


async def test_a_request_that_is_cancelled_for_other_reasons_is_cancelled() -> None:
    exchange = Exchange()
    task = asyncio.create_task(exchange.run(exchange.streaming("application/x-ndjson")))
    await exchange.begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not exchange.is_complete
