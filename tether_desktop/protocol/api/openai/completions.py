"""Completions of a plain text as OpenAI's clients ask for them."""

from __future__ import annotations

from fastapi import APIRouter, Response

from tether_desktop.protocol.api.core import TheCore
from tether_desktop.protocol.api.gates.security import ChatScope
from tether_desktop.protocol.api.openai.answers import ERRORS, with_stream
from tether_desktop.protocol.api.openai.errors import OpenAIRoute, RequestRefused
from tether_desktop.protocol.api.openai.replies import TextCompletion
from tether_desktop.protocol.api.openai.sampling import check_offered, only, sampling_params
from tether_desktop.protocol.api.openai.schemas import TextBody
from tether_desktop.protocol.api.openai.stream import CompletionResponse
from tether_desktop.protocol.api.openai.text_form import TextForm

router = APIRouter(tags=["OpenAI-compatible"], route_class=OpenAIRoute, dependencies=[ChatScope])

_DEFAULT_TOKENS = 16
"""As in OpenAI's API."""

_NOT_OFFERED = {"suffix": "A text can only be gone on with at its end."}


@router.post(
    "/v1/completions",
    summary="Go on with a text",
    responses={200: with_stream(TextCompletion, TextCompletion), **ERRORS},
)
async def create_completion(body: TextBody, core: TheCore) -> Response:
    """Let the model go on with a text, as it is: no chat template is put around it, and its special tokens count."""
    check_offered(body, _NOT_OFFERED)
    only(body, "best_of", 1)
    prompt = _prompt(body)
    params = sampling_params(
        body, core.completions.settings, max_tokens=body.max_tokens or _DEFAULT_TOKENS, logprobs=body.logprobs
    )
    form = TextForm(
        echo=prompt if body.echo else "",
        logprobs=body.logprobs is not None,
        include_usage=bool(body.stream_options and body.stream_options.include_usage),
    )
    return CompletionResponse(core.completions.text(body.model or None, prompt, params), form, stream=bool(body.stream))


def _prompt(body: TextBody) -> str:
    prompt = body.prompt[0] if isinstance(body.prompt, list) and len(body.prompt) == 1 else body.prompt
    if not isinstance(prompt, str):
        message = "'prompt' has to be one text: several at once, and tokens, are not offered."
        raise RequestRefused(message, "prompt", code="unsupported_value")
    if not prompt:
        raise RequestRefused("'prompt' is empty.", "prompt")
    if body.echo and body.logprobs is not None:
        message = "'logprobs' of the prompt are not offered: leave out one of 'echo' and 'logprobs'."
        raise RequestRefused(message, "logprobs", code="unsupported_value")
    return prompt
