"""Chat completions as OpenAI's clients ask for them."""

from __future__ import annotations

from fastapi import APIRouter, Response

from tether_desktop.protocol.api.core import TheCore
from tether_desktop.protocol.api.gates.security import ChatScope
from tether_desktop.protocol.api.openai.answers import ERRORS, with_stream
from tether_desktop.protocol.api.openai.chat_form import ChatForm
from tether_desktop.protocol.api.openai.chat_request import read_chat
from tether_desktop.protocol.api.openai.errors import OpenAIRoute
from tether_desktop.protocol.api.openai.replies import ChatChunk, ChatCompletion
from tether_desktop.protocol.api.openai.schemas import ChatBody
from tether_desktop.protocol.api.openai.stream import CompletionResponse

router = APIRouter(tags=["OpenAI-compatible"], route_class=OpenAIRoute, dependencies=[ChatScope])


@router.post(
    "/v1/chat/completions",
    summary="Answer a conversation",
    responses={200: with_stream(ChatCompletion, ChatChunk), **ERRORS},
)
async def create_chat_completion(body: ChatBody, core: TheCore) -> Response:
    """Let the model say what comes next in a conversation that the client keeps; nothing of it is stored.

    With `stream`, chunks come as server-sent events, and `[DONE]` after the last one; an error in the middle is an
    event of its own, and the last one. Calls of `tools` are for the client to run. A reply that has to be of a
    `response_format` keeps to it in any case, `strict` or not.
    """
    asked = read_chat(body, core.completions.settings)
    form = ChatForm(
        logprobs=bool(body.logprobs),
        include_usage=bool(body.stream_options and body.stream_options.include_usage),
        one_call=body.parallel_tool_calls is False,
    )
    return CompletionResponse(core.completions.chat(asked), form, stream=bool(body.stream))
