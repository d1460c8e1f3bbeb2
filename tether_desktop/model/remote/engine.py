"""The engine of models that run on a server elsewhere."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

from tether_desktop.errors import ContinuationRefused, EngineError, PromptTooLong, ServerError
from tether_desktop.messages import Message, ToolDeclaration, Usage
from tether_desktop.model.engine import (
    ConstraintKind,
    EngineInfo,
    EngineSpec,
    GenerationChunk,
    GenerationRequest,
    OnProgress,
    Prompt,
)
from tether_desktop.model.refusals import check_constraint, check_prompt, not_loaded
from tether_desktop.model.remote.chat_request import CONTINUING, chat_body, unstreamed
from tether_desktop.model.remote.client import ServerClient, Tries, persist
from tether_desktop.model.remote.counting import (
    Count,
    Estimate,
    count_or_none,
    find_count,
    llamacpp_window,
    messages_of,
)
from tether_desktop.model.remote.dialect import Dialect, refuses_tools
from tether_desktop.model.remote.faults import EmptyStream, ForbiddenCalls, Passing, Refusal
from tether_desktop.model.remote.keys import read_key
from tether_desktop.model.remote.limits import Limits
from tether_desktop.model.remote.listing import ListedModel
from tether_desktop.model.remote.models import fetch_models
from tether_desktop.model.remote.reply import ReplyReader
from tether_desktop.model.remote.servers import Server, get_server

logger = logging.getLogger(__name__)

_CONSTRAINTS: tuple[ConstraintKind, ...] = ("json_schema",)
_REFUSALS = frozenset((400, 422))
_FAILURES = frozenset((404, 500, 501))
"""What some servers answer instead, when they cannot call tools or do not know a form of a schema."""

_NUMBERED = re.compile(r" \(\d+\)\Z")


class RemoteEngine:
    """The Engine protocol, spoken to a server with the API of OpenAI.

    The server renders the prompt; the conversation goes to it and to nobody else. A reply that was not begun is
    asked for again where that may help; one that was begun never is.
    """

    def __init__(self, spec: EngineSpec, *, limits: Limits | None = None) -> None:
        """Prepare; nothing is connected before :meth:`load`.

        Args:
            spec: its model is "server/model".
            limits: how long to wait for the server.
        """
        self._spec = spec
        self._limits = limits or Limits()
        self._server_name, _, self._model = spec.model.partition("/")
        self._client: ServerClient | None = None
        self._window = 0
        self._owner = ""
        self._count: Count | None = None
        self._estimate = Estimate()
        self._dialect = Dialect()

    async def load(self, on_progress: OnProgress) -> EngineInfo:
        """See that the server is there, takes the key and has the model."""
        on_progress(0.0)
        server = await asyncio.to_thread(get_server, self._server_name)
        key = await asyncio.to_thread(read_key, server)
        self._client = ServerClient(server, key, self._limits)
        listed = await self._find_model(self._client, server)
        self._count = await find_count(self._client, self._model, listed.owner)
        self._window = await self._find_window(self._client, server, listed)
        self._owner = listed.owner
        on_progress(1.0)
        return EngineInfo(self._window, f"Server {server.name}", takes_messages=True, constraints=_CONSTRAINTS)

    async def generate(self, request: GenerationRequest) -> AsyncGenerator[GenerationChunk, None]:
        """Stream a reply; closing the generator closes the connection."""
        client = self._loaded()
        check_constraint(request.constraint, _CONSTRAINTS)
        body = await self._body(request)
        tries = Tries(self._limits)
        while True:
            asked, reader = self._dialect.translate(body), ReplyReader(client, request)
            try:
                async with aclosing(self._attempt(client, asked, reader)) as chunks:
                    async for chunk in chunks:
                        self._learn(asked, chunk.usage)
                        yield chunk
            except Refusal as refusal:
                if not reader.begun and self._leave_out(asked, refusal):
                    continue
                fault = self._fault(client, asked, refusal)
            except ForbiddenCalls:
                if "tools" not in asked:
                    raise client.faults.ended("nothing but calls of tools, of which there were to be none") from None
                continue
            except (Passing, ServerError) as error:
                fault = error
            else:
                return
            finally:
                self._dialect.ignores_choice |= reader.calls_anyway
            await self._go_on_or_tell(fault, tries, begun=reader.begun)
            if isinstance(fault, EmptyStream):
                body = unstreamed(body)

    async def count_tokens(self, prompts: Sequence[Prompt]) -> list[int]:
        """Token count of each conversation: the server's, or an estimate."""
        self._loaded()
        return [await self._tokens(messages_of(prompt)) for prompt in prompts]

    async def close(self) -> None:
        """Close the connections; idempotent."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _attempt(
        self, client: ServerClient, body: dict[str, Any], reader: ReplyReader
    ) -> AsyncGenerator[GenerationChunk, None]:
        url = client.endpoint("/chat/completions")
        async with (
            client.stream("POST", url, body) as response,
            aclosing(reader.read(response)) as chunks,
        ):
            async for chunk in chunks:
                yield chunk

    def _leave_out(self, body: dict[str, Any], refusal: Refusal) -> bool:
        """Leave out what the server does not take from now on; False when it complains of something else."""
        if refusal.too_long:
            return False
        if refusal.status in _REFUSALS:
            return self._dialect.learn(body, refusal.body)
        return refusal.status in _FAILURES and self._dialect.learn(body, refusal.body, as_refusal=False)

    def _fault(self, client: ServerClient, body: dict[str, Any], refusal: Refusal) -> Passing | EngineError:
        if refusal.status in _REFUSALS | _FAILURES and refuses_tools(body, refusal.body):
            return client.faults.no_tools(refusal.said)
        return client.faults.of_refusal(refusal, self._model)

    async def _go_on_or_tell(self, fault: Passing | EngineError, tries: Tries, *, begun: bool) -> None:
        """Wait before the next try, where there may be one."""
        if isinstance(fault, PromptTooLong):
            self._estimate.tighten()
        error = fault.error if isinstance(fault, Passing) else fault
        if begun:
            raise self._loaded().faults.cut_off(error.message) from fault
        if not isinstance(fault, Passing):
            raise error
        await tries.again(fault)

    async def _find_model(self, client: ServerClient, server: Server) -> ListedModel:
        """The model as the server lists it; without a list, as the person has named it."""
        try:
            models = {model.id: model for model in await persist(lambda: fetch_models(client), client)}
        except ServerError:
            if self._model not in server.models:
                raise
            # The person knows the model, and there are servers that answer but do not list.
            logger.info("%s does not list its models", server.name)
            return ListedModel(self._model)
        # The catalogue numbers a name that is taken by a folder of ours.
        if self._model not in models and (original := _NUMBERED.sub("", self._model)) in models:
            self._model = original
        if self._model not in models and self._model not in server.models:
            raise client.faults.unknown_model(self._model, list(models))
        return models.get(self._model, ListedModel(self._model))

    async def _find_window(self, client: ServerClient, server: Server, listed: ListedModel) -> int:
        told = listed.context_window
        if not told and listed.owner == "llamacpp":
            told = await llamacpp_window(client)
        window = told or listed.trained_window or server.context_window
        return min(window, self._spec.context_window or window)

    async def _room(self, request: GenerationRequest) -> int | None:
        """Tokens the reply may have: servers refuse to be asked for more than the window holds.

        Checked here too, since there are servers that forget the beginning and say nothing.
        """
        tokens = await self._tokens(request.messages, request.tools) if request.messages else 0
        check_prompt(tokens, self._window)
        wanted = request.params.max_tokens
        return None if wanted is None else min(wanted, self._window - tokens)

    async def _tokens(self, messages: Sequence[Message], tools: Sequence[ToolDeclaration] = ()) -> int:
        counted = await count_or_none(self._count, messages, tools) if self._count else None
        return self._estimate.count(messages, tools) if counted is None else counted

    def _learn(self, body: dict[str, Any], usage: Usage | None) -> None:
        if usage is not None:
            self._estimate.learn(body, usage.prompt_tokens)

    async def _body(self, request: GenerationRequest) -> dict[str, Any]:
        body = chat_body(self._model, request, await self._room(request))
        return body | self._going_on() if request.continues else body

    def _going_on(self) -> dict[str, Any]:
        """What makes the server go on with the last message.

        Raises:
            ContinuationRefused: it is of no kind that is known to do that; others would begin anew.
        """
        if self._owner not in CONTINUING:
            raise ContinuationRefused(
                "The reply cannot go on",
                f"{self._spec.model} runs on a server that begins every reply anew.",
                "Ask it to go on in a message of your own, or have the reply made again.",
            )
        return dict(CONTINUING[self._owner])

    def _loaded(self) -> ServerClient:
        if self._client is None:
            raise not_loaded(self._spec.model)
        return self._client
