"""A web server on this computer that gives files, and misbehaves as a test asks it to."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal, cast

Length = Literal["true", "none", "chunked"] | int


@dataclass
class ServedFile:
    """A file, and how the server gives it.

    Attributes:
        content: its bytes.
        etag: its validator; empty for none.
        modified: its date; empty for none.
        ranges: whether the server takes Range.
        piece: bytes of a Range it gives at most; None is all that was asked for.
        length: what it says of the length: the truth, nothing, nothing with chunks, or this number.
        drops: for each of the next answers, the bytes after which it drops the connection.
        stall: bytes after which it sends no more, and waits.
        statuses: what it answers first, one status for each of the next requests.
        token: without which nobody gets it.
        redirect: where it sends everybody on to.
        headers: told with every answer, also with those of statuses.
        wrong_range: what it says in Content-Range; None is the truth.
    """

    content: bytes
    etag: str = '"one"'
    modified: str = ""
    ranges: bool = True
    piece: int | None = None
    length: Length = "true"
    drops: list[int] = field(default_factory=list)
    stall: int | None = None
    statuses: list[int] = field(default_factory=list)
    token: str = ""
    redirect: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    wrong_range: str | None = None

    @property
    def sha256(self) -> str:
        """Of the content, in hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True)
class Seen:
    """A request as it came.

    Attributes:
        path: with its query.
        headers: all of them.
    """

    path: str
    headers: Message

    @property
    def range(self) -> str:
        """What part it asks for; empty for all."""
        return str(self.headers.get("Range", ""))


class FileServer:
    """The server; made by :func:`serving`.

    Attributes:
        files: by path.
        seen: all requests so far.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.files: dict[str, ServedFile] = {}
        self.seen: list[Seen] = []

    def add(self, path: str, file: ServedFile) -> str:
        """Give a file; its address."""
        self.files[path] = file
        return self.url(path)

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        """The address of a path; under "localhost" it is another site."""
        return f"http://{host}:{self.port}{path}"

    @property
    def ranges(self) -> list[str]:
        """What parts were asked for, in order."""
        return [each.range for each in self.seen]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 0

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name the caller uses
        """Say nothing."""

    def do_GET(self) -> None:
        """Give the file, or what the test wants instead."""
        server = cast("_Server", self.server).owner
        server.seen.append(Seen(self.path, self.headers))
        file = server.files.get(self.path.partition("?")[0])
        if file is None:
            self._status(404, {})
        elif file.statuses:
            self._status(file.statuses.pop(0), file.headers)
        elif file.token and self.headers.get("Authorization") != f"Bearer {file.token}":
            self._status(401, file.headers)
        elif file.redirect:
            self._status(302, {"Location": file.redirect})
        else:
            self._give(file)

    def _status(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": "0"}.items():
            self.send_header(name, value)
        self.end_headers()

    def _give(self, file: ServedFile) -> None:
        start = self._start(file)
        total = len(file.content)
        if start and start >= total:
            self._status(416, {"Content-Range": file.wrong_range or f"bytes */{total}"})
            return
        body = file.content[start:][: file.piece if start else None]
        self.send_response(206 if start else 200)
        if start:
            self._header("Content-Range", file.wrong_range, f"bytes {start}-{start + len(body) - 1}/{total}")
        self._header("ETag", file.etag, "")
        self._header("Last-Modified", file.modified, "")
        for name, value in file.headers.items():
            self.send_header(name, value)
        self._length(file, body)
        self.end_headers()
        self._body(file, body)

    def _header(self, name: str, value: str | None, default: str) -> None:
        if text := default if value is None else value:
            self.send_header(name, text)

    def _start(self, file: ServedFile) -> int:
        """Where to begin: If-Range with another validator asks for all, as RFC 9110 has it."""
        asked = self.headers.get("Range", "")
        if not asked or not file.ranges or self.headers.get("If-Range") not in (None, file.etag, file.modified):
            return 0
        return int(asked.removeprefix("bytes=").partition("-")[0])

    def _length(self, file: ServedFile, body: bytes) -> None:
        if file.length == "chunked":
            self.send_header("Transfer-Encoding", "chunked")
        elif file.length == "none":
            self.close_connection = True
        else:
            self.send_header("Content-Length", str(len(body) if file.length == "true" else file.length))

    def _body(self, file: ServedFile, body: bytes) -> None:
        drop = file.drops.pop(0) if file.drops else None
        sent = body[:drop] if file.stall is None else body[: file.stall]
        try:
            self._write(file, sent)
            if file.stall is not None:
                # Nothing more comes from a client but the end of its connection.
                self.connection.recv(1)
        except OSError:
            self.close_connection = True
            return
        if drop is not None or file.stall is not None or isinstance(file.length, int):
            self.close_connection = True
        elif file.length == "chunked":
            self.wfile.write(b"0\r\n\r\n")

    def _write(self, file: ServedFile, sent: bytes) -> None:
        if file.length == "chunked" and sent:
            sent = f"{len(sent):x}\r\n".encode() + sent + b"\r\n"
        self.wfile.write(sent)


class _Server(ThreadingHTTPServer):
    owner: FileServer

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is part of the tests."""


@contextmanager
def serving() -> Iterator[FileServer]:
    """A server that runs while the block does."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.owner = FileServer(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.owner
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
