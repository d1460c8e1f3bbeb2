"""Every request gets an id and one line in the log: who asked for what, how it went, and never what was said."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import uuid4

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tether_desktop import logs
from tether_desktop.protocol.api.port.recent_requests import OWN, RecentRequest, RecentRequests

logger = logging.getLogger(__name__)

NO_ROUTE = "none"
"""Stands for the route of a request that none takes: paths are chosen by clients, so they are no labels."""
CLIENT_GONE = 499
"""Stands for the status of a request whose client went away before there was one; nginx has it so."""

_HEADER = b"x-request-id"
_LONGEST_CLIENT = 60
_LONGEST_PATH = 200
_WELL_FORMED = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_STREAMS = {b"application/x-ndjson": "ndjson", b"text/event-stream": "sse"}
_PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
"""What is asked every few seconds is told at INFO only when it goes wrong."""


@dataclass(frozen=True, slots=True)
class Served:
    """A request that is over.

    Attributes:
        route: the template of its path, such as ``/sessions/{session_id}``.
        status: of the answer.
        seconds: from its first byte to the last of the answer.
        sent_bytes: of the answer's body.
        client: the scope of its token ("chat", "manage"); empty without a token.
    """

    method: str
    route: str
    status: int
    seconds: float
    sent_bytes: int
    client: str = ""


class Observer(Protocol):
    """Hears of all requests."""

    def request_began(self) -> None:
        """A request has come."""
        ...

    def stream_changed(self, kind: str, change: int) -> None:
        """A client has begun (1) or ended (-1) to read a stream: "ndjson" or "sse"."""
        ...

    def request_served(self, request: Served) -> None:
        """A request is over."""
        ...


class RequestLog:
    """The outermost part of the application, as ASGI has it."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        observer: Observer,
        recent: RecentRequests | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Put it around an application; ``recent`` keeps the last requests, ``clock`` tells seconds."""
        self._app = app
        self._observer = observer
        self._recent = recent
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and tell of it when it is over."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _id_of(scope)
        with logs.of_request(request_id):
            await self._serve(scope, receive, _Answer(send, request_id, self._observer))

    async def _serve(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        began, at = self._clock(), datetime.now(UTC)
        self._observer.request_began()
        try:
            await self._app(scope, receive, answer.send)
        except Exception:
            answer.status = answer.status or 500
            raise
        finally:
            answer.close()
            status = answer.status or CLIENT_GONE
            route, client = _route_of(scope), str(scope.get("state", {}).get("token_scope", ""))
            method = scope["method"] if scope["method"] in _METHODS else "other"
            served = Served(method, route, status, self._clock() - began, answer.sent_bytes, client)
            self._observer.request_served(served)
            if self._recent is not None:
                self._recent.add(_seen(self._recent.next_number, at, scope, served))
            _log(served)


class _Answer:
    """What is being answered, counted on its way out."""

    __slots__ = ("_id", "_observer", "_send", "_stream", "sent_bytes", "status")

    def __init__(self, send: Send, request_id: str, observer: Observer) -> None:
        self._send = send
        self._id = request_id.encode()
        self._observer = observer
        self._stream = ""
        self.status = 0
        self.sent_bytes = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.body":
            self.sent_bytes += len(message.get("body", b""))
        elif message["type"] == "http.response.start":
            self._begin(message)
        await self._send(message)

    def _begin(self, message: Message) -> None:
        self.status = message["status"]
        headers = [*message.get("headers", ())]
        message["headers"] = [*headers, (_HEADER, self._id)]
        kind = next((value for name, value in headers if name.lower() == b"content-type"), b"")
        self._stream = _STREAMS.get(kind.partition(b";")[0].strip(), "")
        if self._stream:
            self._observer.stream_changed(self._stream, 1)

    def close(self) -> None:
        if self._stream:
            self._observer.stream_changed(self._stream, -1)


def _id_of(scope: Scope) -> str:
    """The id that the client gave the request, where it is one, or a new one."""
    given: bytes = next((value for name, value in scope["headers"] if name == _HEADER), b"")
    return given.decode() if _WELL_FORMED.fullmatch(given) else uuid4().hex


def _route_of(scope: Scope) -> str:
    path = getattr(scope.get("route"), "path", None)
    return path if isinstance(path, str) else NO_ROUTE


def _seen(number: int, at: datetime, scope: Scope, served: Served) -> RecentRequest:
    """The request as a person may see it; what clients chose themselves is bounded."""
    agent = next((value for name, value in scope["headers"] if name == b"user-agent"), b"")
    client = agent.decode("latin-1").split(" ")[0][:_LONGEST_CLIENT]
    bearer = scope.get("state", {}).get("bearer")
    token = (bearer.name or OWN) if bearer is not None else ""
    path = str(scope["path"])[:_LONGEST_PATH]
    return RecentRequest(number, at, client, token, served.method, path, served.status, served.seconds)


def _log(served: Served) -> None:
    level = logging.DEBUG if served.route in _PROBES and served.status < 400 else logging.INFO
    if not logger.isEnabledFor(level):
        return
    milliseconds = round(served.seconds * 1000, 1)
    facts: dict[str, Any] = {
        "method": served.method,
        "route": served.route,
        "status": served.status,
        "ms": milliseconds,
        "bytes": served.sent_bytes,
        "client": served.client,
    }
    logger.log(
        level,
        "%s %s %d, %.1f ms, %d bytes, %s",
        *(served.method, served.route, served.status, milliseconds, served.sent_bytes, served.client or "no token"),
        extra={"facts": facts},
    )
