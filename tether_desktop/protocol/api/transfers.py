"""Conversations as files: handed out and taken in without holding them in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryFile
from typing import IO, Annotated, BinaryIO, Literal, cast

from fastapi import APIRouter, Query, Request
from starlette.responses import Response, StreamingResponse

from tether_desktop import paths
from tether_desktop.context.record_json import session_json
from tether_desktop.errors import ImportProblem, StoreFull
from tether_desktop.protocol.api.core import TheCore
from tether_desktop.protocol.api.gates.security import ChatScope, ManageScope
from tether_desktop.protocol.api.ndjson import JsonResponse
from tether_desktop.protocol.api.refusals import answer, refusals
from tether_desktop.protocol.api.schemas import SessionId
from tether_desktop.protocol.api.session_schemas import SESSION, ImportResult
from tether_desktop.protocol.service import SessionService

router = APIRouter()

_PIECE = 1 << 18
_EXPORT = {"format": "tether-conversations", "version": 1, "sessions": []}
_FILE = {"type": "object", "description": "docs/conversation-files.md describes it.", "additionalProperties": True}


@router.get(
    "/sessions/export",
    operation_id="export_all_sessions",
    summary="Export all conversations",
    description="""\
One JSON document with all conversations, those in the bin included, and all versions of their messages.
`POST /sessions/import` makes the same of it again.""",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "The document.",
            "content": {"application/json": {"schema": _FILE, "example": _EXPORT}},
            "headers": {"Content-Disposition": {"description": "A name for the file.", "schema": {"type": "string"}}},
        },
        **refusals(503, 507),
    },
    dependencies=[ManageScope],
)
async def export_all_sessions(core: TheCore) -> Response:
    """Hand out all sessions."""
    return await _exported(core.sessions, None, "conversations.json")


@router.post(
    "/sessions/import",
    operation_id="import_sessions",
    summary="Import conversations",
    description="""\
Adds the conversations of a file: an export of this program's, or the `conversations.json` of ChatGPT, or the archive
it came in. The body is the file itself. What is there already, or cannot be understood, is skipped and told.""",
    response_class=JsonResponse,
    responses={
        200: answer("What came of it.", ImportResult, {"imported": [SESSION], "skipped": []}),
        **refusals(400, 408, 503, 507),
    },
    openapi_extra={
        "requestBody": {"required": True, "content": {"application/json": {"schema": _FILE, "example": _EXPORT}}}
    },
    dependencies=[ManageScope],
)
async def import_sessions(request: Request, core: TheCore) -> Response:
    """Take sessions in."""
    async with _received(request) as file:
        report = await core.sessions.import_from(file)
    skipped = [{"title": each.title, "reason": each.reason} for each in report.skipped]
    return JsonResponse({"imported": [session_json(each) for each in report.imported], "skipped": skipped})


@router.get(
    "/sessions/{session_id}/export",
    operation_id="export_session",
    summary="Export a conversation",
    description="A conversation as JSON, without loss, or as Markdown: what is shown of it, for people.",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "The document.",
            "content": {
                "application/json": {"schema": _FILE, "example": _EXPORT},
                "text/markdown": {"schema": {"type": "string"}, "example": "# Why is the sky blue\n"},
            },
            "headers": {"Content-Disposition": {"description": "A name for the file.", "schema": {"type": "string"}}},
        },
        **refusals(404, 422, 503, 507),
    },
    dependencies=[ChatScope],
)
async def export_session(
    session_id: SessionId,
    core: TheCore,
    file_format: Annotated[
        Literal["json", "markdown"], Query(alias="format", description="Without loss, or for people.")
    ] = "json",
) -> Response:
    """Hand out a session."""
    session = await core.sessions.get(session_id)
    name = f"conversation-{session.id[:8]}"
    if file_format == "json":
        return await _exported(core.sessions, [session_id], f"{name}.json")
    text = await core.sessions.export_markdown(session_id)
    return Response(text.encode("utf-8", "replace"), headers=_attached(f"{name}.md"), media_type="text/markdown")


async def _exported(sessions: SessionService, session_ids: list[str] | None, name: str) -> Response:
    """A document, written to a file without a name first: whatever fails, fails before the headers."""
    file = await asyncio.to_thread(_temporary)
    try:
        await sessions.export(file, session_ids)
        length = await asyncio.to_thread(_rewound, file)
    except OSError as error:
        await asyncio.to_thread(file.close)
        raise _no_room(error) from error
    except BaseException:  # whatever it was, the file goes
        await asyncio.to_thread(file.close)
        raise
    headers = {**_attached(name), "Content-Length": str(length)}
    return StreamingResponse(_pieces(file), headers=headers, media_type="application/json")


def _temporary() -> BinaryIO:
    paths.make_private_folder(paths.data_dir())
    return cast("BinaryIO", TemporaryFile(dir=paths.data_dir()))


def _rewound(file: BinaryIO) -> int:
    length = file.tell()
    file.seek(0)
    return length


async def _pieces(file: BinaryIO) -> AsyncGenerator[bytes, None]:
    with file:
        while piece := await asyncio.to_thread(file.read, _PIECE):
            yield piece


@asynccontextmanager
async def _received(request: Request) -> AsyncIterator[Path]:
    """The request's body as a file, which goes afterwards.

    Raises:
        ImportProblem: the body is empty.
        StoreFull: there is no room for it.
    """
    try:
        file = await asyncio.to_thread(_named)
    except OSError as error:
        raise _no_room(error) from error
    path = Path(file.name)
    try:
        with file:
            await _write(request, file)
        yield path
    finally:
        with suppress(OSError):
            await asyncio.to_thread(path.unlink)


def _named() -> IO[bytes]:
    paths.make_private_folder(paths.data_dir())
    return NamedTemporaryFile(dir=paths.data_dir(), prefix="import-", delete=False)


async def _write(request: Request, file: IO[bytes]) -> None:
    written = 0
    try:
        async for piece in request.stream():
            written += await asyncio.to_thread(file.write, piece)
        await asyncio.to_thread(file.flush)
    except OSError as error:
        raise _no_room(error) from error
    if not written:
        raise ImportProblem("There is nothing to import", "The body of the request is empty.", "Send the file itself.")


def _no_room(error: OSError) -> StoreFull:
    message = f"A file in {paths.data_dir()} cannot be written: {error.strerror or error}."
    return StoreFull("There is no room for the conversations", message, "Make room on the disk, and try again.")


def _attached(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}
