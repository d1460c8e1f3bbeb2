"""What the port says of itself: the index, its description, and the page to read and try it."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

import tether_desktop
from tether_desktop.protocol.api import docs_page
from tether_desktop.protocol.api.ndjson import JsonResponse
from tether_desktop.protocol.api.refusals import answer, refusals
from tether_desktop.protocol.api.schemas import Told

router = APIRouter(tags=["The port"])
router.include_router(docs_page.router)

_INDEX = {
    "name": "Tether",
    "version": "0.5.0",
    "status": "ok",
    "endpoints": [{"method": "GET", "path": "/sessions", "summary": "List conversations"}],
}


class Endpoint(Told):
    """Something that can be asked for."""

    method: str
    path: str
    summary: str


class Index(Told):
    """What answers here."""

    name: str
    version: str
    status: str
    endpoints: list[Endpoint]


@router.get(
    "/",
    operation_id="index",
    summary="See what answers here",
    description="The program's name and version, and all there is to ask for. It takes no token.",
    response_class=JsonResponse,
    responses={200: answer("The program and its routes.", Index, _INDEX), **refusals()},
)
async def index(request: Request) -> Response:
    """Tell what there is."""
    paths = request.app.openapi()["paths"]
    endpoints = [
        {"method": method.upper(), "path": path, "summary": operation["summary"]}
        for path, operations in paths.items()
        for method, operation in operations.items()
    ]
    version = tether_desktop.__version__
    return JsonResponse({"name": "Tether", "version": version, "status": "ok", "endpoints": endpoints})
