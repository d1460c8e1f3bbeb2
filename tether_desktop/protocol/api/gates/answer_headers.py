"""What every answer says to browsers: keep it out of caches, frames and other pages, and take it for what it is."""

from __future__ import annotations

from email.utils import formatdate

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_CHARSETS = {
    b"application/json": b"application/json; charset=utf-8",
    b"application/x-ndjson": b"application/x-ndjson; charset=utf-8",
}
_DOCS_PATHS = "/docs"
_DOCS_POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    b"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_POLICY = b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
)


class AnswerHeaders:
    """Adds them to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = _complete(message.get("headers", ()), scope["path"])
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)


def _complete(headers: list[tuple[bytes, bytes]], path: str) -> list[tuple[bytes, bytes]]:
    given = [(name, _CHARSETS.get(value, value) if name == b"content-type" else value) for name, value in headers]
    policy = _DOCS_POLICY if path == _DOCS_PATHS or path.startswith(f"{_DOCS_PATHS}/") else _POLICY
    added = [*_HEADERS, (b"content-security-policy", policy), (b"date", formatdate(usegmt=True).encode())]
    if not any(name == b"cache-control" for name, _ in given):
        added.append((b"cache-control", b"no-store"))
    return [*given, *added]
