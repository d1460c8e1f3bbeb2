"""Messages of a conversation: read, and chosen among their versions."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from tether_desktop.context.record_json import message_json
from tether_desktop.context.records import MessageRecord
from tether_desktop.protocol.api.core import TheCore
from tether_desktop.protocol.api.gates.security import ChatScope
from tether_desktop.protocol.api.ndjson import JsonResponse, to_json
from tether_desktop.protocol.api.pages import LINK, MOST_ROWS, next_link
from tether_desktop.protocol.api.refusals import answer, refusals
from tether_desktop.protocol.api.schemas import Id, MessageId, SessionId
from tether_desktop.protocol.api.session_schemas import QUESTION, REPLY, Message

router = APIRouter(dependencies=[ChatScope])


@router.get(
    "/sessions/{session_id}/messages",
    operation_id="list_messages",
    summary="Read a conversation",
    description="""\
The messages that are shown, oldest first; a reply that is being written has what is stored of it so far. With `limit`
only the newest ones come, and the header `Link` has the address of those before them.""",
    response_class=JsonResponse,
    responses={200: answer("The messages.", list[Message], [QUESTION, REPLY], LINK), **refusals(404, 422, 503)},
)
async def list_messages(
    request: Request,
    session_id: SessionId,
    core: TheCore,
    limit: Annotated[int | None, Query(ge=1, le=MOST_ROWS, description="Only so many, the newest ones.")] = None,
    before: Annotated[Id | None, Query(description="Only what comes before this message.")] = None,
) -> Response:
    """Show messages."""
    one_more = None if limit is None else limit + 1
    found = await core.sessions.history(session_id, limit=one_more, before=before)
    if limit is None or len(found) <= limit:
        return await _response(found)
    return await _response(found[1:], next_link(request, limit=limit, before=found[1].id))


@router.get(
    "/sessions/{session_id}/messages/{message_id}/versions",
    operation_id="list_versions",
    summary="See all versions of a message",
    description="The message and those that follow the same one: other answers, or other wordings of a question.",
    response_class=JsonResponse,
    responses={200: answer("The versions, oldest first.", list[Message], [REPLY]), **refusals(404, 422, 503)},
)
async def list_versions(session_id: SessionId, message_id: MessageId, core: TheCore) -> Response:
    """Show the versions of a message."""
    return await _response(await core.sessions.siblings(session_id, message_id))


@router.post(
    "/sessions/{session_id}/messages/{message_id}/select",
    operation_id="select_version",
    summary="Show another version",
    description="Shows this version of a message, with what followed it; answers with what is shown now.",
    response_class=JsonResponse,
    responses={
        200: answer("The messages that are shown now.", list[Message], [QUESTION, REPLY]),
        **refusals(404, 409, 422, 503, 507),
    },
)
async def select_version(session_id: SessionId, message_id: MessageId, core: TheCore) -> Response:
    """Show another version of a message."""
    return await _response(await core.sessions.select_version(session_id, message_id))


async def _response(records: Sequence[MessageRecord], headers: dict[str, str] | None = None) -> Response:
    """The messages, made into text in a thread: there may be thousands."""
    body = await asyncio.to_thread(_body, records)
    return Response(body, headers=headers, media_type=JsonResponse.media_type)


def _body(records: Sequence[MessageRecord]) -> bytes:
    return to_json([message_json(record) for record in records])
