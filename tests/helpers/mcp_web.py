"""MCP servers over HTTP: one made with the SDK in a process of its own, and one that answers as it is told."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

Reply = tuple[int, dict[str, str], bytes]
"""Status, headers and body."""


@contextmanager
def full_web_server() -> Iterator[str]:
    """The address of the server that tests/helpers/mcp_server_full.py makes."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    program = Path(__file__).parent / "mcp_server_full.py"
    command = [sys.executable, str(program), str(port)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        assert process.stderr is not None
        try:
            for line in process.stderr:
                if "Uvicorn running" in line:
                    break
            draining = threading.Thread(target=process.stderr.read)
            draining.start()
            yield f"http://127.0.0.1:{port}/mcp"
        finally:
            process.kill()
            draining.join()


class WebServer:
    """Answers requests by a function.

    Attributes:
        url: where.
        seen: the headers of each request, by name in small letters.
    """

    def __init__(self, answer: Callable[[dict[str, Any]], Reply]) -> None:
        self.seen: list[dict[str, str]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                pass

            def do_POST(self) -> None:
                server.seen.append({name.lower(): value for name, value in self.headers.items()})
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, headers, data = answer(body) if "id" in body else (202, {}, b"")
                self.send_response(status)
                for name, value in {"Content-Length": str(len(data)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            def refuse(self) -> None:
                self.send_error(405)

            do_GET = do_DELETE = refuse  # noqa: N815  (as the base class wants it)

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}/mcp"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


def as_json(body: dict[str, Any], result: dict[str, Any], **headers: str) -> Reply:
    """An answer to a request, as JSON."""
    data = json.dumps({"jsonrpc": "2.0", "id": body["id"], "result": result}).encode()
    return 200, {"Content-Type": "application/json", **headers}, data


def polite(body: dict[str, Any]) -> Reply:
    """What a small server of the older protocol answers."""
    results: dict[str, dict[str, Any]] = {
        "initialize": {
            "protocolVersion": "2025-06-18",
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "web", "version": "1"},
        },
        "tools/list": {"tools": [{"name": "echo", "inputSchema": {"type": "object"}}]},
        "tools/call": {"content": [{"type": "text", "text": "here"}]},
    }
    if body["method"] not in results:
        error = {"code": -32601, "message": "Method not found"}
        data = json.dumps({"jsonrpc": "2.0", "id": body["id"], "error": error}).encode()
        return 200, {"Content-Type": "application/json"}, data
    return as_json(body, results[body["method"]])
