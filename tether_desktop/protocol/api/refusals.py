"""How answers and errors are described: by what they look like."""

from __future__ import annotations

from typing import Any

from tether_desktop.protocol.api.ndjson import NDJSON
from tether_desktop.protocol.api.problem import problem
from tether_desktop.protocol.api.schemas import Problem

_TURNED_AWAY = (400, 401, 403, 413, 414, 415, 429)
"""What the gates answer on any route."""

_WHAT = {
    400: ("What is asked for cannot be done", "error", "Nothing to send", "The message is empty."),
    401: ("No token, or an unknown one", "unauthorized", "The request is refused", "There is no token."),
    403: ("The token may not do this", "wrong_scope", "The request is refused", "This needs a token that may manage."),
    404: ("There is no such thing", "session_not_found", "There is no such conversation", "It was erased."),
    408: ("The body did not come in time", "request_timeout", "The request cannot be taken", "Its body took too long."),
    409: ("Not now", "session_busy", "Still answering", "This conversation is still answering the last question."),
    413: ("The body is too long", "body_too_large", "The request cannot be taken", "Its body is too long."),
    414: ("The address is too long", "url_too_long", "The request cannot be taken", "Its address is too long."),
    415: ("The body is no JSON", "unsupported_media_type", "The request cannot be taken", "Its body is no JSON."),
    422: (
        "A value cannot be used",
        "invalid_request",
        "The request has a value that cannot be used",
        "prompt: missing",
    ),
    429: (
        "Too many requests",
        "rate_limit_exceeded",
        "The request is refused",
        "This token has made too many requests.",
    ),
    500: ("The model failed", "engine_died", "The model has stopped", "Its process ended."),
    502: ("Another server failed", "server_error", "The server does not answer", "It cannot be reached."),
    503: ("The database cannot be used now", "store_busy", "The conversations are in use", "Another program has them."),
    507: ("The disk is full", "store_full", "There is no room", "The conversation cannot be saved."),
}
"""By status: what it means, and an example's code, title and message."""


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The errors of a route, those of the gates included."""
    return {status: _refusal(status) for status in sorted({*statuses, *_TURNED_AWAY})}


def answer(description: str, schema: Any, example: Any, headers: dict[str, str] | None = None) -> dict[str, Any]:
    """A JSON answer."""
    described: dict[str, Any] = {"description": description, "model": schema}
    described["content"] = {"application/json": {"example": example}}
    return described | _described(headers or {})


def line_answer(description: str, schema: Any, example: Any, lines: str) -> dict[str, Any]:
    """An answer in lines, or one that may be."""
    described: dict[str, Any] = {"description": description, "content": {}}
    if schema is not None:
        described = answer(description, schema, example)
    described["content"][NDJSON] = {"schema": {"$ref": "#/components/schemas/Line"}, "example": lines}
    turn = {"Tether-Session-Id": "The conversation.", "Tether-Reply-Id": "The reply that is written."}
    return described | _described(turn)


def _described(headers: dict[str, str]) -> dict[str, Any]:
    described = {name: {"description": text, "schema": {"type": "string"}} for name, text in headers.items()}
    return {"headers": described} if described else {}


def _refusal(status: int) -> dict[str, Any]:
    meaning, code, title, message = _WHAT[status]
    example = problem(status, code, title, message, "What to do stands here.")
    # Said in full, since the model alone would be described as of the type that the route answers with.
    schema = {"$ref": f"#/components/schemas/{Problem.__name__}"}
    return {"description": meaning, "content": {"application/json": {"schema": schema, "example": example}}}
