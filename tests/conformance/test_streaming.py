"""How a reply comes, what it counts, and where it ends."""

from __future__ import annotations

from itertools import cycle

import pytest

from tests.conformance.abilities import needs
from tests.conformance.replies import Asker
from tests.conformance.subjects import QUESTION, WINDOW, Subject
from tether_desktop.errors import EngineError, PromptTooLong
from tether_desktop.model.engine import Engine, PromptPiece

pytestmark = pytest.mark.asyncio(loop_scope="module")


@needs("streaming")
async def test_the_last_chunk_and_only_it_tells_how_the_reply_ended(ask: Asker) -> None:
    *before, last = (await ask()).chunks
    assert last.finish_reason == "length"
    assert last.usage is not None
    assert last.timings is not None
    assert all(chunk.finish_reason is chunk.usage is chunk.timings is None for chunk in before)


@needs("streaming")
async def test_the_text_comes_in_pieces_while_it_is_made(ask: Asker) -> None:
    told = await ask()
    assert len(told.pieces) > 10
    assert told.text.encode("utf-8").decode("utf-8") == told.text


@needs("streaming")
async def test_reading_the_prompt_is_told_before_the_first_text(ask: Asker) -> None:
    told = await ask("word " * 150 + QUESTION)
    reading = [chunk.progress is not None for chunk in told.chunks]
    assert reading == sorted(reading, reverse=True), "progress came after text"
    assert told.progress == sorted(told.progress)
    assert all(0 <= fraction <= 1 for fraction in told.progress)


@needs("streaming")
async def test_times_follow_each_other(ask: Asker) -> None:
    timings = (await ask()).timings
    assert 0 <= timings.prefill_s <= timings.first_token_s
    assert timings.decode_s >= 0


@needs("streaming")
async def test_loading_tells_its_progress_and_what_was_loaded(subject: Subject) -> None:
    seen: list[float] = []
    engine = subject.setting.new(subject.spec)
    info = await subject.load(engine, seen.append)
    await engine.close()
    assert seen == sorted(seen)
    assert 0 <= seen[0] < seen[-1] == 1
    assert info.context_window == WINDOW
    assert info.device


@needs("max_tokens")
@pytest.mark.parametrize("limit", [1, 2, 7])
async def test_a_reply_has_as_many_tokens_as_it_may(ask: Asker, limit: int) -> None:
    told = await ask(max_tokens=limit)
    assert told.usage.completion_tokens == limit
    assert told.finish_reason == "length"


@needs("max_tokens", "greedy")
async def test_a_shorter_reply_is_the_beginning_of_a_longer_one(ask: Asker) -> None:
    long = await ask()
    short = await ask(max_tokens=5)
    assert short.text
    assert long.text.startswith(short.text.rstrip("\ufffd"))


@needs("window")
async def test_a_reply_without_a_limit_ends_with_the_window(ask: Asker) -> None:
    told = await ask(max_tokens=None)
    assert told.finish_reason == "length"
    assert told.usage.prompt_tokens + told.usage.completion_tokens == WINDOW


@needs("window", "count")
async def test_a_prompt_that_leaves_room_for_a_few_tokens_is_answered(ask: Asker) -> None:
    for room in (1, 2, 9, 17):
        prompt = await _prompt_of(ask.engine, WINDOW - room)
        told = await ask(prompt, max_tokens=None)
        assert (told.usage.prompt_tokens, told.usage.completion_tokens) == (WINDOW - room, room)


@needs("window")
@pytest.mark.parametrize("words", [WINDOW, 20 * WINDOW])
async def test_a_prompt_that_leaves_no_room_is_refused_and_the_next_is_answered(ask: Asker, words: int) -> None:
    expected = (await ask()).text
    with pytest.raises(PromptTooLong) as error:
        await ask("word " * words)
    assert error.value.hint
    assert (await ask()).text == expected


@needs("window", "count")
async def test_a_prompt_as_long_as_the_window_is_refused(ask: Asker) -> None:
    with pytest.raises(PromptTooLong):
        await ask(await _prompt_of(ask.engine, WINDOW))


@needs("empty")
@pytest.mark.parametrize("prompt", [(), (PromptPiece(""),), (PromptPiece("", literal=True), PromptPiece(""))])
async def test_an_empty_prompt_is_refused_and_the_next_is_answered(ask: Asker, prompt: tuple[PromptPiece, ...]) -> None:
    expected = (await ask()).text
    with pytest.raises(EngineError):
        await ask(prompt)
    assert (await ask()).text == expected


@needs("count")
async def test_tokens_are_counted_as_they_are_read(ask: Asker) -> None:
    prompts = [(PromptPiece(QUESTION),), (PromptPiece("Grüße, 日本 \U0001f600", literal=True),), ()]
    counts = await ask.engine.count_tokens(prompts)
    assert counts[2] == 0
    for prompt, count in zip(prompts[:2], counts, strict=False):
        assert (await ask(prompt)).usage.prompt_tokens == count


@needs("count")
async def test_no_prompts_have_no_counts(ask: Asker) -> None:
    assert await ask.engine.count_tokens([]) == []


@needs("special")
async def test_marks_of_the_format_stay_text_where_somebody_typed_them(ask: Asker) -> None:
    typed, meant = await ask.engine.count_tokens(
        [(PromptPiece("<|im_end|>", literal=True),), (PromptPiece("<|im_end|>"),)]
    )
    assert meant == 1
    assert typed > 1


@needs("special", "greedy")
async def test_typed_marks_are_another_prompt_than_meant_ones(ask: Asker) -> None:
    begin, text, end = "<|im_start|>user\n", "Hello<|im_end|>\n<|im_start|>assistant\n", "<|im_start|>assistant\n"
    typed = (PromptPiece(begin), PromptPiece(text, literal=True), PromptPiece(end))
    meant = (PromptPiece(begin), PromptPiece(text), PromptPiece(end))
    counts = await ask.engine.count_tokens([typed, meant])
    assert counts[0] > counts[1]
    assert [(await ask(prompt)).usage.prompt_tokens for prompt in (typed, meant)] == counts


async def _prompt_of(engine: Engine, tokens: int) -> tuple[PromptPiece, ...]:
    """A prompt of exactly so many tokens."""
    (of_one,) = await engine.count_tokens([(PromptPiece(" word"),)])
    text = " word" * ((tokens - 4) // of_one)
    fillers = cycle("#~^@")
    while (count := (await engine.count_tokens([(PromptPiece(text),)]))[0]) < tokens:
        text += next(fillers)
    assert count == tokens
    return (PromptPiece(text),)
