"""Calls of tools that wait for permission: shown, allowed and refused."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body
from starlette.responses import Response

from tether_desktop.errors import TurnNotFound
from tether_desktop.events import ToolApproval, ToolEnd, ToolStart
from tether_desktop.protocol.api.core import TheCore
from tether_desktop.protocol.api.gates.security import ChatScope, ManageScope
from tether_desktop.protocol.api.ndjson import JsonResponse
from tether_desktop.protocol.api.refusals import answer, refusals
from tether_desktop.protocol.api.schemas import SessionId, Success, examples
from tether_desktop.protocol.api.session_schemas import SESSION, ApprovalReply, WaitingCall
from tether_desktop.protocol.turn import Turn

router = APIRouter()

_WAITING = {
    "session_id": SESSION["session_id"],
    "call_id": "k3v9qx2mz",
    "name": "read_file",
    "arguments": {"path": "notes.txt"},
    "origin": "Built in",
}


@router.get(
    "/approvals",
    operation_id="list_waiting_calls",
    summary="What waits for permission",
    description="All calls of tools, in all conversations, that wait for somebody to allow them.",
    response_class=JsonResponse,
    responses={200: answer("The calls.", list[WaitingCall], [_WAITING]), **refusals()},
    dependencies=[ChatScope],
)
async def list_waiting_calls(core: TheCore) -> Response:
    """Show what waits."""
    return JsonResponse([call for turn in core.sessions.turns() for call in _waiting(turn)])


@router.get(
    "/sessions/{session_id}/approvals",
    operation_id="list_waiting_calls_of_session",
    summary="What waits for permission in a conversation",
    description="The calls of the running turn that wait for somebody to allow them.",
    response_class=JsonResponse,
    responses={200: answer("The calls.", list[WaitingCall], [_WAITING]), **refusals(404, 422, 503)},
    dependencies=[ChatScope],
)
async def list_waiting_calls_of_session(session_id: SessionId, core: TheCore) -> Response:
    """Show what waits in a conversation."""
    await core.sessions.get(session_id)
    turn = core.sessions.running(session_id)
    return JsonResponse(_waiting(turn) if turn else [])


@router.post(
    "/sessions/{session_id}/approvals",
    operation_id="answer_call",
    summary="Allow or refuse a call",
    description="""\
Answers for a call that waits. With `always` or `never` the answer holds for every call of that tool in this
conversation, those that wait now included. An answer that comes too late gets 404.""",
    response_class=JsonResponse,
    responses={200: answer("It was answered.", Success, {"success": True}), **refusals(404, 422, 503, 507)},
    dependencies=[ManageScope],
)
async def answer_call(
    session_id: SessionId,
    asked: Annotated[
        ApprovalReply, Body(openapi_examples=examples(allow_it_once={"call_id": "k3v9qx2mz", "answer": "once"}))
    ],
    core: TheCore,
) -> Response:
    """Answer for a call."""
    if not await core.sessions.answer(session_id, asked.call_id, asked.answer):
        await core.sessions.get(session_id)
        message = "No such call waits: it was answered already, or its turn is over."
        raise TurnNotFound("Nothing waits", message, "`GET /approvals` shows what does.")
    return JsonResponse({"success": True})


def _waiting(turn: Turn) -> list[dict[str, Any]]:
    waiting: dict[str, ToolApproval] = {}
    for event in turn.so_far():
        if isinstance(event, ToolApproval):
            waiting[event.id] = event
        elif isinstance(event, ToolStart | ToolEnd):
            waiting.pop(event.id, None)
    calls = [] if turn.ended else waiting.values()
    return [
        {
            "session_id": turn.session_id,
            "call_id": call.id,
            "name": call.name,
            "arguments": call.arguments,
            "origin": call.origin,
        }
        for call in calls
    ]
