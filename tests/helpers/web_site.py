"""A web server on this computer that answers each path as a test says, and remembers what it was asked."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast


@dataclass(frozen=True)
class Answer:
    """What a path answers.

    Attributes:
        headers: besides the length; a Content-Type of None leaves it out.
        endless: whether the body is repeated until the client goes.
        stalls: whether nothing comes after the headers.
    """

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "text/html; charset=utf-8"})
    endless: bool = False
    stalls: bool = False


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class WebSite:
    """The server; made by :func:`web_site`.

    Attributes:
        answers: by path, without the query; a function is asked for each request.
        asked: all requests so far.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.answers: dict[str, Answer | Callable[[Asked], Answer]] = {}
        self.asked: list[Asked] = []

    def give(self, path: str, body: str = "", status: int = 200, **headers: str) -> None:
        """Answer a path with a page, or with headers such as ``Location``."""
        named = {"Content-Type": "text/html; charset=utf-8"} | {key.replace("_", "-"): headers[key] for key in headers}
        self.answers[path] = Answer(body.encode(), status, named)

    def give_json(self, path: str, value: Any, status: int = 200) -> None:
        """Answer a path with JSON."""
        self.answers[path] = Answer(json.dumps(value).encode(), status, {"Content-Type": "application/json"})

    def url(self, path: str = "", host: str = "127.0.0.1", scheme: str = "http") -> str:
        """The address of a path under any name of the host."""
        return f"{scheme}://{host}:{self.port}{path}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name the caller uses
        """Say nothing."""

    def do_GET(self) -> None:
        """Answer."""
        self._serve()

    def do_POST(self) -> None:
        """Answer."""
        self._serve()

    def _serve(self) -> None:
        site = cast("_Server", self.server).site
        sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        asked = Asked(self.command, self.path, {key.lower(): value for key, value in self.headers.items()}, sent)
        site.asked.append(asked)
        found = site.answers.get(self.path.partition("?")[0], Answer(b"not here", 404))
        answer = found(asked) if callable(found) else found
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if not answer.endless:
            self.send_header("Content-Length", str(len(answer.body) + answer.stalls))
        self.end_headers()
        self.close_connection = answer.endless or answer.stalls
        self._write(answer)

    def _write(self, answer: Answer) -> None:
        try:
            self.wfile.write(answer.body)
            while answer.endless:
                self.wfile.write(answer.body)
            if answer.stalls:
                # Nothing more comes from a client but the end of its connection.
                self.connection.recv(1)
        except OSError:
            self.close_connection = True


class _Server(ThreadingHTTPServer):
    site: WebSite

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is part of the tests."""


@contextmanager
def web_site(tls: ssl.SSLContext | None = None) -> Iterator[WebSite]:
    """A server that runs while the block does, with TLS where a certificate is given."""
    server = _Server(("127.0.0.1", 0), _Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.site = WebSite(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.site
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
