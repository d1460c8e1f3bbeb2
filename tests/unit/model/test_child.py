"""The engine's side of the pipe joins what comes faster than a screen can show it, and keeps its order."""

from __future__ import annotations

import asyncio

import pytest

from tether_desktop.model.child import TextGatherer
from tether_desktop.model.engine import GenerationChunk


class Pipe:
    """Remembers what was sent, and wakes whoever waits for the next."""

    def __init__(self) -> None:
        self.sent: list[GenerationChunk] = []
        self._news = asyncio.Event()

    def send(self, chunk: GenerationChunk) -> None:
        self.sent.append(chunk)
        self._news.set()

    @property
    def texts(self) -> list[str]:
        return [chunk.text for chunk in self.sent]

    async def wait_for_more(self) -> None:
        self._news.clear()
        await asyncio.wait_for(self._news.wait(), 10)


@pytest.fixture
async def pipe() -> Pipe:
    return Pipe()


async def test_the_first_text_is_sent_at_once_and_what_follows_within_a_frame_together(pipe: Pipe) -> None:
    gatherer = TextGatherer(pipe.send)
    for text in ("One", " two", " three"):
        gatherer.add(GenerationChunk(text))
    assert pipe.texts == ["One"]
    await pipe.wait_for_more()
    assert pipe.texts == ["One", " two three"]


async def test_a_token_after_a_quiet_frame_is_sent_at_once(pipe: Pipe) -> None:
    gatherer = TextGatherer(pipe.send)
    gatherer.add(GenerationChunk("One"))
    gatherer.add(GenerationChunk(" two"))
    await pipe.wait_for_more()
    idle = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_later(0.1, idle.set_result, None)
    await idle
    gatherer.add(GenerationChunk(" three"))
    assert pipe.texts == ["One", " two", " three"]
    gatherer.flush()


async def test_the_end_comes_after_all_text(pipe: Pipe) -> None:
    gatherer = TextGatherer(pipe.send)
    gatherer.add(GenerationChunk("One"))
    gatherer.add(GenerationChunk(" two"))
    gatherer.add(GenerationChunk(finish_reason="stop"))
    assert pipe.texts == ["One", " two", ""]
    assert pipe.sent[-1].finish_reason == "stop"


async def test_progress_is_not_kept_and_nothing_is_sent_twice(pipe: Pipe) -> None:
    gatherer = TextGatherer(pipe.send)
    gatherer.add(GenerationChunk(progress=0.5))
    gatherer.add(GenerationChunk("One"))
    gatherer.add(GenerationChunk(" two"))
    gatherer.flush()
    gatherer.flush()
    assert [(chunk.text, chunk.progress) for chunk in pipe.sent] == [("", 0.5), ("One", None), (" two", None)]
