"""Turns: asked, followed, and stopped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Request
from starlette.responses import Response

from tether_desktop.context.record_json import message_json
from tether_desktop.errors import TurnNotFound
from tether_desktop.events import ErrorEvent, Status, Title
from tether_desktop.protocol.api import approvals
from tether_desktop.protocol.api.asking import begin
from tether_desktop.protocol.api.audience import Audience, TheAudience
from tether_desktop.protocol.api.core import Core, TheCore
from tether_desktop.protocol.api.disconnects import unless_gone
from tether_desktop.protocol.api.event_schemas import EXAMPLE_LINES
from tether_desktop.protocol.api.gates.security import ChatScope, check_manages
from tether_desktop.protocol.api.generation_schemas import ASK, REPLY_EXAMPLE, Abort, Generation, Reply
from tether_desktop.protocol.api.ndjson import JsonResponse, NdjsonResponse, lines
from tether_desktop.protocol.api.problem import problem, status_of_code
from tether_desktop.protocol.api.refusals import answer, line_answer, refusals
from tether_desktop.protocol.api.schemas import Id, SessionId, Success, examples
from tether_desktop.protocol.turn import Turn

router = APIRouter(tags=["Turns"])
router.include_router(approvals.router)

_ASKING = "Continue a conversation, or begin one by leaving `session_id` out."
_EXAMPLES = examples(
    ask_and_stream=ASK,
    begin_a_conversation={"prompt": "Why is the sky blue?", "max_tokens": 64, "temperature": 0},
    answer_once_more={"session_id": ASK["session_id"], "regenerate": REPLY_EXAMPLE["reply_id"]},
    go_on_with_a_reply={"session_id": ASK["session_id"], "continue": REPLY_EXAMPLE["reply_id"]},
    ask_something_else_instead={
        "session_id": ASK["session_id"],
        "replace": REPLY_EXAMPLE["question_id"],
        "prompt": "Why is the sunset red?",
    },
)


@router.post(
    "/generations",
    operation_id="generate",
    summary="Ask something",
    description="""\
Asks in a conversation and answers with the whole reply or, with `stream`, with one line of JSON for each event as it
happens. Whatever is wrong with the question is told before anything is stored, with a status of its own; once lines
come, the last of them is exactly one of `done`, `cancelled` and `error`.

`Tether-Session-Id` and `Tether-Reply-Id` name the conversation and the reply before the first line is there. A client
that loses its connection goes on with `GET /sessions/{session_id}/events`, without missing a line. When the last
reader has gone and none has come back within a few seconds, the turn is stopped, unless it was asked with
`keep_running`; what was said until then is stored in any case. A turn that the window or the terminal has begun is
never stopped so, whoever has followed it.

One question at a time is answered in a conversation: a second one gets 409, and can follow the first.

With `continue`, the model goes on with the last reply where it ends. The lines bring only what is new; the reply that
is stored, and the whole answer, have all of it. Usage and timings are those of all parts, as far as they are known.""",
    response_class=JsonResponse,
    responses={
        200: line_answer("The reply, whole or line by line.", Reply, REPLY_EXAMPLE, EXAMPLE_LINES),
        **refusals(400, 404, 409, 422, 500, 502, 503, 507),
    },
    dependencies=[ChatScope],
)
async def generate(
    request: Request,
    asked: Annotated[Generation, Body(openapi_examples=_EXAMPLES)],
    core: TheCore,
    audience: TheAudience,
) -> Response:
    """Answer a question."""
    if asked.allowed_tools:
        check_manages(request)
    turn = await begin(core.sessions, asked)
    if not asked.keep_running:
        audience.need(turn)
    if asked.stream:
        with audience.reading(turn):
            refusal = await _refused_at_once(turn)
        if refusal:
            return _refused(turn, refusal)
        return _stream(audience, turn, lines(turn, status=asked.stream_options.status))
    with audience.reading(turn):
        if not await unless_gone(request, turn.wait()):
            return Response(status_code=499)
    return await _whole(core, turn)


@router.get(
    "/sessions/{session_id}/events",
    operation_id="follow",
    summary="Follow the running turn",
    description="""\
The lines of the turn that runs in a conversation, or that ended in it just now, from the first on or from where a
lost connection broke off: `after` is how many lines there are already. Any number of clients can follow a turn at
their own pace, and each gets all of its lines.""",
    response_class=NdjsonResponse,
    responses={200: line_answer("The turn, line by line.", None, None, EXAMPLE_LINES), **refusals(404, 422, 503)},
    dependencies=[ChatScope],
)
async def follow(
    session_id: SessionId,
    core: TheCore,
    audience: TheAudience,
    after: Annotated[int, Query(ge=0, le=2**31, description="Lines that are there already.")] = 0,
    reply: Annotated[Id | None, Query(description="Only the turn that writes this reply, and no later one.")] = None,
    status: Annotated[bool, Query(description="Whether `status` lines are among them, and were counted.")] = True,
) -> Response:
    """Give the lines of a turn."""
    turn = await _newest_turn(core, session_id, reply)
    return _stream(audience, turn, lines(turn, after=after, status=status))


@router.post(
    "/generations/abort",
    operation_id="abort",
    summary="Stop an answer",
    description="""\
Stops what is being answered in a conversation. It returns once all that was said is stored, and its readers have got
their last line, `cancelled`.""",
    response_class=JsonResponse,
    responses={
        200: answer("Whether there was something to stop.", Success, {"success": True}),
        **refusals(404, 422, 503),
    },
    dependencies=[ChatScope],
)
async def abort(
    asked: Annotated[Abort, Body(openapi_examples=examples(stop={"session_id": ASK["session_id"]}))], core: TheCore
) -> Response:
    """Stop a turn."""
    success = await core.sessions.cancel(asked.session_id)
    if not success:
        await core.sessions.get(asked.session_id)
    return JsonResponse({"success": success})


async def _newest_turn(core: Core, session_id: str, reply: str | None) -> Turn:
    try:
        turn = core.sessions.newest_turn(session_id)
    except TurnNotFound:
        # Rather say that there is no such conversation, where that is so.
        await core.sessions.get(session_id)
        raise
    if reply is not None and turn.reply.id != reply:
        message = f"Reply {reply} is not the one that is being written in conversation {session_id}, or was just now."
        raise TurnNotFound("Another turn", message, "Its messages have what became of it.")
    return turn


def _stream(audience: Audience, turn: Turn, source: AsyncIterator[bytes]) -> Response:
    return NdjsonResponse(_read(audience, turn, source), headers=_headers(turn))


async def _read(audience: Audience, turn: Turn, source: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    with audience.reading(turn):
        async for batch in source:
            yield batch


async def _whole(core: Core, turn: Turn) -> Response:
    """The answer to a client that has waited for all of it."""
    ending = turn.so_far()[-1]
    if isinstance(ending, ErrorEvent):
        return _refused(turn, ending)
    messages = [message_json(record) for record in await core.sessions.history(turn.session_id)]
    return JsonResponse(await asyncio.to_thread(_reply_json, turn, messages), headers=_headers(turn))


async def _refused_at_once(turn: Turn) -> ErrorEvent | None:
    """The error with which a turn ended before there was anything to wait for or to read.

    So a question that does not fit has a status of its own where the model is loaded.
    """
    async for event in turn.events():
        match event:
            case ErrorEvent():
                return event
            case Title() | Status("reading_prompt", 0.0):
                continue
            case _:
                return None
    return None


def _refused(turn: Turn, error: ErrorEvent) -> Response:
    status = status_of_code(error.code)
    body = problem(status, error.code, error.title, error.message, error.hint)
    body |= {"session_id": turn.session_id, "reply_id": turn.reply.id}
    return JsonResponse(body, status, headers=_headers(turn))


def _reply_json(turn: Turn, messages: list[dict[str, Any]]) -> dict[str, Any]:
    reply = message_json(turn.reply)
    return {
        "session_id": turn.session_id,
        "reply": reply["content"],
        "messages": messages,
        "reply_id": reply["id"],
        "question_id": turn.question.id if turn.question else None,
        **{name: reply[name] for name in ("model", "finish_reason", "usage", "timings")},
    }


def _headers(turn: Turn) -> dict[str, str]:
    return {"Tether-Session-Id": turn.session_id, "Tether-Reply-Id": turn.reply.id}
