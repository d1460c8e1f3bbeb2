"""Clients that go away: whatever was being done for them is stopped, and the next one is served."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.openai_client import MODEL, Overheard, asking
from tether_desktop.model.pool.pool import EnginePool

FOREVER = [{"match": "forever", "steps": ["One", " two", {"wait": True}]}, "Next."]


@pytest.mark.timeout(30)
async def test_a_client_that_leaves_a_stream_stops_the_engine(tmp_path: Path) -> None:
    heard = Overheard()
    async with asking(tmp_path, FOREVER, make_engine=heard) as ask:
        stream: Any = await ask.chat("forever", stream=True)
        assert (await anext(stream)).choices[0].delta.role == "assistant"
        await stream.close()
        await heard.ended.wait()
        assert (await ask.chat("And?")).choices[0].message.content == "Next."


@pytest.mark.timeout(30)
async def test_a_client_that_waits_no_longer_stops_the_engine(tmp_path: Path) -> None:
    heard = Overheard()
    async with asking(tmp_path, FOREVER, make_engine=heard) as ask:
        waiting = asyncio.create_task(ask.chat("forever"))
        await heard.began.wait()
        waiting.cancel()
        await heard.ended.wait()
        assert (await ask.chat("And?")).choices[0].message.content == "Next."


@pytest.mark.timeout(30)
async def test_a_client_that_leaves_the_queue_is_not_answered(tmp_path: Path) -> None:
    heard = Overheard()
    async with asking(tmp_path, FOREVER, make_engine=heard) as ask:
        pool = ask.api.rooms.pool
        first = asyncio.create_task(ask.chat("forever"))
        await heard.began.wait()
        second = asyncio.create_task(ask.chat("in vain"))
        await _until(lambda: pool.waiting().get(MODEL) == 1)
        second.cancel()
        await _until(lambda: pool.waiting().get(MODEL) == 0)
        first.cancel()
        await heard.ended.wait()
        assert (await ask.chat("And?")).choices[0].message.content == "Next."
    assert len(heard.requests) == 2


@pytest.mark.timeout(30)
async def test_a_client_that_leaves_while_the_model_loads_stops_the_load(tmp_path: Path) -> None:
    async with asking(tmp_path, load=[{"progress": 0.5}, {"wait": True}]) as ask:
        pool = ask.api.rooms.pool
        waiting = asyncio.create_task(ask.chat())
        await _until(lambda: _state(pool) == "loading")
        waiting.cancel()
        await _until(lambda: _state(pool) == "unloaded")


def _state(pool: EnginePool) -> str:
    return pool.states()[MODEL].state if MODEL in pool.states() else "unloaded"


async def _until(reached: Callable[[], bool]) -> None:
    """Let everything else run until it is so."""
    while not reached():  # noqa: ASYNC110  (nobody tells of every change)
        await asyncio.sleep(0)
