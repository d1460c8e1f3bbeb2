"""What a request may bring, and how fast requests may come."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message as MediaType

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tether_desktop.protocol.api.error_answers import Refusal, answer_to
from tether_desktop.protocol.api.gates.bounds import Bounds
from tether_desktop.protocol.api.gates.early_answers import has_body

IMPORT_PATH = "/sessions/import"
"""Takes a file with conversations, which may be large, and need not be JSON."""

_JSON = ("application/json",)
_FILES = ("application/json", "application/zip", "application/octet-stream")
_UTF8 = frozenset({"", "utf-8", "utf8", "us-ascii"})
_MINUTE = 60.0
_MOST_KEYS = 4096
_TITLE = "The request cannot be taken"


@dataclass(frozen=True, slots=True)
class _Rule:
    """What the body of a request may be."""

    types: tuple[str, ...]
    most_bytes: int
    seconds: float
    idle_seconds: float


class Limits:
    """Turns requests away that are too long, take too long, or bring what nothing here reads."""

    def __init__(self, app: ASGIApp, bounds: Bounds) -> None:
        self._app = app
        self._bounds = bounds
        self._rule = _Rule(_JSON, bounds.body_bytes, bounds.body_seconds, bounds.idle_seconds)
        self._file_rule = _Rule(_FILES, bounds.import_bytes, bounds.import_seconds, bounds.idle_seconds)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, unless its head says that it will not do."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        rule = self._file_rule if scope["path"] == IMPORT_PATH else self._rule
        try:
            self._check_head(scope)
            if has_body(headers):
                _check_body_head(headers, rule)
        except Refusal as refusal:
            await answer_to(scope["path"], refusal)(scope, receive, send)
            return
        await self._app(scope, _Body(receive, rule).receive if has_body(headers) else receive, send)

    def _check_head(self, scope: Scope) -> None:
        if len(scope["raw_path"]) + len(scope["query_string"]) > self._bounds.url_bytes:
            most = f"At most {self._bounds.url_bytes} bytes are read."
            raise Refusal(414, "url_too_long", _TITLE, "The address of the request is too long.", most)
        if sum(len(name) + len(value) for name, value in scope["headers"]) > self._bounds.head_bytes:
            most = f"At most {self._bounds.head_bytes} bytes are read."
            raise Refusal(431, "headers_too_large", _TITLE, "The headers of the request are too long.", most)


class _Body:
    """A body on its way in."""

    def __init__(self, receive: Receive, rule: _Rule) -> None:
        self._receive = receive
        self._rule = rule
        self._deadline = asyncio.get_running_loop().time() + rule.seconds
        self._size = 0
        self._is_read = False

    async def receive(self) -> Message:
        """The next piece; once all are read, that the client has gone.

        Raises:
            Refusal: there is too much of it, or it takes too long.
        """
        if self._is_read:
            return await self._receive()
        try:
            message = await self._next()
        except TimeoutError:
            late = "The body of the request did not come to its end in time."
            raise Refusal(408, "request_timeout", _TITLE, late, "Send it again, without breaks.") from None
        self._is_read = not message.get("more_body", False)
        self._size += len(message.get("body", b""))
        if self._size > self._rule.most_bytes:
            raise _too_large(self._rule)
        return message

    async def _next(self) -> Message:
        left = self._deadline - asyncio.get_running_loop().time()
        async with asyncio.timeout(min(left, self._rule.idle_seconds)):
            return await self._receive()


class Allowance:
    """So many requests a minute for each key; what was not used is saved up for one minute."""

    def __init__(self, now: Callable[[], float]) -> None:
        """Count; ``now`` tells seconds."""
        self._now = now
        self._spent: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_seconds(self, key: str, per_minute: int) -> float:
        """Take one from the key's allowance; or, where there is none, how long it takes to get one."""
        now = self._now()
        spent, since = self._spent.pop(key, (0.0, now))
        spent = max(0.0, spent - (now - since) * per_minute / _MINUTE)
        is_left = spent + 1 <= per_minute
        self._spent[key] = (spent + 1 if is_left else spent, now)
        if len(self._spent) > _MOST_KEYS:
            self._spent.popitem(last=False)
        return 0.0 if is_left else (spent + 1 - per_minute) * _MINUTE / per_minute


def _check_body_head(headers: Headers, rule: _Rule) -> None:
    length = headers.get("content-length", "")
    if length.isdecimal() and int(length[:20]) > rule.most_bytes:
        raise _too_large(rule)
    if headers.get("content-encoding", "identity") != "identity":
        raise _unsupported("Compressed bodies are not read.", "Send it as it is, without Content-Encoding.")
    given = headers.getlist("content-type")
    media = MediaType()
    media["content-type"] = given[0] if given else ""
    kind, charset = media.get_content_type(), str(media.get_param("charset", "")).lower()
    if len(given) != 1 or kind not in rule.types or charset not in _UTF8:
        wanted = " or ".join(rule.types)
        raise _unsupported("The body is of a type that is not read here.", f"Send it as {wanted}, in UTF-8.")


def _unsupported(message: str, remedy: str) -> Refusal:
    return Refusal(415, "unsupported_media_type", _TITLE, message, remedy)


def _too_large(rule: _Rule) -> Refusal:
    most = f"At most {rule.most_bytes:,} bytes are read."
    return Refusal(413, "body_too_large", _TITLE, "The body of the request is too large.", most)
