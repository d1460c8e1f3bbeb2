"""Several chats on one engine: none is read twice while there is memory, and no word depends on it."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace

import numpy as np
import pytest

from tests.helpers.random_decoder import RandomDecoder
from tether_desktop.errors import EngineError, PromptTooLong
from tether_desktop.messages import Usage
from tether_desktop.model.engine import EngineSpec, GenerationRequest, Prompt, PromptPiece, SamplingParams
from tether_desktop.model.tvm.decoder import Decoder
from tether_desktop.model.tvm.engine import TvmEngine
from tether_desktop.model.tvm.kv_cache import KvCache
from tether_desktop.model.tvm.runtime import Runtime
from tether_desktop.model.tvm.states import KvStates
from tether_desktop.model.tvm.tokenizer import ModelTokenizer

WINDOW = 1024
PLENTY = 1 << 30
SYSTEM = "<|im_start|>system\nYou are a helpful assistant. " + "There were three others. " * 20 + "<|im_end|>\n"
RED = f"{SYSTEM}<|im_start|>user\nName three colours.<|im_end|>\n<|im_start|>assistant\n"
FOX = f"{SYSTEM}<|im_start|>user\nThe quick brown fox jumps over the lazy dog.<|im_end|>\n<|im_start|>assistant\n"
GREEDY = SamplingParams(temperature=0, max_tokens=12)


def prompt(text: str) -> Prompt:
    return (PromptPiece(text),)


async def load(tiny: RandomDecoder, cache_bytes: int = PLENTY) -> TvmEngine:
    engine = TvmEngine(EngineSpec("tiny", "tvm", tiny.folder, tiny.library, WINDOW, threads=2, cache_bytes=cache_bytes))
    await engine.load(lambda _: None)
    return engine


async def reply(engine: TvmEngine, session: str, text: str, params: SamplingParams = GREEDY) -> tuple[str, Usage]:
    chunks = [chunk async for chunk in engine.generate(GenerationRequest(session, prompt(text), params))]
    assert chunks[-1].usage is not None
    return "".join(chunk.text for chunk in chunks), chunks[-1].usage


async def stop_after(engine: TvmEngine, session: str, text: str, chunks: int) -> None:
    """Begin a reply and stop it after so many chunks."""
    async with aclosing(engine.generate(GenerationRequest(session, prompt(text), GREEDY))) as generated:
        for _ in range(chunks):
            await anext(generated)


async def common_tokens(engine: TvmEngine) -> int:
    """Tokens of the system prompt that both questions begin with, as far as they are cut alike."""
    (count,) = await engine.count_tokens([prompt(SYSTEM)])
    return count


@pytest.fixture
async def engine(tiny: RandomDecoder) -> TvmEngine:
    return await load(tiny)


async def test_two_chats_in_turn_each_go_on_where_they_were(tiny: RandomDecoder, engine: TvmEngine) -> None:
    (word,) = ModelTokenizer(tiny.folder).encode(prompt(" there"))
    speaking = replace(GREEDY, logit_bias=((word, 100.0),))
    chats, known = {"red": RED, "fox": FOX}, {}
    for session, text in chats.items():
        said, usage = await reply(engine, session, text, speaking)
        assert said == " there" * 12
        chats[session] = f"{text}{said}<|im_end|>\n<|im_start|>user\nMore words.<|im_end|>\n<|im_start|>assistant\n"
        known[session] = usage.prompt_tokens + usage.completion_tokens - 1
    for session, text in chats.items():
        _, usage = await reply(engine, session, text)
        assert usage.cached_tokens == known[session], "all but the last token, which was chosen but never read"


async def test_a_system_prompt_is_computed_once_for_all_chats(tiny: RandomDecoder, engine: TvmEngine) -> None:
    await reply(engine, "red", RED)
    copied, usage = await reply(engine, "fox", FOX)
    assert usage.cached_tokens >= await common_tokens(engine)
    assert copied == (await reply(await load(tiny), "fox", FOX))[0]


async def test_another_answer_reads_a_single_token(engine: TvmEngine) -> None:
    text, first = await reply(engine, "red", RED)
    again, usage = await reply(engine, "red", RED)
    assert usage.cached_tokens == first.prompt_tokens - 1
    assert again == text


@pytest.mark.parametrize("chunks", [1, 2, 3, 6])
async def test_stopping_in_a_chat_that_began_as_a_copy_leaves_both_usable(
    tiny: RandomDecoder, engine: TvmEngine, chunks: int
) -> None:
    red, _ = await reply(engine, "red", RED)
    long = f"{SYSTEM}{'other words ' * 60}{FOX}"
    await stop_after(engine, "fox", long, chunks)
    said, usage = await reply(engine, "fox", long)
    assert usage.cached_tokens >= await common_tokens(engine)
    assert said == (await reply(await load(tiny), "fox", long))[0]
    assert (await reply(engine, "red", RED))[0] == red


async def test_a_chat_that_had_to_go_is_read_again_and_says_the_same(tiny: RandomDecoder) -> None:
    engine = await load(tiny, cache_bytes=0)
    other = "<|im_start|>user\nHello!<|im_end|>\n"
    red, _ = await reply(engine, "red", RED)
    await reply(engine, "other", other)
    said, usage = await reply(engine, "red", RED)
    assert usage.cached_tokens == 0
    assert said == red


@pytest.mark.parametrize("room", [1, 2, 3])
async def test_the_budget_decides_how_many_chats_stay_warm(tiny: RandomDecoder, room: int) -> None:
    engine = await load(tiny, cache_bytes=room * KvCache(tiny.shape, WINDOW).bytes_for(128))
    questions = [f"<|im_start|>user\n{number} {'words ' * 70}<|im_end|>\n" for number in range(4)]
    for number, question in enumerate(questions):
        _, usage = await reply(engine, str(number), question)
        assert 64 < usage.prompt_tokens + usage.completion_tokens <= 128
    newest_first = list(enumerate(questions))[::-1]
    warm = [(await reply(engine, str(number), question))[1].cached_tokens > 64 for number, question in newest_first]
    assert warm == [place < room for place in range(4)]


async def test_a_long_reply_takes_the_memory_of_a_chat_that_is_not_used(tiny: RandomDecoder) -> None:
    cache = KvCache(tiny.shape, WINDOW)
    engine = await load(tiny, cache_bytes=2 * cache.bytes_for(256))
    await reply(engine, "red", RED)
    for tokens, found in ((12, True), (500, False)):
        await reply(engine, "hello", "<|im_start|>Hello!", replace(GREEDY, max_tokens=tokens))
        assert ("red" in engine._parts()[2].sessions) == found


async def test_a_refused_prompt_leaves_the_chat_warm(engine: TvmEngine) -> None:
    _, first = await reply(engine, "red", RED)
    with pytest.raises(PromptTooLong):
        await reply(engine, "red", "word " * 2000)
    with pytest.raises(EngineError, match="prompt is empty"):
        await reply(engine, "red", "")
    assert (await reply(engine, "red", RED))[1].cached_tokens == first.prompt_tokens - 1


async def test_what_chats_may_take_is_told(tiny: RandomDecoder) -> None:
    weights = sum(tensor.nbytes for tensor in tiny.tensors.values())
    window = tiny.shape.cache_bytes_per_position * WINDOW
    for cache_bytes, expected in ((0, window), (10 * window, 10 * window)):
        engine = TvmEngine(EngineSpec("tiny", "tvm", tiny.folder, tiny.library, WINDOW, 2, cache_bytes))
        assert (await engine.load(lambda _: None)).memory_bytes == weights + expected


@pytest.fixture
def decoder(tiny: RandomDecoder) -> Decoder:
    return Decoder(Runtime(2), tiny.folder, tiny.library, WINDOW)


@pytest.mark.parametrize("prefix", [16, 33, 64, 100])
def test_a_copied_beginning_is_the_same_as_a_computed_one_to_the_last_bit(decoder: Decoder, prefix: int) -> None:
    tokens = [(i * 79) % 480 + 8 for i in range(170)]
    states = KvStates(decoder.new_cache, PLENTY)

    def read(session: str, prompt_tokens: list[int]) -> tuple[KvCache, np.ndarray]:
        match = states.match(session, prompt_tokens, lambda _: None)
        state = states.take(session, match)
        for _ in decoder.prefill(state.cache, match.tokens[match.reused :], match.reused):
            pass
        state.tokens += match.tokens[match.reused :]
        return state.cache, decoder.logits.copy()

    read("source", [*tokens[:prefix], 3, 4, 5])
    assert states.match("copy", tokens, lambda _: None).reused == prefix
    copied, logits = read("copy", tokens)
    states = KvStates(decoder.new_cache, PLENTY)
    computed, expected = read("alone", tokens)
    np.testing.assert_array_equal(logits, expected)
    np.testing.assert_array_equal(copied.values.array[:, :, :170], computed.values.array[:, :, :170])
    np.testing.assert_array_equal(copied.keys.array[:, :, :10], computed.keys.array[:, :, :10])
    decoder.decode(copied, 9, 170)
    after = decoder.logits.copy()
    decoder.decode(computed, 9, 170)
    np.testing.assert_array_equal(after, decoder.logits)
