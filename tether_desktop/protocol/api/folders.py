"""Folders of conversations: made, listed, renamed and deleted."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Path
from starlette.responses import Response

from tether_desktop.context.record_json import folder_json
from tether_desktop.protocol.api.core import TheCore
from tether_desktop.protocol.api.gates.security import ChatScope
from tether_desktop.protocol.api.ndjson import JsonResponse
from tether_desktop.protocol.api.refusals import answer, refusals
from tether_desktop.protocol.api.schemas import ID_PATTERN, Detail, examples
from tether_desktop.protocol.api.session_schemas import FOLDER, Folder, FolderName

router = APIRouter(tags=["Folders"])

_FolderId = Annotated[
    str,
    Path(
        description="The folder, as `POST /folders` or `GET /folders` has named it.",
        min_length=1,
        max_length=100,
        pattern=ID_PATTERN,
        examples=[FOLDER["folder_id"]],
    ),
]
_Name = Annotated[FolderName, Body(openapi_examples=examples(name={"name": FOLDER["name"]}))]


@router.get(
    "/folders",
    operation_id="list_folders",
    summary="List folders",
    description="All folders, by their names. `PATCH /sessions/{session_id}` puts a conversation into one.",
    response_class=JsonResponse,
    responses={200: answer("The folders.", list[Folder], [FOLDER]), **refusals(503)},
    dependencies=[ChatScope],
)
async def list_folders(core: TheCore) -> Response:
    """List folders."""
    return JsonResponse([folder_json(folder) for folder in await core.library.folders()])


@router.post(
    "/folders",
    operation_id="create_folder",
    summary="Make a folder",
    description="Makes an empty folder. A name that another folder has is refused.",
    response_class=JsonResponse,
    responses={200: answer("The new folder.", Folder, FOLDER), **refusals(400, 409, 422, 503, 507)},
    dependencies=[ChatScope],
)
async def create_folder(core: TheCore, asked: _Name) -> Response:
    """Make a folder."""
    return JsonResponse(folder_json(await core.library.create_folder(asked.name)))


@router.patch(
    "/folders/{folder_id}",
    operation_id="rename_folder",
    summary="Rename a folder",
    description="Gives a folder another name; a name that another folder has is refused.",
    response_class=JsonResponse,
    responses={200: answer("The folder as it is now.", Folder, FOLDER), **refusals(400, 404, 409, 422, 503, 507)},
    dependencies=[ChatScope],
)
async def rename_folder(folder_id: _FolderId, core: TheCore, asked: _Name) -> Response:
    """Rename a folder."""
    return JsonResponse(folder_json(await core.library.rename_folder(folder_id, asked.name)))


@router.delete(
    "/folders/{folder_id}",
    operation_id="delete_folder",
    summary="Delete a folder",
    description="Removes a folder; the conversations in it stay, and lie in none then.",
    response_class=JsonResponse,
    responses={
        200: answer("It was done.", Detail, {"detail": "The folder is deleted; its conversations are kept."}),
        **refusals(404, 422, 503, 507),
    },
    dependencies=[ChatScope],
)
async def delete_folder(folder_id: _FolderId, core: TheCore) -> Response:
    """Delete a folder."""
    await core.library.delete_folder(folder_id)
    return JsonResponse({"detail": "The folder is deleted; its conversations are kept."})
