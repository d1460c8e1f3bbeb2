"""Continuations of a text, asked for by OpenAI's own client at a real port."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import openai
import pytest

from tests.helpers.openai_client import MODEL, Overheard, asking
from tether_desktop.protocol.api.openai.replies import TextCompletion

STORY = " there was a fox."


async def test_a_text_is_gone_on_with_as_it_is(tmp_path: Path) -> None:
    heard = Overheard()
    async with asking(tmp_path, [STORY], make_engine=heard) as ask:
        reply = await ask.client.completions.create(model=MODEL, prompt="Once", temperature=0)
        listed = await ask.client.completions.create(model=MODEL, prompt=["Once"], echo=True)
    assert (reply.choices[0].text, reply.choices[0].finish_reason) == (STORY, "stop")
    assert listed.choices[0].text == f"Once{STORY}"
    assert heard.prompt == "Once"
    assert heard.requests[0].params.temperature == 0
    assert reply.object == "text_completion"
    assert reply.usage is not None
    assert reply.usage.completion_tokens == 5
    TextCompletion.model_validate(reply.model_dump(exclude_unset=True))


async def test_sixteen_tokens_are_enough_where_nothing_else_is_said(tmp_path: Path) -> None:
    async with asking(tmp_path, ["word " * 40]) as ask:
        reply = await ask.client.completions.create(model=MODEL, prompt="Say")
        longer = await ask.client.completions.create(model=MODEL, prompt="Say", max_tokens=20)
    assert reply.usage is not None
    assert longer.usage is not None
    assert (reply.usage.completion_tokens, reply.choices[0].finish_reason) == (16, "length")
    assert longer.usage.completion_tokens == 20


async def test_a_continuation_is_streamed(tmp_path: Path) -> None:
    async with asking(tmp_path, [STORY]) as ask:
        stream = await ask.client.completions.create(
            model=MODEL, prompt="Once", echo=True, stream=True, stream_options={"include_usage": True}
        )
        *chunks, last = [chunk async for chunk in stream]
    assert [chunk.choices[0].text for chunk in chunks] == ["Once", " there", " was", " a", " fox", ".", ""]
    assert [chunk.choices[0].finish_reason for chunk in chunks] == [None] * 6 + ["stop"]
    assert len({(chunk.id, chunk.created) for chunk in (*chunks, last)}) == 1
    assert last.choices == []
    assert last.usage is not None
    assert last.usage.completion_tokens == 5


async def test_the_likelihood_of_every_token_is_told_with_its_place(tmp_path: Path) -> None:
    async with asking(tmp_path, [STORY]) as ask:
        reply = await ask.client.completions.create(model=MODEL, prompt="Once", logprobs=2)
        stream = await ask.client.completions.create(model=MODEL, prompt="Once", logprobs=0, stream=True)
        chunks = [chunk async for chunk in stream]
    found = reply.choices[0].logprobs
    assert found is not None
    assert found.tokens == [" there", " was", " a", " fox", "."]
    assert found.text_offset == [0, 6, 10, 12, 16]
    assert [len(others) for others in found.top_logprobs or []] == [2] * 5
    told = [chunk.choices[0].logprobs for chunk in chunks if chunk.choices[0].logprobs]
    assert [(each.tokens, each.text_offset) for each in told][:2] == [([" there"], [0]), ([" was"], [6])]


NOT_OFFERED: list[tuple[dict[str, Any], str]] = [
    ({"prompt": ["one", "two"]}, "prompt"),
    ({"prompt": [1, 2, 3]}, "prompt"),
    ({"prompt": ""}, "prompt"),
    ({"prompt": None}, "prompt"),
    ({"suffix": "end"}, "suffix"),
    ({"best_of": 2}, "best_of"),
    ({"n": 2}, "n"),
    ({"echo": True, "logprobs": 1}, "logprobs"),
]


async def test_what_is_not_offered_is_refused_by_name(tmp_path: Path) -> None:
    async with asking(tmp_path) as ask:
        for options, param in NOT_OFFERED:
            with pytest.raises(openai.BadRequestError) as caught:
                await ask.client.completions.create(**{"model": MODEL, "prompt": "Once", **options})
            assert caught.value.param == param, options


async def test_a_text_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    async with asking(tmp_path, context_window=64) as ask:
        with pytest.raises(openai.BadRequestError) as caught:
            await ask.client.completions.create(model=MODEL, prompt="word " * 100)
    assert caught.value.code == "context_length_exceeded"
