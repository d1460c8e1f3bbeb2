"""What is asked of a server: the conversation, the tools, what the reply has to be, and how to sample."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from tether_desktop.errors import ConstraintRefused
from tether_desktop.messages import Message, ToolCall, ToolChoice, ToolDeclaration, ToolResult
from tether_desktop.model.engine import Constraint, GenerationRequest, SamplingParams

_DEFAULTS = SamplingParams()

_EXTRAS = {
    "top_k": ("top_k",),
    "min_p": ("min_p",),
    "repetition_penalty": ("repetition_penalty", "repeat_penalty"),
}
"""Parameters that OpenAI's API does not have, and what servers that have them call them."""

_CONTINUE = {"continue_final_message": True, "add_generation_prompt": False}
CONTINUING: dict[str, dict[str, bool]] = {"vllm": _CONTINUE, "sglang": _CONTINUE, "llamacpp": {}, "library": {}}
"""What a request has to have for the server to go on with its last message, by whom models are said to be of there.

llama.cpp's server and Ollama, which calls itself so, always go on where a reply comes last.
"""

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NOT_A_CALL = "invalid_call"
_NO_PARAMETERS = {"type": "object", "properties": {}}


def chat_body(model: str, request: GenerationRequest, max_tokens: int | None) -> dict[str, Any]:
    """The body of a request for a streamed reply of at most so many tokens (None: as many as there is room for).

    Raises:
        ConstraintRefused: the reply shall keep to a schema that is none.
    """
    params = request.params
    body: dict[str, Any] = {
        "model": model,
        "messages": messages_json(request.messages),
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": params.temperature,
        "top_p": params.top_p,
        "max_tokens": max_tokens,
        "stop": list(params.stop) or None,
        "seed": params.seed,
        "presence_penalty": params.presence_penalty or None,
        "frequency_penalty": params.frequency_penalty or None,
        "logit_bias": {str(token): bias for token, bias in params.logit_bias} or None,
        "tools": tools_json(request.tools) or None,
        "tool_choice": _choice(request.tool_choice) if request.tools else None,
        "response_format": _response_format(request.constraint),
        **_logprobs(params),
        **_extras(params),
    }
    return {name: value for name, value in body.items() if value is not None}


def unstreamed(body: dict[str, Any]) -> dict[str, Any]:
    """The same request, for a reply that comes at once."""
    return {name: value for name, value in body.items() if name not in {"stream", "stream_options"}}


def messages_json(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Messages as the API has them, without thoughts; each result of a tool is a message of its own."""
    return [each for message in messages for each in _message(message)]


def tools_json(tools: Sequence[ToolDeclaration]) -> list[dict[str, Any]]:
    """Tools as the API has them."""
    return [
        {
            "type": "function",
            "function": {
                "name": tool.name,
                "description": tool.description,
                "parameters": tool.parameters or _NO_PARAMETERS,
            },
        }
        for tool in tools
    ]


def _message(message: Message) -> list[dict[str, Any]]:
    results = [part for part in message.parts if isinstance(part, ToolResult)]
    if results:
        return [{"role": "tool", "tool_call_id": each.id, "content": each.result} for each in results]
    calls = [_call(part) for part in message.parts if isinstance(part, ToolCall)]
    return [{"role": message.role, "content": message.text, **({"tool_calls": calls} if calls else {})}]


def _call(call: ToolCall) -> dict[str, Any]:
    """A call; of one that nobody could understand, what the model wrote, in a form that every server takes."""
    name = call.name if _NAME.fullmatch(call.name) else _NOT_A_CALL
    arguments = json.dumps({"text": call.text} if call.text else call.arguments, ensure_ascii=False)
    return {"id": call.id, "type": "function", "function": {"name": name, "arguments": arguments}}


def _choice(choice: ToolChoice) -> str | dict[str, Any] | None:
    """What is not said leaves it to the model, on every server that has tools at all."""
    if choice.mode == "named":
        return {"type": "function", "function": {"name": choice.name}}
    return None if choice.mode == "auto" else choice.mode


def _response_format(constraint: Constraint | None) -> dict[str, Any] | None:
    if constraint is None:
        return None
    try:
        schema = json.loads(constraint.text)
    except (ValueError, RecursionError) as error:
        reason = error if isinstance(error, ValueError) else "it is nested too deeply"
        message = f"The JSON schema that the reply shall keep to cannot be read: {reason}."
        raise ConstraintRefused("The schema cannot be used", message, "Correct the schema.") from error
    return {"type": "json_schema", "json_schema": {"name": "reply", "schema": schema, "strict": True}}


def _logprobs(params: SamplingParams) -> dict[str, Any]:
    return {} if params.logprobs is None else {"logprobs": True, "top_logprobs": params.logprobs}


def _extras(params: SamplingParams) -> dict[str, Any]:
    return {
        name: getattr(params, ours)
        for ours, names in _EXTRAS.items()
        if getattr(params, ours) != getattr(_DEFAULTS, ours)
        for name in names
    }
