"""Engines of the test server, waiting for nothing longer than needed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.helpers.openai_server import OpenAIServer
from tether_desktop.messages import text_message
from tether_desktop.model.engine import EngineSpec, GenerationChunk, GenerationRequest, SamplingParams
from tether_desktop.model.remote import RemoteEngine
from tether_desktop.model.remote.limits import Limits
from tether_desktop.model.remote.servers import Server, save_server, servers_path

QUESTION = (text_message("user", "Hello"),)


@dataclass
class Waits:
    """Waiting that takes no time, and is remembered."""

    seconds: list[float] = field(default_factory=list)

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


def add(server: OpenAIServer, name: str = "test", **fields: Any) -> Server:
    """Add the server to the person's servers."""
    added = Server(name, server.url, **fields)
    save_server(added)
    return added


def spec(model: str = "test/tiny", context_window: int = 0) -> EngineSpec:
    """The spec of a model of the server, as the pool would make it."""
    return EngineSpec(model, "remote", servers_path(), context_window=context_window)


@asynccontextmanager
async def loaded(server: OpenAIServer, limits: Limits | None = None, **fields: Any) -> AsyncIterator[RemoteEngine]:
    """An engine of the server's model."""
    add(server, **fields)
    engine = RemoteEngine(spec(), limits=limits or Limits(sleep=Waits()))
    try:
        await engine.load(lambda _: None)
        yield engine
    finally:
        await engine.close()


def ask(params: SamplingParams | None = None, *texts: str) -> GenerationRequest:
    """A question to a model."""
    messages = tuple(text_message("user", text) for text in texts) or QUESTION
    return GenerationRequest("session", (), params or SamplingParams(), messages)


async def reply(engine: RemoteEngine, request: GenerationRequest | None = None) -> list[GenerationChunk]:
    """All chunks of a reply."""
    return [chunk async for chunk in engine.generate(request or ask())]


def text_of(chunks: list[GenerationChunk]) -> str:
    """The text of a reply."""
    return "".join(chunk.text for chunk in chunks)
