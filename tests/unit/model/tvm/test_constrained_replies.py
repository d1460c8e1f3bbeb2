"""Replies of the engine that are held to a form, with a tiny random model: always of that form, and else as ever."""

from __future__ import annotations

import asyncio
import json
import random
import re
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from tests.helpers.random_decoder import RandomDecoder
from tests.helpers.random_schemas import random_schema
from tether_desktop.errors import ConstraintRefused
from tether_desktop.model.engine import (
    Constraint,
    EngineSpec,
    GenerationChunk,
    GenerationRequest,
    Prompt,
    PromptPiece,
    SamplingParams,
)
from tether_desktop.model.tvm import constraint as constraint_module
from tether_desktop.model.tvm import grammar_compiler
from tether_desktop.model.tvm import reply as reply_module
from tether_desktop.model.tvm.constraint import Constraints
from tether_desktop.model.tvm.decoder import Decoder
from tether_desktop.model.tvm.engine import TvmEngine
from tether_desktop.model.tvm.runtime import Runtime
from tether_desktop.model.tvm.tokenizer import ModelTokenizer

WINDOW = 1024
QUESTION = "<|im_start|>user\nName three colours.<|im_end|>\n<|im_start|>assistant\n"
START, END = 1, 2
GREEDY = SamplingParams(temperature=0)
WILD = SamplingParams(temperature=1.5, seed=1)
NO_MARKERS: frozenset[int] = frozenset()
COLOURS = Constraint("regex", r"(red|green|blue){1,3}, and that is why these words have to come\.")
PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 12},
        "the_age_of_the_person": {"type": "integer", "minimum": 0, "maximum": 150},
        "colour": {"enum": ["red", "green", "blue"]},
    },
    "required": ["name", "the_age_of_the_person", "colour"],
    "additionalProperties": False,
}


def prompt(text: str, *, literal: bool = False) -> Prompt:
    return (PromptPiece(text, literal),)


def schema(value: object) -> Constraint:
    return Constraint("json_schema", json.dumps(value))


@pytest.fixture(scope="module")
def engine(tiny: RandomDecoder) -> TvmEngine:
    return asyncio.run(load(tiny))


async def load(tiny: RandomDecoder) -> TvmEngine:
    engine = TvmEngine(EngineSpec("tiny", "tvm", tiny.folder, tiny.library, WINDOW, threads=2, cache_bytes=1 << 30))
    await engine.load(lambda _: None)
    return engine


async def reply(
    engine: TvmEngine,
    constraint: Constraint | None,
    params: SamplingParams = GREEDY,
    text: str = QUESTION,
    **more: Any,
) -> tuple[str, GenerationChunk]:
    request = GenerationRequest("s", prompt(text), params, constraint=constraint, **more)
    chunks = [chunk async for chunk in engine.generate(request)]
    assert [chunk.finish_reason is not None for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    return "".join(chunk.text for chunk in chunks), chunks[-1]


async def test_the_engine_says_what_it_can_hold_a_reply_to(tiny: RandomDecoder) -> None:
    info = await TvmEngine(EngineSpec("tiny", "tvm", tiny.folder, tiny.library, WINDOW)).load(lambda _: None)
    assert info.constraints == ("json_schema", "regex", "lark")


@pytest.mark.parametrize("seed", range(120))
async def test_whatever_the_schema_the_reply_fulfils_it(engine: TvmEngine, seed: int) -> None:
    wanted = random_schema(random.Random(seed))
    text, last = await reply(engine, schema(wanted), replace(WILD, seed=seed))
    assert last.finish_reason == "stop"
    Draft202012Validator(wanted).validate(json.loads(text))


@pytest.mark.parametrize(
    "expression",
    [
        r"[a-c]{3,9}",
        r"(yes|no|perhaps), (there|then)\.",
        r"\d{4}-\d{2}-\d{2}",
        r"(?i)hello world",
        r"[^a-z]{5}",
        r"é{2,4}ü?",
        r"x*",
        r"(a|ab|abc)(c|cd)e",
        r"[\u4e00-\u4e20]{2}",
        r"",
    ],
)
@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_whatever_the_expression_the_reply_matches_it(engine: TvmEngine, expression: str, seed: int) -> None:
    text, last = await reply(engine, Constraint("regex", expression), replace(WILD, seed=seed, max_tokens=200))
    if last.finish_reason == "stop":
        assert re.fullmatch(expression, text)
    else:
        assert expression == "x*"
        assert set(text) == {"x"}


@pytest.mark.parametrize("constraint", [schema(PERSON), COLOURS, Constraint("lark", "start: /(.|\\n)*/")])
async def test_the_likeliest_token_that_may_come_is_taken(
    tiny: RandomDecoder, engine: TvmEngine, constraint: Constraint
) -> None:
    """One by one, with a mask over all tokens: what the engine does in fewer steps has to be the same."""
    tokenizer = ModelTokenizer(tiny.folder)
    decoder = Decoder(Runtime(2), tiny.folder, tiny.library, WINDOW)
    held = await Constraints(tokenizer, tiny.shape.vocab).begin(constraint, NO_MARKERS)
    cache, tokens = decoder.new_cache(), tokenizer.encode(prompt(QUESTION))
    for _ in decoder.prefill(cache, tokens, 0):
        pass
    written = bytearray()
    for position in range(len(tokens), len(tokens) + 60):
        token = int(np.where(held.allowed(), decoder.logits[: tokenizer.vocab_size], -np.inf).argmax())
        if token in tokenizer.eos_ids:
            break
        written += tokenizer.token_bytes(token)
        held.take(token)
        if held.finished:
            break
        decoder.decode(cache, token, position)
    text, _ = await reply(engine, constraint, replace(GREEDY, max_tokens=60))
    assert text == written.decode("utf-8", "replace")


async def test_a_seed_repeats_a_reply_and_another_does_not(engine: TvmEngine) -> None:
    texts = [(await reply(engine, schema(PERSON), replace(WILD, seed=seed)))[0] for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


async def test_a_reply_cannot_end_before_it_is_complete_and_ends_when_it_is(engine: TvmEngine) -> None:
    eager = replace(GREEDY, logit_bias=((END, 100.0),))
    text, last = await reply(engine, Constraint("regex", "a{5,20}"), eager)
    assert (text, last.finish_reason) == ("aaaaa", "stop")
    never = replace(GREEDY, logit_bias=((END, -100.0),))
    text, last = await reply(engine, Constraint("regex", "b{5}"), never)
    assert (text, last.finish_reason) == ("bbbbb", "stop")


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 8, 11])
async def test_a_limit_cuts_a_reply_wherever_it_falls(engine: TvmEngine, limit: int) -> None:
    whole, _ = await reply(engine, schema(PERSON))
    text, last = await reply(engine, schema(PERSON), replace(GREEDY, max_tokens=limit))
    assert last.usage is not None
    assert (last.finish_reason, last.usage.completion_tokens) == ("length", limit)
    assert whole.startswith(text)


async def test_a_stop_string_ends_a_reply_also_where_the_text_had_to_come(engine: TvmEngine) -> None:
    text, last = await reply(engine, COLOURS, replace(GREEDY, stop=("is why th",)))
    assert re.fullmatch(r"(red|green|blue){1,3}, and that ", text)
    assert last.finish_reason == "stop"


async def test_probabilities_are_those_of_the_model_without_a_form(tiny: RandomDecoder, engine: TvmEngine) -> None:
    told_request = GenerationRequest("s", prompt(QUESTION), replace(GREEDY, logprobs=1), constraint=schema(PERSON))
    told = [token for chunk in [c async for c in engine.generate(told_request)] for token in chunk.logprobs]
    text, last = await reply(engine, schema(PERSON))
    assert last.usage is not None
    assert len(told) == last.usage.completion_tokens
    assert "".join(token.text for token in told) == text
    assert any(token.alternatives[0][1] > token.logprob for token in told), "something else was likelier"
    tokenizer = ModelTokenizer(tiny.folder)
    decoder = Decoder(Runtime(2), tiny.folder, tiny.library, WINDOW)
    for _ in decoder.prefill(decoder.new_cache(), tokenizer.encode(prompt(QUESTION)), 0):
        pass
    logits = decoder.logits[: tokenizer.vocab_size].astype(np.float64)
    first = next(token for token in range(tokenizer.vocab_size) if tokenizer.token_text(token) == told[0].text)
    assert told[0].logprob == pytest.approx(logits[first] - np.log(np.exp(logits).sum()), abs=1e-3)


async def test_reading_what_has_to_come_at_once_changes_nothing(
    engine: TvmEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = await reply(engine, schema(PERSON))
    calls: list[int] = []
    decode = Decoder.decode
    monkeypatch.setattr(Decoder, "decode", lambda *arguments: (calls.append(1), decode(*arguments))[1])
    assert (await reply(engine, schema(PERSON)))[0] == at_once[0]
    fewer = len(calls)
    monkeypatch.setattr(reply_module, "FEWEST_AT_ONCE", 10_000)
    one_by_one = await reply(engine, schema(PERSON))
    assert one_by_one[0] == at_once[0]
    assert one_by_one[1].usage == (await reply(engine, schema(PERSON)))[1].usage
    assert len(calls) - fewer > fewer, "many tokens had to come"


async def test_a_second_turn_reads_only_what_is_new(engine: TvmEngine) -> None:
    text, first = await reply(engine, schema(PERSON))
    follow_up = f"{QUESTION}{text}<|im_end|>\n<|im_start|>user\nAnd more?<|im_end|>\n<|im_start|>assistant\n"
    _, second = await reply(engine, None, replace(GREEDY, max_tokens=2), follow_up)
    assert first.usage is not None
    assert second.usage is not None
    assert second.usage.cached_tokens >= first.usage.prompt_tokens + first.usage.completion_tokens - 3


async def test_stopping_anywhere_leaves_the_state_right(tiny: RandomDecoder, engine: TvmEngine) -> None:
    whole = await reply(engine, schema(PERSON))
    request = GenerationRequest("s", prompt(QUESTION), GREEDY, constraint=schema(PERSON))
    for chunks_to_take in (1, 2, 3, 5, 9, 14):
        async with aclosing(engine.generate(request)) as chunks:
            for _ in range(chunks_to_take):
                await anext(chunks)
        again = await reply(engine, schema(PERSON))
        assert again[0] == whole[0]
        assert again[1].usage is not None
        assert again[1].usage.cached_tokens == again[1].usage.prompt_tokens - 1
    assert (await reply(await load(tiny), schema(PERSON)))[0] == whole[0]


@pytest.mark.parametrize(
    ("constraint", "reason"),
    [
        (Constraint("json_schema", "{"), "It is no JSON schema: Expecting property name"),
        (Constraint("json_schema", "[1]"), "It is no JSON schema"),
        (Constraint("json_schema", "false"), "Unsatisfiable"),
        (schema({"type": "integer", "minimum": 5, "maximum": 3}), "minimum (5) is greater than maximum (3)"),
        (Constraint("regex", "("), "unclosed group"),
        (Constraint("regex", r"[^\s\S]"), "Nothing that the model can write fulfils it"),
        (Constraint("lark", 'begin: "a"'), "no start rule"),
        (Constraint("lark", "start: \ud800"), "what is no text"),
    ],
)
async def test_what_cannot_be_held_to_is_refused_and_costs_nothing(
    engine: TvmEngine, constraint: Constraint, reason: str
) -> None:
    await reply(engine, None, replace(GREEDY, max_tokens=2))
    with pytest.raises(ConstraintRefused) as refused:
        await reply(engine, constraint, text=QUESTION + "Something else.")
    assert reason in refused.value.message
    assert refused.value.title
    assert refused.value.hint
    _, after = await reply(engine, None, replace(GREEDY, max_tokens=2))
    assert after.usage is not None
    assert after.usage.cached_tokens == after.usage.prompt_tokens - 1


async def test_a_form_that_becomes_too_much_on_the_way_ends_the_reply_clearly(
    engine: TvmEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grammar_compiler, "_LEXER_STATES", 60)
    request = GenerationRequest("s", prompt(QUESTION), WILD, constraint=Constraint("regex", "([a-z][0-9]){70}"))
    texts: list[str] = []

    async def write() -> None:
        chunks = engine.generate(request)
        while True:
            texts.append((await anext(chunks)).text)

    with pytest.raises(ConstraintRefused, match="too many states"):
        await write()
    assert re.fullmatch("([a-z][0-9])+[a-z]?", "".join(texts))
    monkeypatch.undo()
    text, last = await reply(engine, Constraint("regex", "([a-z][0-9]){71}"))
    assert (len(text), last.finish_reason) == (142, "stop")


async def test_special_tokens_come_through_as_text_only_where_they_are_wanted(engine: TvmEngine) -> None:
    only_start = replace(GREEDY, logit_bias=((START, 100.0),), max_tokens=3)
    assert (await reply(engine, None, only_start))[0] == ""
    assert (await reply(engine, None, only_start, markers=("<|im_start|>", "<nothing>")))[0] == "<|im_start|>" * 3


async def test_a_token_that_ends_replies_never_comes_through(engine: TvmEngine) -> None:
    only_end = replace(GREEDY, logit_bias=((END, 100.0),), max_tokens=3)
    text, last = await reply(engine, None, only_end, markers=("<|im_end|>",))
    assert (text, last.finish_reason) == ("", "stop")


@pytest.mark.parametrize("markers", [("<|im_start|>",), ()])
async def test_the_text_of_a_marker_is_written_with_its_token(engine: TvmEngine, markers: tuple[str, ...]) -> None:
    grammar = Constraint("lark", 'start: "<|im_start|>" /[ab]{3}/')
    telling = replace(GREEDY, logprobs=0)
    request = GenerationRequest("s", prompt(QUESTION), telling, constraint=grammar, markers=markers)
    chunks = [chunk async for chunk in engine.generate(request)]
    assert re.fullmatch(r"<\|im_start\|>[ab]{3}", "".join(chunk.text for chunk in chunks))
    told = [token.text for chunk in chunks for token in chunk.logprobs]
    assert ("<|im_start|>" in told) == bool(markers)


async def test_what_was_written_with_a_marker_is_not_read_again_when_it_comes_back_as_text(engine: TvmEngine) -> None:
    grammar = Constraint("lark", 'start: "<|im_start|>" /[ab]{30}/')
    text, first = await reply(engine, grammar, markers=("<|im_start|>",))
    again = (PromptPiece(QUESTION), PromptPiece(text, literal=True), PromptPiece("<|im_end|>\n"))
    for markers, reused in ((("<|im_start|>",), True), ((), False)):
        request = GenerationRequest("s", again, replace(GREEDY, max_tokens=1), markers=markers)
        last = [chunk async for chunk in engine.generate(request)][-1]
        assert last.usage is not None
        assert first.usage is not None
        assert (last.usage.cached_tokens > first.usage.prompt_tokens + 10) == reused


async def test_loading_and_free_replies_prepare_nothing_and_what_is_prepared_is_kept(
    tiny: RandomDecoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[frozenset[int]] = []
    original = constraint_module._Vocabulary
    monkeypatch.setattr(
        constraint_module, "_Vocabulary", lambda *arguments: (made.append(arguments[2]), original(*arguments))[1]
    )
    engine = await load(tiny)
    await reply(engine, None, replace(GREEDY, max_tokens=2))
    assert made == []
    for markers in ((), (), ("<|im_start|>",), ()):
        await reply(engine, COLOURS, markers=markers)
    assert made == [frozenset(), frozenset({START})]
