"""Requests as the log and the figures have them: ids, templates, bytes, and nothing that a client can choose."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from tether_desktop.logs import log_file, request_id, start_logging, stop_logging
from tether_desktop.protocol.api.monitoring.request_log import RequestLog, Served


class Route:
    """What a router leaves in the scope."""

    path = "/sessions/{session_id}"


class Heard:
    """An observer that keeps what it hears."""

    def __init__(self) -> None:
        self.open = 0
        self.streams: list[tuple[str, int]] = []
        self.served: list[Served] = []

    def request_began(self) -> None:
        self.open += 1

    def stream_changed(self, kind: str, change: int) -> None:
        self.streams.append((kind, change))

    def request_served(self, request: Served) -> None:
        self.open -= 1
        self.served.append(request)


class Application:
    """Answers in two pieces, or fails on the way."""

    def __init__(self, *, status: int = 200, content_type: bytes = b"application/json", fails_after: int = 99) -> None:
        self.status = status
        self.content_type = content_type
        self.fails_after = fails_after
        self.ids: list[str] = []

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        self.ids.append(request_id())
        scope["route"] = Route()
        scope["state"] = {"token_scope": "chat"}
        messages: list[Message] = [
            {"type": "http.response.start", "status": self.status, "headers": [(b"content-type", self.content_type)]},
            {"type": "http.response.body", "body": b"12345", "more_body": True},
            {"type": "http.response.body", "body": b"678"},
        ]
        for sent, message in enumerate(messages):
            if sent == self.fails_after:
                raise ConnectionAbortedError
            await send(message)


@pytest.fixture(autouse=True)
def logging_started() -> Iterator[None]:
    start_logging()
    yield
    stop_logging()


def scope_of(method: str = "GET", path: str = "/sessions/abc", **headers: str) -> dict[str, Any]:
    named = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    return {"type": "http", "method": method, "path": path, "query_string": b"q=delicate", "headers": named}


async def ask(app: Any, scope: dict[str, Any], heard: Heard | None = None) -> list[Message]:
    """What is answered to a request; the clock goes on by a second at every look."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    seconds = iter(range(100))
    await RequestLog(app, observer=heard or Heard(), clock=lambda: next(seconds))(scope, receive, send)
    return sent


def id_of(sent: list[Message]) -> str:
    (given,) = [value for name, value in sent[0]["headers"] if name == b"x-request-id"]
    return str(given.decode())


def logged() -> str:
    return log_file().read_text(encoding="utf-8")


async def test_a_request_is_told_by_its_template_with_all_that_became_of_it() -> None:
    heard = Heard()
    await ask(Application(), scope_of(), heard)
    assert heard.served == [Served("GET", "/sessions/{session_id}", 200, 1, 8, "chat")]
    assert heard.open == 0


async def test_one_line_is_logged_without_query_path_or_body() -> None:
    sent = await ask(Application(), scope_of(path="/sessions/secret-id"))
    (line,) = logged().splitlines()
    assert line.endswith(f"[{id_of(sent)}] GET /sessions/{{session_id}} 200, 1000.0 ms, 8 bytes, chat")
    assert "INFO" in line


async def test_as_json_the_line_has_a_field_for_each_fact(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TETHER_LOG_FORMAT", "json")
    start_logging()
    sent = await ask(Application(status=404), scope_of("DELETE"))
    line = json.loads(logged())
    facts = {name: line[name] for name in ("request_id", "method", "route", "status", "ms", "bytes", "client")}
    assert facts == {
        "request_id": id_of(sent),
        "method": "DELETE",
        "route": "/sessions/{session_id}",
        "status": 404,
        "ms": 1000.0,
        "bytes": 8,
        "client": "chat",
    }


@pytest.mark.parametrize("given", ["abc", "7f9c-12.x_Y", "a" * 64])
async def test_a_well_formed_id_of_the_client_is_taken(given: str) -> None:
    app = Application()
    assert id_of(await ask(app, scope_of(x_request_id=given))) == given
    assert app.ids == [given]
    assert request_id() == ""


@pytest.mark.parametrize("given", ["", "a" * 65, "a b", "a\n[b] INFO forged", "größe", "-a", "<script>"])
async def test_any_other_id_is_replaced(given: str) -> None:
    taken = id_of(await ask(Application(), scope_of(x_request_id=given)))
    assert taken != given
    assert len(taken) == 32


async def test_every_request_has_an_id_of_its_own() -> None:
    assert id_of(await ask(Application(), scope_of())) != id_of(await ask(Application(), scope_of()))


@pytest.mark.parametrize(
    ("content_type", "kind"), [(b"application/x-ndjson", "ndjson"), (b"text/event-stream; charset=utf-8", "sse")]
)
async def test_streams_are_counted_while_they_are_read(content_type: bytes, kind: str) -> None:
    heard = Heard()
    await ask(Application(content_type=content_type), scope_of(), heard)
    assert heard.streams == [(kind, 1), (kind, -1)]


async def test_a_stream_that_breaks_off_is_counted_as_ended() -> None:
    heard = Heard()
    with pytest.raises(ConnectionAbortedError):
        await ask(Application(content_type=b"text/event-stream", fails_after=2), scope_of(), heard)
    assert heard.streams == [("sse", 1), ("sse", -1)]
    assert (heard.served[0].status, heard.served[0].sent_bytes) == (200, 5)


async def test_what_fails_before_it_is_answered_is_a_fault() -> None:
    heard = Heard()
    with pytest.raises(ConnectionAbortedError):
        await ask(Application(fails_after=0), scope_of(), heard)
    assert heard.served[0].status == 500
    assert heard.open == 0


async def test_a_client_that_goes_away_before_it_is_answered_has_a_status_too() -> None:
    async def silent(*_: object) -> None:
        return

    heard = Heard()
    await ask(silent, scope_of(), heard)
    assert (heard.served[0].status, heard.served[0].route) == (499, "none")


async def test_made_up_methods_and_paths_make_no_labels_of_their_own() -> None:
    async def not_found(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    heard = Heard()
    for number in range(3):
        await ask(not_found, scope_of(f"METHOD{number}", f"/made/up/{number}"), heard)
    assert {(served.method, served.route) for served in heard.served} == {("other", "none")}


@pytest.mark.parametrize(("status", "lines"), [(200, 0), (503, 1)])
async def test_probes_are_logged_only_when_they_fail(monkeypatch: pytest.MonkeyPatch, status: int, lines: int) -> None:
    monkeypatch.setattr(Route, "path", "/readyz")
    await ask(Application(status=status), scope_of())
    assert len(logged().splitlines()) == lines
    start_logging(logging.DEBUG)
    await ask(Application(status=status), scope_of())
    assert len(logged().splitlines()) == lines + 1


async def test_what_is_no_request_is_passed_on() -> None:
    passed: list[str] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        passed.append(scope["type"])

    await ask(app, {"type": "lifespan"})
    assert passed == ["lifespan"]
