"""What is asked of a server: the conversation and how to sample, less what it does not take."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Sequence
from typing import Any

from tether_desktop.messages import Message, ToolCall, ToolResult
from tether_desktop.model.engine import SamplingParams

logger = logging.getLogger(__name__)

_DEFAULTS = SamplingParams()

_EXTRAS = {
    "top_k": ("top_k",),
    "min_p": ("min_p",),
    "repetition_penalty": ("repetition_penalty", "repeat_penalty"),
}
"""Parameters that OpenAI's API does not have, and what servers that have them call them."""

_UNUSUAL = frozenset(("stream_options", *(name for names in _EXTRAS.values() for name in names)))
"""What a server need not know; it is left out when the server complains of it."""

_USUAL = frozenset(("temperature", "top_p", "max_tokens"))
"""What some models refuse to be told, or to be told by that name; a wrong value of it is another complaint."""

_RENAMED = {"max_tokens": "max_completion_tokens"}
_NO_SYSTEM = re.compile(r"system.{0,10}\brole|role.{0,10}\bsystem", re.IGNORECASE)
"""How the chat templates of some models, Gemma's among them, refuse a system message."""

_UNSUPPORTED = re.compile(
    r"unsupported|not support|unrecogni[sz]ed|unknown|unexpected|not (?:allowed|permitted)|\bextra", re.IGNORECASE
)


class Dialect:
    """What one server takes of a request, as far as it has said.

    Attributes:
        refused: fields it has refused.
        folds_system: whether what the system says has to go into the first question.
    """

    def __init__(self) -> None:
        self.refused: set[str] = set()
        self.folds_system = False

    def learn(self, body: dict[str, Any], said: str) -> bool:
        """Take note of what a refusal names of a request; False when there is nothing to say differently."""
        if not self.folds_system and _NO_SYSTEM.search(said) and _may_fold(body["messages"]):
            self.folds_system = True
            return True
        known = (_UNUSUAL | _USUAL if _UNSUPPORTED.search(said) else _UNUSUAL) & body.keys()
        named = {field for field in known if re.search(rf"\b{field}\b", said)}
        self.refused |= named
        logger.info("The server does not take %s", ", ".join(sorted(named)) or "a value of the request")
        return bool(named)

    def translate(self, body: dict[str, Any]) -> dict[str, Any]:
        """The body as the server takes it."""
        if self.folds_system and _may_fold(body["messages"]):
            body = {**body, "messages": _folded(body["messages"])}
        return {
            _RENAMED.get(name, name) if name in self.refused else name: value
            for name, value in body.items()
            if name not in self.refused or name in _RENAMED
        }


def chat_body(
    model: str, messages: Sequence[Message], params: SamplingParams, max_tokens: int | None
) -> dict[str, Any]:
    """The body of a request for a streamed reply of at most so many tokens (None: as many as there is room for)."""
    body: dict[str, Any] = {
        "model": model,
        "messages": messages_json(messages),
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
        **_logprobs(params),
        **_extras(params),
    }
    return {name: value for name, value in body.items() if value is not None}


def unstreamed(body: dict[str, Any]) -> dict[str, Any]:
    """The same request, for a reply that comes at once."""
    return {name: value for name, value in body.items() if name not in {"stream", "stream_options"}}


def messages_json(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Messages as the API has them; each result of a tool is a message of its own."""
    return [each for message in messages for each in _message(message)]


def _may_fold(messages: Sequence[dict[str, Any]]) -> bool:
    return [message["role"] for message in messages[:2]] == ["system", "user"]


def _folded(messages: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    system, first, *others = messages
    return [{**first, "content": f"{system['content']}\n\n{first['content']}"}, *others]


def _message(message: Message) -> list[dict[str, Any]]:
    results = [part for part in message.parts if isinstance(part, ToolResult)]
    if results:
        return [{"role": "tool", "tool_call_id": each.id, "content": each.result} for each in results]
    calls = [_call(part) for part in message.parts if isinstance(part, ToolCall)]
    return [{"role": message.role, "content": message.text, **({"tool_calls": calls} if calls else {})}]


def _call(call: ToolCall) -> dict[str, Any]:
    arguments = json.dumps(call.arguments, ensure_ascii=False)
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}}


def _logprobs(params: SamplingParams) -> dict[str, Any]:
    return {} if params.logprobs is None else {"logprobs": True, "top_logprobs": params.logprobs}


def _extras(params: SamplingParams) -> dict[str, Any]:
    return {
        name: getattr(params, ours)
        for ours, names in _EXTRAS.items()
        if getattr(params, ours) != getattr(_DEFAULTS, ours)
        for name in names
    }
