"""What browsers are told of the web pages that may use the port: those that are listed, and no cookies."""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import Message, Send

_EXPOSED = "x-request-id, retry-after, content-disposition, link, tether-session-id, tether-reply-id"
_ALLOWED_METHODS = "GET, POST, PUT, PATCH, DELETE"
_ALLOWED_HEADERS = "authorization, content-type"
_PREFLIGHT_S = "600"


def is_preflight(method: str, headers: Headers) -> bool:
    """Whether a browser asks what a page may send, before the page sends it."""
    return method == "OPTIONS" and "origin" in headers and "access-control-request-method" in headers


def preflight(headers: Headers) -> Response:
    """The answer to that, for a page that is listed."""
    answer = {
        "access-control-allow-methods": _ALLOWED_METHODS,
        # Clients send headers about themselves too, which nothing here reads.
        "access-control-allow-headers": headers.get("access-control-request-headers", _ALLOWED_HEADERS),
        "access-control-max-age": _PREFLIGHT_S,
    }
    if headers.get("access-control-request-private-network") == "true":
        answer["access-control-allow-private-network"] = "true"
    return Response(status_code=204, headers=answer)


def sharing(send: Send, origin: str) -> Send:
    """Let the page of an origin read the answer; the empty origin lets no other page than our own."""

    async def share(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=list(message.get("headers", ())))
            headers.add_vary_header("Origin")
            if origin:
                headers["access-control-allow-origin"] = origin
                headers["access-control-expose-headers"] = _EXPOSED
            message["headers"] = headers.raw
        await send(message)

    return share
