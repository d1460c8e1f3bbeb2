"""The end of an answer that nothing else ends: a fault of ours, or the port being closed."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tether_desktop.protocol.api.error_answers import Refusal, answer_to, answer_to_fault

logger = logging.getLogger(__name__)

_TITLE = "The local port is closing"
_MESSAGE = "The local port was closed while the answer was being sent."
_REMEDY = "Open the port again; a conversation has all that was said."


class LastWords:
    """Ends every answer that was begun in a way that its reader can tell from a complete one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, unless the port is being closed."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if _is_closing(scope):
            await answer_to(scope["path"], _closing())(scope, receive, send)
            return
        answer = _Begun(send)
        try:
            await self._app(scope, receive, answer.send)
        except asyncio.CancelledError:
            if not _is_closing(scope):
                raise
            # The server cancels requests only to have this said; then the task ends like any other.
            await _say_closing(scope, receive, answer)
        except ClientDisconnect:
            logger.info("A client left in the middle of its request: %s %s", scope["method"], _route(scope))
        except Exception:
            # The edge of the port: what nobody expected is logged, and told without a traceback.
            logger.exception("A request failed: %s %s", scope["method"], _route(scope))
            # An answer that has begun is left as it is: the server then hangs up, and its reader knows.
            if answer.headers is None:
                await answer_to_fault(scope["path"])(scope, receive, send)


class _Begun:
    """What was sent of an answer.

    Attributes:
        headers: None before any of it was.
        is_complete: whether all of it was.
    """

    def __init__(self, send: Send) -> None:
        self.headers: Headers | None = None
        self.is_complete = False
        self._send = send

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.headers = Headers(raw=list(message.get("headers", ())))
        elif message["type"] == "http.response.body":
            self.is_complete = not message.get("more_body", False)
        await self._send(message)


async def _say_closing(scope: Scope, receive: Receive, answer: _Begun) -> None:
    if answer.headers is None:
        await answer_to(scope["path"], _closing())(scope, receive, answer.send)
    elif not answer.is_complete and (line := _last_line(answer.headers.get("content-type", ""))):
        await answer.send({"type": "http.response.body", "body": line, "more_body": False})


def _last_line(content_type: str) -> bytes:
    """What ends a stream of that kind as an error does; empty where there is no such thing."""
    match content_type.partition(";")[0].strip():
        case "application/x-ndjson":
            told = {"type": "error", "message": _MESSAGE, "code": "port_closed", "title": _TITLE, "hint": _REMEDY}
            return _json(told) + b"\n"
        case "text/event-stream":
            error = {"message": _MESSAGE, "type": "server_error", "param": None, "code": "port_closed"}
            return b"data: " + _json({"error": error}) + b"\n\n"
        case _:
            return b""


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _closing() -> Refusal:
    headers = {"connection": "close"}
    return Refusal(503, "port_closed", _TITLE, "The local port is being closed.", _REMEDY, headers)


def _is_closing(scope: Scope) -> bool:
    return bool(getattr(scope["app"].state, "closing", False))


def _route(scope: Scope) -> str:
    """The template of the path: the path itself can hold what a client says."""
    return str(getattr(scope.get("route"), "path", "")) or "no route"
