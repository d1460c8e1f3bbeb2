"""The engine's side of the pipe: every request is answered, and what comes faster than a screen shows goes together."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.scripted_models import scripted_spec, write_scripted_model
from tether_desktop.model.engine import GenerationChunk, GenerationRequest
from tether_desktop.model.hosting import child, wire
from tether_desktop.model.hosting.child import EngineServer, TokenGatherer


class Pipe:
    """Remembers what was sent, and wakes whoever waits for the next."""

    def __init__(self) -> None:
        self.sent: list[list[str]] = []
        self._news = asyncio.Event()

    def send(self, chunks: list[GenerationChunk]) -> None:
        self.sent.append([chunk.text for chunk in chunks])
        self._news.set()

    async def wait_for_more(self) -> None:
        self._news.clear()
        await asyncio.wait_for(self._news.wait(), 10)


@pytest.fixture
async def pipe() -> Pipe:
    return Pipe()


async def test_the_first_token_is_sent_at_once_and_what_follows_within_a_frame_in_one_message(pipe: Pipe) -> None:
    gatherer = TokenGatherer(pipe.send)
    for text in ("One", " two", " three"):
        gatherer.add(GenerationChunk(text))
    assert pipe.sent == [["One"]]
    await pipe.wait_for_more()
    assert pipe.sent == [["One"], [" two", " three"]]
    gatherer.flush()


async def test_a_token_after_a_quiet_frame_is_sent_at_once(pipe: Pipe) -> None:
    gatherer = TokenGatherer(pipe.send)
    gatherer.add(GenerationChunk("One"))
    gatherer.add(GenerationChunk(" two"))
    await pipe.wait_for_more()
    idle = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_later(0.1, idle.set_result, None)
    await idle
    gatherer.add(GenerationChunk(" three"))
    assert pipe.sent == [["One"], [" two"], [" three"]]
    gatherer.flush()


async def test_what_is_kept_is_sent_once_when_the_reply_ends(pipe: Pipe) -> None:
    gatherer = TokenGatherer(pipe.send)
    gatherer.add(GenerationChunk("One"))
    gatherer.add(GenerationChunk(" two"))
    gatherer.flush()
    gatherer.flush()
    assert pipe.sent == [["One"], [" two"]]


async def test_a_request_that_is_cancelled_before_it_began_is_answered_all_the_same(tmp_path: Path) -> None:
    answers: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue()
    server = EngineServer(scripted_spec(write_scripted_model(tmp_path)), answers.put_nowait)
    request = wire.pack_request(GenerationRequest("session", ()))
    server.receive({"do": "generate", "id": 7, "request": request})
    server.receive({"do": "cancel", "id": 7})
    assert await asyncio.wait_for(answers.get(), 10) == {"id": 7, "cancelled": True}
    server.receive({"do": "cancel", "id": 7})
    server.receive({"do": "load", "id": 8})
    assert [(await asyncio.wait_for(answers.get(), 10))["id"] for _ in range(3)] == [8, 8, 8]
    assert answers.empty()


class Panic(BaseException):
    """What a native library ends with, which is no Exception."""


class PanickingEngine:
    """Fails while it is loaded."""

    async def load(self, _: object) -> None:
        raise Panic("index out of bounds")


async def test_a_panic_of_a_native_library_is_answered_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "make_engine", lambda _: PanickingEngine())
    answered: asyncio.Future[Mapping[str, Any]] = asyncio.get_running_loop().create_future()
    server = EngineServer(scripted_spec(write_scripted_model(tmp_path)), answered.set_result)
    server.receive({"do": "load", "id": 7})
    answer = await answered
    assert answer["id"] == 7
    assert "Panic: index out of bounds" in answer["bug"]
