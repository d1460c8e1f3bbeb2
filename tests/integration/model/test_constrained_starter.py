"""The starter model held to forms: always of that form, free where the form is, and as fast in its second turn."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
from jsonschema import Draft202012Validator

from tests.helpers.random_schemas import random_schema
from tests.helpers.starter import StarterModel
from tether_desktop.messages import ToolChoice, ToolDeclaration
from tether_desktop.model.discovery.catalog import Catalog
from tether_desktop.model.engine import (
    Constraint,
    EngineSpec,
    GenerationChunk,
    GenerationRequest,
    PromptPiece,
    SamplingParams,
)
from tether_desktop.model.tvm.engine import TvmEngine
from tether_desktop.protocol.call_grammar import call_constraint
from tether_desktop.protocol.dialects import OURS

GREEDY = SamplingParams(temperature=0, max_tokens=64)
CITY = {"type": "object", "properties": {"city": {"type": "string", "maxLength": 40}}, "required": ["city"]}
TOOLS = (ToolDeclaration("get_weather", "The weather in a city.", CITY), ToolDeclaration("get_time", "", CITY))


@pytest.fixture
async def engine(starter_model: StarterModel) -> AsyncIterator[TvmEngine]:
    entry = Catalog([starter_model.root]).get(starter_model.name)
    engine = TvmEngine(EngineSpec(entry.name, "tvm", entry.model_dir, entry.library, 1024))
    await engine.load(lambda _: None)
    yield engine
    await engine.close()


def question(text: str) -> str:
    return f"<|im_start|>user\n{text}<|im_end|>\n<|im_start|>assistant\n"


def request(text: str, constraint: Constraint | None = None, params: SamplingParams = GREEDY) -> GenerationRequest:
    return GenerationRequest("s", (PromptPiece(text),), params, constraint=constraint)


async def reply(engine: TvmEngine, asked: GenerationRequest) -> tuple[str, GenerationChunk]:
    chunks = [chunk async for chunk in engine.generate(asked)]
    return "".join(chunk.text for chunk in chunks), chunks[-1]


async def test_every_reply_fulfils_its_schema(engine: TvmEngine) -> None:
    for seed in range(12):
        schema = random_schema(random.Random(1000 + seed))
        params = SamplingParams(temperature=0.8, seed=seed, max_tokens=400)
        asked = request(question("Tell me about yourself."), Constraint("json_schema", json.dumps(schema)), params)
        text, last = await reply(engine, asked)
        assert last.finish_reason == "stop"
        Draft202012Validator(schema).validate(json.loads(text))


@pytest.mark.parametrize("params", [GREEDY, SamplingParams(temperature=0.8, seed=3, max_tokens=48, top_p=0.9)])
async def test_text_that_may_be_anything_is_what_it_would_be_anyway(engine: TvmEngine, params: SamplingParams) -> None:
    asked = question("What is the capital of France?")
    free, _ = await reply(engine, request(asked, None, params))
    assert len(free) > 20
    assert (await reply(engine, request(asked, Constraint("regex", "(?s:.*)"), params)))[0] == free
    calling = call_constraint(OURS, TOOLS, ToolChoice("auto"), may_think=False)
    assert (await reply(engine, request(asked, calling, params)))[0] == free


@pytest.mark.parametrize("text", ["What is the weather in Rome?", "Sing!", "12 + 7 = ?", "Wie spät ist es in Köln?"])
async def test_a_demanded_call_is_one_of_a_known_tool(engine: TvmEngine, text: str) -> None:
    demanded = call_constraint(OURS, TOOLS, ToolChoice("required"), may_think=False, most_tokens=200)
    written, last = await reply(engine, request(question(text), demanded, SamplingParams(seed=1, max_tokens=200)))
    assert last.finish_reason == "stop"
    calls = [json.loads(call) for call in written.split("<<function_call>> ")[1:]]
    assert calls
    for call in calls:
        assert call["name"] in {"get_weather", "get_time"}
        Draft202012Validator(CITY).validate(call["arguments"])


async def test_after_a_held_reply_and_after_a_stopped_one_only_what_is_new_is_read(engine: TvmEngine) -> None:
    schema = {"type": "object", "properties": {"capital_of_france": {"type": "string", "maxLength": 20}}}
    held = Constraint("json_schema", json.dumps({**schema, "required": ["capital_of_france"]}))
    asked = question("What is the capital of France?")
    async with aclosing(engine.generate(request(asked, held))) as chunks:
        for _ in range(4):
            await anext(chunks)
    text, first = await reply(engine, request(asked, held))
    follow_up = f"{asked}{text}<|im_end|>\n{question('And of Italy?')}"
    _, second = await reply(engine, request(follow_up))
    assert first.usage is not None
    assert second.usage is not None
    assert first.usage.cached_tokens == first.usage.prompt_tokens - 1
    assert second.usage.cached_tokens >= first.usage.prompt_tokens + first.usage.completion_tokens - 3
