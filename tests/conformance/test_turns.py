"""Several conversations, cancelled replies, and the end of an engine."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, suppress

import psutil
import pytest

from tests.conformance.abilities import needs
from tests.conformance.replies import Asker
from tests.conformance.subjects import ENDLESS_QUESTION, OTHER_QUESTION, QUESTION, Subject
from tether_desktop.errors import EngineError
from tether_desktop.model.engine import PromptPiece
from tether_desktop.model.hosting.host import HostedEngine

pytestmark = pytest.mark.asyncio(loop_scope="module")

ANSWER_AND_MORE = "<|im_end|>\n<|im_start|>user\nAnd more?<|im_end|>\n<|im_start|>assistant\n"


@needs("sessions")
async def test_two_conversations_in_turn_do_not_mix(ask: Asker) -> None:
    first = (await ask(session="first")).text
    other = (await ask(OTHER_QUESTION, session="other")).text
    assert first != other
    for _ in range(2):
        assert (await ask(session="first")).text == first
        assert (await ask(OTHER_QUESTION, session="other")).text == other
    assert (await ask(OTHER_QUESTION, session="first")).text == other


@needs("reuse")
async def test_the_next_turn_reads_only_what_is_new(ask: Asker) -> None:
    first = await ask(session="reused")
    second = await ask(QUESTION + first.text + ANSWER_AND_MORE, session="reused")
    assert first.usage.prompt_tokens - 1 <= second.usage.cached_tokens < second.usage.prompt_tokens


@needs("reuse", "greedy")
async def test_another_answer_to_the_same_question_reads_nothing_again(ask: Asker) -> None:
    first, second = await ask(session="again"), await ask(session="again")
    assert second.usage.cached_tokens == second.usage.prompt_tokens - 1
    assert second.text == first.text


@needs("reuse", "greedy")
async def test_what_was_read_before_changes_no_word(subject: Subject, ask: Asker) -> None:
    await ask(session="warm")
    warm = await ask(QUESTION + "Red" + ANSWER_AND_MORE, session="warm")
    async with subject.loaded() as fresh:
        cold = await Asker(subject, fresh)(QUESTION + "Red" + ANSWER_AND_MORE)
    assert warm.usage.cached_tokens > 0 == cold.usage.cached_tokens
    assert warm.text == cold.text


@needs("cancel")
@pytest.mark.parametrize("chunks", [0, 1, 2, 9])
async def test_closing_a_reply_at_any_chunk_leaves_the_engine_ready(ask: Asker, chunks: int) -> None:
    expected = (await ask()).text
    async with aclosing(ask.stream("other words " * 40 + QUESTION, max_tokens=None)) as stream:
        for _ in range(chunks):
            await anext(stream)
    assert (await ask()).text == expected


@needs("cancel")
@pytest.mark.parametrize("chunks", [0, 1, 2, 9])
async def test_cancelling_the_task_at_any_chunk_leaves_the_engine_ready(subject: Subject, chunks: int) -> None:
    async with subject.loaded_endless() as engine:
        ask = Asker(subject, engine)
        reached, seen = asyncio.Event(), 0

        async def read() -> None:
            nonlocal seen
            if seen == chunks:
                reached.set()
            async for _ in ask.stream(ENDLESS_QUESTION, max_tokens=None):
                seen += 1
                if seen == chunks:
                    reached.set()

        task = asyncio.create_task(read())
        await reached.wait()
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        told = await ask()
        assert told.usage.completion_tokens == 24


@needs("cancel")
async def test_a_cancelled_reply_is_no_part_of_the_next(ask: Asker) -> None:
    expected = (await ask(OTHER_QUESTION)).text
    for _ in range(3):
        async with aclosing(ask.stream(max_tokens=None)) as stream:
            async for chunk in stream:
                if chunk.text:
                    break
        assert (await ask(OTHER_QUESTION)).text == expected


@needs("cancel")
async def test_cancelling_a_load_leaves_nothing_behind_and_the_next_load_works(subject: Subject) -> None:
    engine, begun = subject.setting.new(subject.spec), asyncio.Event()
    task = asyncio.create_task(subject.load(engine, lambda _: begun.set()))
    await begun.wait()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    if isinstance(engine, HostedEngine) and task.cancelled():
        assert not psutil.pid_exists(engine.pid or 0)
    await engine.close()
    async with subject.loaded() as another:
        assert (await Asker(subject, another)()).text


@needs("streaming")
async def test_closing_can_be_repeated_and_ends_all_requests(subject: Subject) -> None:
    async with subject.loaded() as engine:
        ask = Asker(subject, engine)
        await ask()
        await engine.close()
        await engine.close()
        with pytest.raises(EngineError, match="unloaded") as error:
            await ask()
        assert error.value.hint
        with pytest.raises(EngineError, match="unloaded"):
            await engine.count_tokens([(PromptPiece("text"),)])


@needs("streaming")
async def test_an_engine_that_was_never_loaded_can_be_closed(subject: Subject) -> None:
    await subject.setting.new(subject.spec).close()
