"""OpenAI's own client at a real local port, over scripted engines that tell what they were asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import openai

from tests.helpers.api import OpenApi, open_port
from tests.helpers.clock import VirtualClock
from tests.helpers.rooms import open_rooms
from tether_desktop.model.engine import (
    ConstraintKind,
    Engine,
    EngineInfo,
    EngineSpec,
    GenerationChunk,
    GenerationRequest,
    OnProgress,
)
from tether_desktop.model.scripted.engine import ScriptedEngine

MODEL = "Scripted"


class Overheard:
    """Makes scripted engines that keep what they were asked, and say what they say whatever it is held to.

    Attributes:
        requests: in order, of all engines.
        speaking: how many replies are being made.
        most: how many were at once.
        began, ended: set once a reply has begun, and once none is being made any more.
    """

    def __init__(self, constraints: tuple[ConstraintKind, ...] = ()) -> None:
        self.requests: list[GenerationRequest] = []
        self.speaking = self.most = 0
        self.began, self.ended = asyncio.Event(), asyncio.Event()
        self.constraints = constraints

    def __call__(self, spec: EngineSpec) -> ScriptedEngine:
        """An engine."""
        return _OverheardEngine(spec, self)

    @property
    def prompt(self) -> str:
        """The text of the newest prompt."""
        return "".join(piece.text for piece in self.requests[-1].prompt)


class _OverheardEngine(ScriptedEngine):
    def __init__(self, spec: EngineSpec, heard: Overheard) -> None:
        super().__init__(spec, clock=VirtualClock())
        self._heard = heard

    async def load(self, on_progress: OnProgress) -> EngineInfo:
        return replace(await super().load(on_progress), constraints=self._heard.constraints)

    async def generate(self, request: GenerationRequest) -> AsyncGenerator[GenerationChunk, None]:
        heard = self._heard
        heard.requests.append(request)
        heard.speaking += 1
        heard.most = max(heard.most, heard.speaking)
        heard.began.set()
        try:
            async with aclosing(super().generate(replace(request, constraint=None))) as chunks:
                async for chunk in chunks:
                    yield chunk
        finally:
            heard.speaking -= 1
            if not heard.speaking:
                heard.ended.set()


@dataclass(frozen=True)
class Asking:
    """A port, and the clients of it.

    Attributes:
        api: the port.
        client: asks it.
    """

    api: OpenApi
    client: openai.AsyncOpenAI

    @property
    def base_url(self) -> str:
        """What a client of OpenAI is given."""
        return f"{self.api.url}/v1"

    async def chat(self, question: str = "Hello?", **options: Any) -> Any:
        """Ask one question; what the client makes of the answer."""
        messages = options.pop("messages", [{"role": "user", "content": question}])
        return await self.client.chat.completions.create(model=MODEL, messages=messages, **options)

    async def stream(self, question: str = "Hello?", **options: Any) -> list[Any]:
        """Ask one question; the chunks of the answer."""
        return [chunk async for chunk in await self.chat(question, stream=True, **options)]


@asynccontextmanager
async def asking(
    folder: Path,
    replies: Sequence[Any] = ("Hello there.",),
    *,
    make_engine: Callable[[EngineSpec], Engine] | None = None,
    settings: dict[str, Any] | None = None,
    **script: Any,
) -> AsyncIterator[Asking]:
    """A port over one scripted model with these replies; see ``write_scripted_model`` for the rest of the script."""
    async with open_rooms(folder, make_engine=make_engine or Overheard(), settings=settings) as rooms:
        rooms.add_model(MODEL, replies=replies, **script)
        async with open_port(rooms) as api, _client(f"{api.url}/v1", api.token) as client:
            yield Asking(api, client)


def _client(url: str, token: str) -> openai.AsyncOpenAI:
    http = openai.DefaultAsyncHttpxClient(trust_env=False)
    return openai.AsyncOpenAI(base_url=url, api_key=token, max_retries=0, http_client=http)
