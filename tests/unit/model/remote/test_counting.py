"""Tokens are counted by the server where it does that, and estimated rather too high elsewhere."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.helpers.openai_server import DONE, Answer, OpenAIServer, give, piece, refuse, serving, usage
from tests.helpers.remote_engines import add, ask, loaded, reply, spec
from tether_desktop.errors import PromptTooLong
from tether_desktop.messages import text_message
from tether_desktop.model.engine import Prompt, PromptPiece, SamplingParams
from tether_desktop.model.remote import RemoteEngine
from tether_desktop.model.remote.counting import messages_of

TEXT = "The quick brown fox jumps over the lazy dog. " * 20
PROMPT: Prompt = (PromptPiece("system"), PromptPiece("Be brief.", literal=True), PromptPiece("user"), PromptPiece(TEXT))


@pytest.fixture
async def server() -> AsyncIterator[OpenAIServer]:
    async with serving() as server:
        yield server


def count_words(body: Any) -> Answer:
    return give({"count": sum(len(message["content"].split()) for message in body["messages"]), "max_model_len": 9})


async def test_an_estimate_is_rather_too_high_in_any_language(server: OpenAIServer) -> None:
    async with loaded(server) as engine:
        english, chinese = await engine.count_tokens([PROMPT, (PromptPiece("user"), PromptPiece("你好世界" * 100))])
    assert 200 < english < 400
    assert 300 < chinese < 600


async def test_an_estimate_learns_from_what_the_server_has_counted(server: OpenAIServer) -> None:
    server.answers = [Answer([piece("Hi", finish="stop"), usage(600, 1), DONE])]
    question = (PromptPiece("user"), PromptPiece(TEXT))
    async with loaded(server) as engine:
        (before,) = await engine.count_tokens([question])
        chunks = engine.generate(ask(None, TEXT))
        while (await anext(chunks)).finish_reason is None:
            pass
        # As a turn does: nobody waits for more after the last chunk.
        await chunks.aclose()
        (after,) = await engine.count_tokens([question])
    assert before < 400
    assert 600 < after < 700


async def test_a_conversation_that_was_too_long_after_all_counts_for_more_the_next_time(server: OpenAIServer) -> None:
    server.answers = [refuse(400, {"message": "No", "code": "context_length_exceeded"})]
    async with loaded(server) as engine:
        (before,) = await engine.count_tokens([PROMPT])
        with pytest.raises(PromptTooLong):
            await reply(engine)
        (after,) = await engine.count_tokens([PROMPT])
    assert after > before * 1.2


async def test_vllm_counts_itself(server: OpenAIServer) -> None:
    server.models = [{"id": "tiny", "owned_by": "vllm", "max_model_len": 2000}]
    server.others["/tokenize"] = count_words
    async with loaded(server) as engine:
        assert await engine.count_tokens([PROMPT, PROMPT[:2]]) == [182, 2]
        await reply(engine, ask(SamplingParams(max_tokens=1900), TEXT))
    assert server.chats[0]["max_tokens"] == 2000 - 180
    roles = [message["role"] for message in server.asked[-4].body["messages"]]
    assert (server.asked[-4].path, roles) == ("/tokenize", ["system", "user"])


async def test_llamacpp_counts_in_two_steps_and_tells_its_window(server: OpenAIServer) -> None:
    server.models = [{"id": "tiny", "owned_by": "llamacpp", "meta": {"n_ctx_train": 8192}}]
    server.others["/props"] = lambda _: give({"default_generation_settings": {"n_ctx": 2048}})
    server.others["/apply-template"] = lambda body: give({"prompt": body["messages"][0]["content"]})
    server.others["/tokenize"] = lambda body: give({"tokens": body["content"].split()})
    add(server)
    engine = RemoteEngine(spec())
    info = await engine.load(lambda _: None)
    assert info.context_window == 2048
    assert await engine.count_tokens([(PromptPiece("user"), PromptPiece("one two three"))]) == [3]
    await engine.close()


@pytest.mark.parametrize(
    "answer",
    [refuse(404, "no"), refuse(503, "later"), give({"count": "many"}), give({"count": 0}), give([]), give(None)],
)
async def test_a_server_that_does_not_count_after_all_leaves_it_to_the_estimate(
    server: OpenAIServer, answer: Answer
) -> None:
    server.models = [{"id": "tiny", "owned_by": "vllm"}]
    server.others["/tokenize"] = lambda _: answer
    async with loaded(server) as engine:
        (estimated,) = await engine.count_tokens([PROMPT])
    server.others["/tokenize"] = count_words
    async with loaded(server) as engine:
        server.others["/tokenize"] = lambda _: answer
        assert await engine.count_tokens([PROMPT]) == [estimated]


@pytest.mark.parametrize(
    ("model", "window"),
    [
        ({"max_model_len": 32768}, 32768),
        ({"max_model_len": 0}, 4096),
        ({"meta": {"n_ctx_train": 8192}}, 8192),
        ({}, 4096),
    ],
)
async def test_the_window_is_the_servers_else_the_one_that_was_given(
    server: OpenAIServer, model: dict[str, Any], window: int
) -> None:
    server.models = [{"id": "tiny", **model}]
    add(server, context_window=4096)
    for wanted in (0, 1000):
        engine = RemoteEngine(spec(context_window=wanted))
        assert (await engine.load(lambda _: None)).context_window == (wanted or window)
        await engine.close()


def test_a_prompt_of_roles_and_texts_is_taken_as_the_messages_it_stands_for() -> None:
    assert messages_of(PROMPT[:2]) == (text_message("system", "Be brief."),)
    assert messages_of((PromptPiece("Hello"), PromptPiece(" you"))) == (text_message("user", "Hello you"),)
    assert messages_of((PromptPiece("user"),)) == (text_message("user", "user"),)
    assert messages_of(()) == ()


def test_tools_and_what_they_said_are_counted_in_messages_that_every_template_takes() -> None:
    pairs = [("system", "[tools]"), ("system", "Be brief."), ("user", "Hi"), ("assistant", "call"), ("tool", "noon")]
    prompt = tuple(piece for role, text in pairs for piece in (PromptPiece(role), PromptPiece(text, literal=True)))
    assert messages_of(prompt) == (
        text_message("system", "[tools]\nBe brief."),
        text_message("user", "Hi"),
        text_message("assistant", "call"),
        text_message("user", "noon"),
    )
