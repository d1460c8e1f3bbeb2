"""Conversations: made, listed, found, read, changed, branched, deleted and restored."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Query, Request
from starlette.responses import Response

from tether_desktop.context.record_json import hit_json, session_json
from tether_desktop.protocol.api import messages, transfers
from tether_desktop.protocol.api.core import TheCore
from tether_desktop.protocol.api.gates.security import ChatScope, ManageScope, check_manages
from tether_desktop.protocol.api.ndjson import JsonResponse
from tether_desktop.protocol.api.pages import LINK, Limit, Offset, next_link
from tether_desktop.protocol.api.refusals import answer, refusals
from tether_desktop.protocol.api.schemas import Detail, SessionId, examples
from tether_desktop.protocol.api.session_pages import ThePages, Which
from tether_desktop.protocol.api.session_schemas import (
    FOLDER,
    HIT,
    REPLY,
    SESSION,
    BranchPoint,
    Deleted,
    Hit,
    NewSession,
    Session,
    SessionChanges,
)

router = APIRouter(tags=["Conversations"])
"""Its routes come in this order: "search" and the like are no conversations."""

_NEW = examples(just_begin={}, with_a_title={"title": "Holidays", "model_name": SESSION["model"]})


@router.post(
    "/sessions",
    operation_id="create_session",
    summary="Begin a conversation",
    description="Makes an empty conversation. Without a title its first question names it. The body may be left out.",
    response_class=JsonResponse,
    responses={200: answer("The new conversation.", Session, SESSION), **refusals(422, 503, 507)},
    dependencies=[ChatScope],
)
async def create_session(
    core: TheCore, asked: Annotated[NewSession | None, Body(openapi_examples=_NEW)] = None
) -> Response:
    """Make a session."""
    asked = asked or NewSession()
    return JsonResponse(session_json(await core.sessions.create(asked.title, asked.model_name)))


@router.get(
    "/sessions",
    operation_id="list_sessions",
    summary="List conversations",
    description="""\
The conversations, the last active first; `pinned` marks those that are to be shown before the others, `archived`
those that are out of the way. Where there are more than `limit`, the header `Link` has the address of the next
page.""",
    response_class=JsonResponse,
    responses={200: answer("A page of conversations.", list[Session], [SESSION], LINK), **refusals(422, 503)},
    dependencies=[ChatScope],
)
async def list_sessions(
    request: Request,
    pages: ThePages,
    deleted: Annotated[bool, Query(description="Those in the bin instead.")] = False,
    pinned: Annotated[bool | None, Query(description="Only those that are pinned, or are not.")] = None,
    archived: Annotated[bool | None, Query(description="Only those in the archive, or not in it.")] = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Response:
    """List sessions."""
    page = await pages.get(Which(deleted, pinned, archived, limit, offset))
    headers = next_link(request, limit=limit, offset=offset + limit) if page.more else None
    return Response(page.body, headers=headers, media_type="application/json")


@router.delete(
    "/sessions",
    operation_id="delete_all_sessions",
    summary="Delete all conversations",
    description="Stops all answers and moves every conversation to the bin, from where each can be restored.",
    response_class=JsonResponse,
    responses={
        200: answer("How many were moved.", Deleted, {"detail": "3 conversations are in the bin now.", "deleted": 3}),
        **refusals(503, 507),
    },
    dependencies=[ManageScope],
)
async def delete_all_sessions(core: TheCore) -> Response:
    """Move all sessions to the bin."""
    deleted = await core.sessions.delete_all()
    return JsonResponse({"detail": f"{deleted} conversations are in the bin now.", "deleted": deleted})


@router.get(
    "/sessions/search",
    operation_id="search_messages",
    summary="Find messages",
    description="""\
The newest messages in which, or in whose files, all words of the query stand, in any order, of all conversations but
those in the bin; the last word may be the beginning of one. Letter case and accents make no difference, and no
character has a special meaning. With `titles` the conversations whose titles have the words come first. `marks` are
places in the excerpt.""",
    response_class=JsonResponse,
    responses={200: answer("A page of what was found.", list[Hit], [HIT], LINK), **refusals(422, 503)},
    dependencies=[ChatScope],
)
async def search_messages(
    request: Request,
    core: TheCore,
    q: Annotated[str, Query(max_length=1000, description="What to look for.", examples=["blue light"])],
    titles: Annotated[bool, Query(description="Look in the conversations' titles too.")] = False,
    limit: Limit = 20,
    offset: Offset = 0,
) -> Response:
    """Find messages."""
    hits = await core.sessions.search(q, limit=limit + 1, offset=offset, titles=titles)
    headers = next_link(request, limit=limit, offset=offset + limit) if len(hits) > limit else {}
    return JsonResponse([hit_json(hit) for hit in hits[:limit]], headers=headers)


router.include_router(transfers.router)
router.include_router(messages.router)


@router.get(
    "/sessions/{session_id}",
    operation_id="get_session",
    summary="Look at a conversation",
    description="What is known of a conversation; `GET /sessions/{session_id}/messages` has what was said in it.",
    response_class=JsonResponse,
    responses={200: answer("The conversation.", Session, SESSION), **refusals(404, 422, 503)},
    dependencies=[ChatScope],
)
async def get_session(session_id: SessionId, core: TheCore) -> Response:
    """Show a session."""
    return JsonResponse(session_json(await core.sessions.get(session_id)))


@router.patch(
    "/sessions/{session_id}",
    operation_id="change_session",
    summary="Rename, pin, archive or move a conversation",
    description="Changes what is named; the rest stays as it is. `GET /folders` has the ids of folders.",
    response_class=JsonResponse,
    responses={200: answer("The conversation as it is now.", Session, SESSION), **refusals(404, 422, 503, 507)},
    dependencies=[ChatScope],
)
async def change_session(
    session_id: SessionId,
    asked: Annotated[
        SessionChanges,
        Body(
            openapi_examples=examples(
                rename={"title": "The sky"},
                pin={"pinned": True},
                archive={"archived": True},
                move={"folder_id": FOLDER["folder_id"]},
            )
        ),
    ],
    core: TheCore,
) -> Response:
    """Change a session."""
    session = await core.sessions.get(session_id)
    if asked.moves:  # first, as only this may be refused
        (session,) = await core.sessions.move([session_id], asked.folder_id)
    if asked.title is not None:
        session = await core.sessions.rename(session_id, asked.title)
    if asked.pinned is not None:
        session = await core.sessions.pin(session_id, pinned=asked.pinned)
    if asked.archived is not None:
        session = await core.sessions.archive(session_id, archived=asked.archived)
    return JsonResponse(session_json(session))


@router.delete(
    "/sessions/{session_id}",
    operation_id="delete_session",
    summary="Delete a conversation",
    description="""\
Moves a conversation to the bin, stopping its answer. With `erase` it is removed for good, its traces in the database
and in the search included, which takes a managing token.""",
    response_class=JsonResponse,
    responses={
        200: answer("It was done.", Detail, {"detail": "The conversation is in the bin."}),
        **refusals(404, 422, 503, 507),
    },
    dependencies=[ChatScope],
)
async def delete_session(
    request: Request,
    session_id: SessionId,
    core: TheCore,
    erase: Annotated[bool, Query(description="For good, instead of into the bin.")] = False,
) -> Response:
    """Delete or erase a session."""
    if erase:
        check_manages(request)
        await core.sessions.erase(session_id)
        return JsonResponse({"detail": "The conversation is erased."})
    await core.sessions.delete(session_id)
    return JsonResponse({"detail": "The conversation is in the bin."})


@router.post(
    "/sessions/{session_id}/restore",
    operation_id="restore_session",
    summary="Bring a conversation back",
    description="Takes a conversation out of the bin; one that is not in it stays as it is.",
    response_class=JsonResponse,
    responses={200: answer("The conversation.", Session, SESSION), **refusals(404, 422, 503, 507)},
    dependencies=[ChatScope],
)
async def restore_session(session_id: SessionId, core: TheCore) -> Response:
    """Bring a session back."""
    return JsonResponse(session_json(await core.sessions.restore(session_id)))


@router.post(
    "/sessions/{session_id}/branch",
    operation_id="branch_session",
    summary="Go on elsewhere",
    description="Begins another conversation with a copy of the messages up to one of them, or of all that are shown.",
    response_class=JsonResponse,
    responses={200: answer("The new conversation.", Session, SESSION), **refusals(404, 422, 503, 507)},
    dependencies=[ChatScope],
)
async def branch_session(
    session_id: SessionId,
    core: TheCore,
    asked: Annotated[
        BranchPoint | None, Body(openapi_examples=examples(up_to_a_message={"message_id": REPLY["id"]}, all={}))
    ] = None,
) -> Response:
    """Copy a session."""
    return JsonResponse(session_json(await core.sessions.branch(session_id, (asked or BranchPoint()).message_id)))
