"""The real starter model and its tools: every call is a valid one, and none of them is ever seen as text."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from benchmarks.tool_prompts import PROMPTS
from benchmarks.tools import LONGEST, outcome_of
from tests.helpers.starter import StarterModel, trust_starter
from tether_desktop.app import Tether
from tether_desktop.events import Done, ToolEnd, ToolStart
from tether_desktop.messages import ToolChoice
from tether_desktop.model.engine import SamplingParams
from tether_desktop.protocol.tool_use import ToolUse
from tether_desktop.settings import Settings

pytestmark = pytest.mark.model


@pytest.fixture
async def tether(starter_model: StarterModel) -> AsyncIterator[Tether]:
    trust_starter(starter_model)
    settings = Settings(dist_path=str(starter_model.root), default_model=starter_model.name, tool_rounds=1)
    async with Tether(settings) as tether:
        yield tether


@pytest.mark.timeout(300)
async def test_with_a_call_required_fifty_of_fifty_replies_make_valid_calls(tether: Tether) -> None:
    required = ToolChoice("required")
    for seed, prompt in enumerate(PROMPTS):
        found = await outcome_of(tether, prompt, required, seed=seed, longest=LONGEST, calls_only=True)
        assert found.calls >= 1, prompt
        assert found.valid == found.calls, prompt
        assert not found.raw, prompt


@pytest.mark.timeout(300)
async def test_with_the_choice_left_to_the_model_no_call_is_seen_as_text(tether: Tether) -> None:
    auto, calls = ToolChoice("auto"), 0
    for seed, prompt in enumerate(PROMPTS):
        found = await outcome_of(tether, prompt, auto, seed=seed, longest=48)
        assert not found.raw, prompt
        calls += found.calls
    assert calls > 10


async def test_the_starter_model_tells_the_time_through_the_clock(tether: Tether) -> None:
    session = await tether.sessions.create()
    question = "What time is it in Tokyo?"
    likeliest = SamplingParams(temperature=0, max_tokens=200)
    turn = await tether.sessions.send(session.id, question, params=likeliest, tool_use=ToolUse(ToolChoice("auto")))
    events = [event async for event in turn.events()]
    (start,) = [event for event in events if isinstance(event, ToolStart)]
    (end,) = [event for event in events if isinstance(event, ToolEnd)]
    assert start.name == "current_time"
    assert "Tokyo" in end.result
    assert isinstance(events[-1], Done)
    assert turn.reply.message.text.strip()
