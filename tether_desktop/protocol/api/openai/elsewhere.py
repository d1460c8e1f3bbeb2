"""Answers to what OpenAI's API has and this one has not."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from tether_desktop.protocol.api.openai.errors import OpenAIRoute, RequestRefused, error_response

router = APIRouter(route_class=OpenAIRoute, include_in_schema=False)

_OFFERED = {"models": "GET", "chat/completions": "POST", "completions": "POST"}
_HERE = "There are: GET /v1/models, GET /v1/models/{model}, POST /v1/chat/completions and POST /v1/completions."


@router.api_route("/v1/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
async def refuse(path: str, request: Request) -> Response:
    """Say what is offered instead."""
    method = "GET" if path.startswith("models/") else _OFFERED.get(path)
    return error_response(_wrong_method(path, method) if method else _unknown(path, request.method))


def _wrong_method(path: str, method: str) -> RequestRefused:
    return RequestRefused(f"/v1/{path} takes {method} only.", code="method_not_allowed", status=405)


def _unknown(path: str, method: str) -> RequestRefused:
    return RequestRefused(f"{method} /v1/{path} is not offered here. {_HERE}", code="unknown_url", status=404)
