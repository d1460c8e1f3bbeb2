"""How many tokens a conversation has: as the server counts them where it does, else an estimate that learns."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, cast, get_args

from tether_desktop.errors import TetherError
from tether_desktop.messages import (
    Message,
    Role,
    ToolDeclaration,
    text_message,
)
from tether_desktop.model.engine import Prompt
from tether_desktop.model.remote.address import root_of
from tether_desktop.model.remote.chat_request import messages_json, tools_json
from tether_desktop.model.remote.client import ServerClient
from tether_desktop.model.remote.faults import Passing, Refusal

logger = logging.getLogger(__name__)

Count = Callable[[Sequence[Message], Sequence[ToolDeclaration]], Awaitable[int]]

_UNTOLD = (Passing, Refusal, TetherError, LookupError, TypeError, ValueError)
"""Counting may be switched off, behind another gate, or something else by now: then an estimate has to do."""

_ROLES = frozenset(get_args(Role))
_MESSAGE_TOKENS = 8
"""What a chat template puts around a message, and then some."""

_BYTES_PER_TOKEN = 3.5
_PLAUSIBLE = (1.0, 5.0)
_CAUTION = 0.95
_ENOUGH_BYTES = 400
_TIGHTENING = 0.75


class Estimate:
    """Estimates tokens by bytes of UTF-8, rather too many than too few.

    English has about four bytes in a token, source text and other languages fewer; what the server says about
    prompts it has read corrects that.
    """

    def __init__(self) -> None:
        self._bytes_per_token = _BYTES_PER_TOKEN

    def count(self, messages: Sequence[Message], tools: Sequence[ToolDeclaration] = ()) -> int:
        """Tokens of a conversation, and of the tools that are offered in it."""
        size = _bytes(_conversation(messages, tools))
        return math.ceil(size / self._bytes_per_token) + _MESSAGE_TOKENS * (len(messages) + 1)

    def learn(self, body: dict[str, Any], tokens: int) -> None:
        """Go by what the server has counted of a request as it was sent, where there was enough to count."""
        size = _bytes(body)
        if size >= _ENOUGH_BYTES and tokens > 0:
            low, high = _PLAUSIBLE
            self._bytes_per_token = min(max(_CAUTION * size / tokens, low), high)

    def tighten(self) -> None:
        """Count more from now on, since the server has found a conversation too long that we have not."""
        self._bytes_per_token = max(_PLAUSIBLE[0], _TIGHTENING * self._bytes_per_token)


def messages_of(prompt: Prompt) -> tuple[Message, ...]:
    """The messages of a prompt that has of each its role and its text; of another one, its text as a question."""
    roles, texts = [piece.text for piece in prompt[::2]], [piece.text for piece in prompt[1::2]]
    if len(roles) != len(texts) or not _ROLES.issuperset(roles):
        return (text_message("user", "".join(piece.text for piece in prompt)),)
    if roles[:2] == ["system", "system"]:
        # The tools come first, and chat templates take one message of that role at most.
        roles, texts = roles[1:], ["\n".join(texts[:2]), *texts[2:]]
    # What a tool has said belongs to a call, of which nothing is known here, and servers refuse one without the other.
    pairs = (("user" if role == "tool" else role, text) for role, text in zip(roles, texts, strict=True))
    return tuple(text_message(cast("Role", role), text) for role, text in pairs)


async def find_count(client: ServerClient, model: str, owner: str) -> Count | None:
    """The server's own way of counting, tried once; None where there is none that is known to us."""
    ways: dict[str, Callable[[], Count]] = {
        "vllm": lambda: _vllm_count(client, model),
        "llamacpp": lambda: _llamacpp_count(client),
    }
    if owner not in ways:
        return None
    count = ways[owner]()
    return count if await count_or_none(count, [text_message("user", "Hello")]) else None


async def count_or_none(count: Count, messages: Sequence[Message], tools: Sequence[ToolDeclaration] = ()) -> int | None:
    """What the server counts; None, and a note in the log, where it does not after all."""
    try:
        return await count(messages, tools)
    except _UNTOLD as error:
        logger.info("The server does not count tokens: %s", type(error).__name__)
        return None


def _vllm_count(client: ServerClient, model: str) -> Count:
    async def count(messages: Sequence[Message], tools: Sequence[ToolDeclaration]) -> int:
        body = {"model": model, **_conversation(messages, tools), "add_generation_prompt": True}
        answer = await client.ask("POST", _endpoint(client, "/tokenize"), body)
        return _positive(answer["count"])

    return count


def _llamacpp_count(client: ServerClient) -> Count:
    async def count(messages: Sequence[Message], tools: Sequence[ToolDeclaration]) -> int:
        rendered = await client.ask("POST", _endpoint(client, "/apply-template"), _conversation(messages, tools))
        body = {"content": rendered["prompt"], "add_special": True, "parse_special": True}
        return _positive(len((await client.ask("POST", _endpoint(client, "/tokenize"), body))["tokens"]))

    return count


async def llamacpp_window(client: ServerClient) -> int:
    """The context window that a server of llama.cpp gives to each of its users; 0 where it does not tell."""
    try:
        answer = await client.ask("GET", _endpoint(client, "/props"))
        return _positive(answer["default_generation_settings"]["n_ctx"])
    except _UNTOLD as error:
        logger.info("The server does not tell its context window: %s", type(error).__name__)
        return 0


def _endpoint(client: ServerClient, path: str) -> str:
    return root_of(client.endpoint("")) + path


def _positive(value: Any) -> int:
    if type(value) is not int or value < 1:
        raise ValueError("no number of tokens")
    return value


def _conversation(messages: Sequence[Message], tools: Sequence[ToolDeclaration]) -> dict[str, Any]:
    return {"messages": messages_json(messages), **({"tools": tools_json(tools)} if tools else {})}


def _bytes(body: dict[str, Any]) -> int:
    """UTF-8 of what a model reads of a request."""
    tools = json.dumps(body["tools"], ensure_ascii=False) if body.get("tools") else ""
    texts = (text for message in body["messages"] for text in _texts(message))
    return sum(len(text.encode("utf-8", "replace")) for text in (tools, *texts))


def _texts(message: dict[str, Any]) -> Iterator[str]:
    yield message["content"]
    for call in message.get("tool_calls", ()):
        yield call["function"]["name"]
        yield call["function"]["arguments"]
