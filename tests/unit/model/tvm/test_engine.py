"""The engine through its protocol, with a tiny random model: streams, reuses, stops and recovers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace

import pytest

from tests.helpers.random_decoder import RandomDecoder
from tether_desktop.errors import LibraryMismatch, PromptTooLong
from tether_desktop.model.engine import (
    EngineSpec,
    GenerationChunk,
    GenerationRequest,
    Prompt,
    PromptPiece,
    SamplingParams,
)
from tether_desktop.model.tvm.decoder import Decoder
from tether_desktop.model.tvm.engine import TvmEngine
from tether_desktop.model.tvm.reply import Reply
from tether_desktop.model.tvm.runtime import Runtime
from tether_desktop.model.tvm.states import KvStates, Match
from tether_desktop.model.tvm.tokenizer import ModelTokenizer

WINDOW = 1024
PLENTY = 1 << 30
QUESTION = "<|im_start|>user\nName three colours.<|im_end|>\n<|im_start|>assistant\n"
GREEDY = SamplingParams(temperature=0, max_tokens=24)


def prompt(text: str, *, literal: bool = False) -> Prompt:
    return (PromptPiece(text, literal),)


def spec(tiny: RandomDecoder, window: int = WINDOW, cache_bytes: int = PLENTY) -> EngineSpec:
    return EngineSpec("tiny", "tvm", tiny.folder, tiny.library, window, threads=2, cache_bytes=cache_bytes)


async def load(tiny: RandomDecoder, cache_bytes: int = PLENTY) -> TvmEngine:
    engine = TvmEngine(spec(tiny, cache_bytes=cache_bytes))
    await engine.load(lambda _: None)
    return engine


@pytest.fixture
async def engine(tiny: RandomDecoder) -> AsyncIterator[TvmEngine]:
    engine = await load(tiny)
    yield engine
    await engine.close()


async def reply(
    engine: TvmEngine, text: str, params: SamplingParams = GREEDY, session: str = "s"
) -> tuple[str, GenerationChunk]:
    chunks = [chunk async for chunk in engine.generate(GenerationRequest(session, prompt(text), params))]
    assert [chunk.finish_reason is not None for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    return "".join(chunk.text for chunk in chunks), chunks[-1]


async def test_loading_tells_progress_and_what_it_runs_on(tiny: RandomDecoder) -> None:
    seen: list[float] = []
    info = await TvmEngine(spec(tiny)).load(seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    assert info.context_window == WINDOW
    assert info.device.startswith("CPU, AVX")
    assert info.device.endswith(", 2 threads")
    assert info.memory_bytes > 0


async def test_a_model_without_a_library_cannot_be_loaded(tiny: RandomDecoder) -> None:
    engine = TvmEngine(EngineSpec("tiny", "tvm", tiny.folder))
    with pytest.raises(LibraryMismatch, match="no compiled library"):
        await engine.load(lambda _: None)


async def test_a_reply_ends_at_the_limit_with_usage_and_timings(engine: TvmEngine) -> None:
    text, last = await reply(engine, QUESTION)
    assert text
    assert last.finish_reason == "length"
    assert last.usage is not None
    assert last.timings is not None
    assert (last.usage.cached_tokens, last.usage.completion_tokens) == (0, 24)
    assert [last.usage.prompt_tokens] == await engine.count_tokens([prompt(QUESTION)])
    assert last.timings.first_token_s >= last.timings.prefill_s > 0
    assert last.timings.decode_s > 0


async def test_reading_a_long_prompt_shows_progress(engine: TvmEngine) -> None:
    request = GenerationRequest("s", prompt("word " * 100), SamplingParams(max_tokens=1))
    fractions = [chunk.progress async for chunk in engine.generate(request) if chunk.progress is not None]
    assert len(fractions) > 1
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0


async def test_a_second_turn_reads_only_what_is_new(engine: TvmEngine) -> None:
    text, first = await reply(engine, QUESTION)
    assert first.usage is not None
    follow_up = f"{QUESTION}{text}<|im_end|>\n<|im_start|>user\nAnd more?<|im_end|>\n<|im_start|>assistant\n"
    _, second = await reply(engine, follow_up)
    assert second.usage is not None
    assert second.usage.cached_tokens >= first.usage.prompt_tokens


async def test_what_is_reused_changes_no_word(tiny: RandomDecoder, engine: TvmEngine) -> None:
    text, _ = await reply(engine, QUESTION)
    again = f"{QUESTION}{text}<|im_end|>\n"
    warm, _ = await reply(engine, again)
    fresh = await load(tiny)
    assert (await reply(fresh, again))[0] == warm
    assert (await reply(engine, QUESTION))[0] == text


async def test_two_conversations_in_turn_do_not_mix(tiny: RandomDecoder, engine: TvmEngine) -> None:
    other = "<|im_start|>user\nThe quick brown fox.<|im_end|>\n<|im_start|>assistant\n"
    alone = await reply(engine, QUESTION)
    await reply(engine, other)
    assert (await reply(engine, QUESTION))[0] == alone[0]


async def test_a_seed_repeats_a_reply_and_another_does_not(engine: TvmEngine) -> None:
    texts = [
        (await reply(engine, QUESTION, SamplingParams(temperature=1.5, seed=seed, max_tokens=24)))[0]
        for seed in (1, 1, 2)
    ]
    assert texts[0] == texts[1] != texts[2]


async def test_probabilities_are_told_beside_each_token(tiny: RandomDecoder, engine: TvmEngine) -> None:
    params = replace(GREEDY, logprobs=5)
    chunks = [chunk async for chunk in engine.generate(GenerationRequest("s", prompt(QUESTION), params))]
    told = [token for chunk in chunks for token in chunk.logprobs]
    assert len(told) == 24
    assert all(token.alternatives[0] == (token.text, token.logprob) for token in told), "the best one is taken"
    assert all(
        [logprob for _, logprob in token.alternatives] == sorted((p for _, p in token.alternatives), reverse=True)
        for token in told
    )
    tokenizer = ModelTokenizer(tiny.folder)
    assert tokenizer.token_text(1) == "<|im_start|>"
    assert tokenizer.token_text(tokenizer.encode(prompt("é"))[0]) == "\ufffd", "half a character"
    without, _ = await reply(engine, QUESTION)
    assert "".join(chunk.text for chunk in chunks) == without


async def test_no_probabilities_are_told_unless_they_are_asked_for(engine: TvmEngine) -> None:
    request = GenerationRequest("s", prompt(QUESTION), GREEDY)
    assert [chunk.logprobs async for chunk in engine.generate(request) if chunk.logprobs] == []


async def test_probabilities_are_those_before_bias_and_temperature(tiny: RandomDecoder, engine: TvmEngine) -> None:
    (word,) = ModelTokenizer(tiny.folder).encode(prompt(" there"))
    params = SamplingParams(temperature=0.1, max_tokens=1, logprobs=20, logit_bias=((word, 100.0),))
    chunks = [chunk async for chunk in engine.generate(GenerationRequest("s", prompt(QUESTION), params))]
    (told,) = [token for chunk in chunks for token in chunk.logprobs]
    unbiased = [
        chunk async for chunk in engine.generate(GenerationRequest("s", prompt(QUESTION), replace(GREEDY, logprobs=20)))
    ]
    assert told.text == " there"
    assert told.alternatives == next(chunk.logprobs[0] for chunk in unbiased if chunk.logprobs).alternatives


async def test_a_stop_string_ends_the_reply_and_is_not_shown(engine: TvmEngine) -> None:
    text, _ = await reply(engine, QUESTION)
    stop = text[len(text) // 2 :][:3]
    stopped, last = await reply(engine, QUESTION, SamplingParams(temperature=0, max_tokens=24, stop=(stop,)))
    assert stopped == text[: text.index(stop)]
    assert last.finish_reason == "stop"


async def test_a_reply_ends_where_the_window_does(engine: TvmEngine) -> None:
    _, last = await reply(engine, QUESTION, SamplingParams(temperature=0))
    assert last.usage is not None
    assert last.finish_reason == "length"
    assert last.usage.prompt_tokens + last.usage.completion_tokens == WINDOW


async def test_a_prompt_that_fills_the_window_is_refused_and_the_engine_goes_on(engine: TvmEngine) -> None:
    with pytest.raises(PromptTooLong, match="context window has room for 1,024"):
        await reply(engine, "word " * 1200)
    assert (await reply(engine, QUESTION))[0]


async def test_cancelling_while_reading_or_writing_leaves_the_engine_ready(engine: TvmEngine) -> None:
    expected, _ = await reply(engine, QUESTION)
    long = GenerationRequest("s", prompt("other words " * 60 + QUESTION), GREEDY)
    for chunks_to_take in (1, 2, 8):
        async with aclosing(engine.generate(long)) as chunks:
            for _ in range(chunks_to_take):
                await anext(chunks)
        assert (await reply(engine, QUESTION))[0] == expected
    uncancelled = "".join([chunk.text async for chunk in engine.generate(long)])
    async with aclosing(engine.generate(long)) as chunks:
        await anext(chunks)
    assert "".join([chunk.text async for chunk in engine.generate(long)]) == uncancelled


async def test_the_loop_breathes_between_tokens(engine: TvmEngine) -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counter = asyncio.create_task(count())
    await reply(engine, QUESTION)
    counter.cancel()
    assert turns >= 24


@pytest.mark.parametrize(("threads", "fixed"), [(2, [2]), (None, [])])
async def test_threads_are_fixed_only_where_somebody_set_their_number(
    tiny: RandomDecoder, monkeypatch: pytest.MonkeyPatch, threads: int | None, fixed: list[int]
) -> None:
    calls: list[int] = []
    monkeypatch.setattr(Decoder, "use_threads", lambda _decoder, count: calls.append(count))
    await TvmEngine(replace(spec(tiny), threads=threads)).load(lambda _: None)
    assert calls == fixed


def test_a_reply_that_is_read_back_in_other_tokens_is_reused_all_the_same(tiny: RandomDecoder) -> None:
    tokenizer = ModelTokenizer(tiny.folder)
    decoder = Decoder(Runtime(2), tiny.folder, tiny.library, WINDOW)
    states = KvStates(decoder.new_cache, PLENTY)
    letter_by_letter = [token for letter in "three colours" for token in tokenizer.encode(prompt(letter))]
    states.take("s", Match(letter_by_letter, 0, None)).tokens += letter_by_letter
    request = GenerationRequest("s", prompt("three colours, and more"), GREEDY)
    assert tokenizer.encode(request.prompt)[: len(letter_by_letter)] != letter_by_letter
    Reply(request, decoder, tokenizer, states)
    (state,) = states._states.values()
    assert state.tokens == letter_by_letter


async def test_typed_special_tokens_stay_text(engine: TvmEngine) -> None:
    typed, meant = await engine.count_tokens([prompt("<|im_end|>", literal=True), prompt("<|im_end|>")])
    assert meant == 1
    assert typed > 1
