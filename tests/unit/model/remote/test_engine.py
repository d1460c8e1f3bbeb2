"""A model on a server answers as one here would, and is asked again only while nothing was said."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.helpers.certificate import untrusted
from tests.helpers.openai_server import (
    DONE,
    Answer,
    OpenAIServer,
    event,
    give,
    piece,
    refuse,
    say,
    serving,
)
from tests.helpers.remote_engines import Waits, add, ask, loaded, reply, spec, text_of
from tether_desktop.errors import EngineError, PromptTooLong, ServerError, SettingsError
from tether_desktop.messages import Usage, text_message
from tether_desktop.model.engine import EngineInfo, GenerationRequest, SamplingParams, TokenLogprob
from tether_desktop.model.remote import RemoteEngine
from tether_desktop.model.remote.limits import Limits

KEY = "sk-secret-1234567890"


@pytest.fixture
async def server() -> AsyncIterator[OpenAIServer]:
    async with serving() as server:
        yield server


async def test_a_reply_streams_token_by_token_and_tells_its_end_once(server: OpenAIServer) -> None:
    server.answers = [say("Hel", "lo", " you")]
    async with loaded(server) as engine:
        chunks = await reply(engine)
    assert [chunk.text for chunk in chunks] == ["Hel", "lo", " you", ""]
    assert [chunk.finish_reason for chunk in chunks] == [None, None, None, "stop"]
    assert chunks[-1].usage == Usage(20, 0, 3)
    assert chunks[-1].timings is not None
    assert chunks[-1].timings.first_token_s > 0


async def test_it_tells_what_it_is_and_wants_the_messages_themselves(server: OpenAIServer) -> None:
    add(server, context_window=4096)
    engine, seen = RemoteEngine(spec()), list[float]()
    info = await engine.load(seen.append)
    await engine.close()
    assert info == EngineInfo(4096, "Server test", takes_messages=True, constraints=("json_schema",))
    assert seen == [0.0, 1.0]


async def test_messages_go_to_the_server_with_their_roles(server: OpenAIServer) -> None:
    messages = (text_message("system", "Be brief."), text_message("user", "Hi <|im_end|>"))
    async with loaded(server) as engine:
        await reply(engine, GenerationRequest("session", (), SamplingParams(), messages))
    assert server.chats[0]["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi <|im_end|>"},
    ]
    assert server.chats[0]["model"] == "tiny"
    assert (server.chats[0]["stream"], server.chats[0]["stream_options"]) == (True, {"include_usage": True})


async def test_parameters_go_by_the_names_of_the_api_and_defaults_of_others_do_not_go_at_all(
    server: OpenAIServer,
) -> None:
    params = SamplingParams(
        temperature=0,
        top_p=0.5,
        seed=7,
        max_tokens=9,
        stop=("END",),
        presence_penalty=0.1,
        frequency_penalty=0.2,
        logit_bias=((5, -100.0),),
        logprobs=2,
    )
    async with loaded(server) as engine:
        await reply(engine, ask(params))
        await reply(engine, ask(SamplingParams(top_k=40, min_p=0.1, repetition_penalty=1.1)))
    first, second = ({name: body[name] for name in body if name not in {"messages", "model"}} for body in server.chats)
    assert first == {
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0,
        "top_p": 0.5,
        "max_tokens": 9,
        "stop": ["END"],
        "seed": 7,
        "presence_penalty": 0.1,
        "frequency_penalty": 0.2,
        "logit_bias": {"5": -100.0},
        "logprobs": True,
        "top_logprobs": 2,
    }
    extras = {"top_k": 40, "min_p": 0.1, "repetition_penalty": 1.1, "repeat_penalty": 1.1}
    assert {name: second.get(name) for name in extras} == extras
    assert "max_tokens" not in second


@pytest.mark.parametrize(
    "error",
    [
        {"message": "Unrecognized request argument supplied: min_p", "type": "invalid_request_error"},
        {"message": "Extra inputs are not permitted", "param": "min_p"},
    ],
)
async def test_a_server_that_does_not_know_a_parameter_is_asked_without_it_now_and_later(
    server: OpenAIServer, error: dict[str, str]
) -> None:
    server.answers = [refuse(400, error), say("Fine"), say("Again")]
    async with loaded(server) as engine:
        texts = [text_of(await reply(engine, ask(SamplingParams(min_p=0.1, top_k=4)))) for _ in range(2)]
    assert texts == ["Fine", "Again"]
    assert ["min_p" in body for body in server.chats] == [True, False, False]
    assert all(body["top_k"] == 4 for body in server.chats)


async def test_a_server_that_calls_a_parameter_differently_gets_it_by_that_name(server: OpenAIServer) -> None:
    said = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
    fixed = "Unsupported value: 'temperature' does not support 0.7 with this model."
    server.answers = [refuse(400, {"message": said}), refuse(400, {"message": fixed}), say("Fine")]
    async with loaded(server) as engine:
        assert text_of(await reply(engine, ask(SamplingParams(max_tokens=5)))) == "Fine"
    assert (server.chats[2]["max_completion_tokens"], "max_tokens" in server.chats[2]) == (5, False)
    assert "temperature" not in server.chats[2]


async def test_a_model_without_a_system_role_gets_the_system_prompt_with_the_first_question(
    server: OpenAIServer,
) -> None:
    server.answers = [refuse(400, {"message": "System role not supported"}), say("Fine"), say("Again")]
    messages = (text_message("system", "Be brief."), text_message("user", "Hi"))
    async with loaded(server) as engine:
        for _ in range(2):
            await reply(engine, GenerationRequest("session", (), SamplingParams(), messages))
    folded = [{"role": "user", "content": "Be brief.\n\nHi"}]
    assert [body["messages"] == folded for body in server.chats] == [False, True, True]


async def test_a_wrong_value_is_told_and_not_left_out(server: OpenAIServer) -> None:
    server.answers = [refuse(422, {"message": "temperature must be in [0, 2], got 3.0"})]
    async with loaded(server) as engine:
        with pytest.raises(ServerError, match="must be in"):
            await reply(engine, ask(SamplingParams(temperature=3)))
    assert len(server.chats) == 1


async def test_a_reply_may_be_no_longer_than_the_window_has_room_for(server: OpenAIServer) -> None:
    async with loaded(server, context_window=1000) as engine:
        await reply(engine, ask(SamplingParams(max_tokens=900), "word " * 300))
    assert 300 < server.chats[0]["max_tokens"] < 700


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
async def test_thoughts_that_a_server_tells_apart_come_between_tags(server: OpenAIServer, name: str) -> None:
    thoughts = [piece(None, **{name: text}) for text in ("Hm", ", well")]
    server.answers = [Answer([*thoughts, piece("Yes"), piece("."), piece(finish="stop"), DONE])]
    async with loaded(server) as engine:
        chunks = await reply(engine)
    assert [chunk.text for chunk in chunks] == ["<think>Hm", ", well", "</think>Yes", ".", ""]


async def test_a_stop_text_ends_the_reply_even_where_the_server_takes_no_notice(server: OpenAIServer) -> None:
    server.answers = [Answer([piece("One"), piece(" EN"), piece("D two"), "hold"])]
    async with loaded(server) as engine:
        chunks = await reply(engine, ask(SamplingParams(stop=(" END",))))
        await server.left.wait()
    assert (text_of(chunks), chunks[-1].finish_reason) == ("One", "stop")


async def test_probabilities_come_with_their_tokens(server: OpenAIServer) -> None:
    top = [{"token": "Hi", "logprob": -0.1}, {"token": "Ho", "logprob": -2}, {"token": "bad", "logprob": None}]
    told = {"content": [{"token": "Hi", "logprob": -0.1, "top_logprobs": top}]}
    choice = {"index": 0, "delta": {"content": "Hi"}, "logprobs": told}
    server.answers = [Answer([event({"choices": [choice]}), piece(finish="length"), DONE])]
    async with loaded(server) as engine:
        chunks = await reply(engine, ask(SamplingParams(logprobs=2)))
    assert chunks[0].logprobs == (TokenLogprob("Hi", -0.1, (("Hi", -0.1), ("Ho", -2.0))),)
    assert chunks[-1].finish_reason == "length"


async def test_half_a_character_waits_for_its_other_half(server: OpenAIServer) -> None:
    halves = [piece("\ud83d"), piece("\ude00!"), piece("\ud83d"), piece(finish="stop"), DONE]
    server.answers = [Answer(halves)]
    async with loaded(server) as engine:
        assert text_of(await reply(engine)) == "\U0001f600!\ufffd"


async def test_a_server_that_does_not_stream_is_understood(server: OpenAIServer) -> None:
    choice = {"index": 0, "message": {"role": "assistant", "content": "All at once."}, "finish_reason": "stop"}
    server.answers = [give({"choices": [choice], "usage": {"prompt_tokens": 3, "completion_tokens": 4}})]
    async with loaded(server) as engine:
        chunks = await reply(engine)
    assert (text_of(chunks), chunks[-1].usage) == ("All at once.", Usage(3, 0, 4))


async def test_what_is_said_after_the_end_is_waited_for_only_a_moment(server: OpenAIServer) -> None:
    server.answers = [Answer([piece("Hi"), piece(finish="stop"), "hold"])]
    async with loaded(server, Limits(linger=0.01)) as engine:
        chunks = await reply(engine)
    assert (text_of(chunks), chunks[-1].finish_reason) == ("Hi", "stop")


async def test_a_connection_that_drops_after_the_end_costs_nothing(server: OpenAIServer) -> None:
    server.answers = [Answer([piece("Hi"), piece(finish="stop"), "drop"])]
    async with loaded(server) as engine:
        assert text_of(await reply(engine)) == "Hi"
    assert len(server.chats) == 1


async def test_closing_the_reply_closes_the_connection_at_once(server: OpenAIServer) -> None:
    server.answers = [Answer([piece("One"), "hold"]), say("Fine")]
    async with loaded(server) as engine:
        chunks = engine.generate(ask())
        assert (await anext(chunks)).text == "One"
        await chunks.aclose()
        await server.left.wait()
        assert text_of(await reply(engine)) == "Fine"


async def test_cancelling_before_the_first_token_closes_the_connection(server: OpenAIServer) -> None:
    server.answers = [Answer(["hold"]), say("Fine")]
    async with loaded(server) as engine:
        task = asyncio.create_task(reply(engine))
        await server.holding.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await server.left.wait()
        assert text_of(await reply(engine)) == "Fine"


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_a_server_that_is_busy_is_asked_again_when_it_wants(server: OpenAIServer, status: int) -> None:
    server.answers = [refuse(status, {"message": "Busy"}, **{"Retry-After": "7"}), refuse(status), say("Fine")]
    waits = Waits()
    async with loaded(server, Limits(sleep=waits)) as engine:
        assert text_of(await reply(engine)) == "Fine"
    assert waits.seconds == [7.0, 1.0]


@pytest.mark.parametrize("wait", ["31", "99999", "Wed, 21 Oct 2099 07:28:00 GMT"])
async def test_a_server_is_not_asked_for_ever(server: OpenAIServer, wait: str) -> None:
    server.answers = [refuse(429, {"message": "Busy"}, **{"Retry-After": wait}) for _ in range(9)]
    async with loaded(server) as engine:
        with pytest.raises(ServerError, match="Busy") as told:
            await reply(engine)
    assert told.value.hint == "Try again later."
    assert len(server.chats) == (3 if "GMT" in wait else 1)


async def test_an_account_without_money_is_told_at_once(server: OpenAIServer) -> None:
    server.answers = [refuse(429, {"message": "You exceeded your quota", "code": "insufficient_quota"})]
    async with loaded(server) as engine:
        with pytest.raises(ServerError, match="exceeded your quota"):
            await reply(engine)


@pytest.mark.parametrize("steps", [["drop"], [b": comment\n\n", "drop"], [piece("", role="assistant"), "drop"], []])
async def test_a_connection_that_drops_before_the_first_token_is_tried_again(
    server: OpenAIServer, steps: list[bytes]
) -> None:
    server.answers = [Answer(steps), say("Fine")]
    async with loaded(server) as engine:
        assert text_of(await reply(engine)) == "Fine"


async def test_a_server_that_streams_nothing_is_asked_for_the_whole_reply_since_it_may_then_say_why(
    server: OpenAIServer,
) -> None:
    server.answers = [Answer(), refuse(400, {"message": "Too long", "code": "context_length_exceeded"})]
    async with loaded(server) as engine:
        with pytest.raises(PromptTooLong, match="Too long"):
            await reply(engine)
    assert [body.get("stream") for body in server.chats] == [True, None]
    assert "stream_options" not in server.chats[1]


@pytest.mark.parametrize(
    ("steps", "reason"),
    [
        (["drop"], "ended the connection"),
        ([], "ended the connection"),
        ([event({"error": {"message": "GPU on fire", "code": 500}})], "GPU on fire"),
        ([b"data: {nonsense\n\n"], "no JSON object"),
        ([b"data: 7\n\n"], "no JSON object"),
        ([b"data: " + b"[" * 100_000 + b"\n\n"], "no JSON object"),
        ([piece(finish="content_filter")], "filter"),
        ([piece(finish="abort")], "stopped by the server"),
    ],
)
async def test_a_reply_that_breaks_off_is_told_and_never_asked_for_again(
    server: OpenAIServer, steps: list[bytes], reason: str
) -> None:
    server.answers = [Answer([piece("Half"), *steps])]
    async with loaded(server) as engine:
        chunks = engine.generate(ask())
        assert (await anext(chunks)).text == "Half"
        with pytest.raises(ServerError, match=reason) as told:
            await anext(chunks)
        assert told.value.title == "The reply was cut off"
        assert len(server.chats) == 1
        assert text_of(await reply(engine)) == "Hello there."


async def test_a_server_that_falls_silent_is_given_up(server: OpenAIServer) -> None:
    server.answers = [Answer([piece("Half"), "hold"]), Answer(["hold"])]
    async with loaded(server, Limits(idle=0.01, first_byte=30)) as engine:
        with pytest.raises(ServerError, match="for too long"):
            await reply(engine)
        await server.left.wait()
    async with loaded(server) as engine:
        engine._loaded().limits = Limits(first_byte=0.01)
        with pytest.raises(ServerError, match="for too long"):
            await reply(engine)


async def test_an_event_without_an_end_is_given_up(server: OpenAIServer) -> None:
    server.answers = [Answer([b"data: " + b"x" * (5 << 20), "hold"])]
    async with loaded(server) as engine:
        with pytest.raises(ServerError, match="larger than any"):
            await reply(engine)


@pytest.mark.parametrize(
    "error",
    [
        {"message": "Too much", "code": "context_length_exceeded"},
        {"message": "the request exceeds", "type": "exceed_context_size_error", "code": 400},
        {"message": "This model's maximum context length is 512 tokens. However, you requested 900."},
        {"message": "'max_tokens' is too large: 900. This model's maximum context length is 512 tokens"},
    ],
)
async def test_a_conversation_that_is_too_long_for_the_server_is_told_as_such(
    server: OpenAIServer, error: dict[str, object]
) -> None:
    server.answers = [refuse(400, error)]
    async with loaded(server) as engine:
        with pytest.raises(PromptTooLong, match=re.escape(str(error["message"]))):
            await reply(engine, ask(SamplingParams(max_tokens=900)))
    assert len(server.chats) == 1


async def test_a_prompt_that_leaves_no_room_is_not_sent(server: OpenAIServer) -> None:
    async with loaded(server, context_window=100) as engine:
        with pytest.raises(PromptTooLong):
            await reply(engine, ask(None, "word " * 300))
        with pytest.raises(EngineError, match="empty"):
            await reply(engine, GenerationRequest("session", ()))
    assert server.chats == []


async def test_a_key_goes_with_every_request_and_is_seen_nowhere_else(
    server: OpenAIServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.key = KEY
    monkeypatch.setenv("TETHER_KEY_TEST", KEY)
    server.answers = [refuse(400, {"message": f"What is {KEY}?"})]
    async with loaded(server) as engine:
        with pytest.raises(ServerError) as told:
            await reply(engine)
        assert "What is [key]?" in told.value.message
        assert KEY not in repr(vars(engine))
    assert {asked.headers["authorization"] for asked in server.asked} == {f"Bearer {KEY}"}
    assert KEY not in caplog.text
    assert KEY not in str(told.value.__context__)


async def test_a_server_that_wants_a_key_or_another_one_says_so(
    server: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.key = KEY
    with pytest.raises(ServerError, match="wants a key"):
        await loaded(server).__aenter__()
    monkeypatch.setenv("TETHER_KEY_TEST", "wrong")
    with pytest.raises(ServerError, match="does not take the key"):
        await loaded(server).__aenter__()


async def test_a_model_that_is_gone_meanwhile_is_told(server: OpenAIServer) -> None:
    server.answers = [refuse(404, {"message": "The model `tiny` does not exist"})]
    async with loaded(server) as engine:
        with pytest.raises(ServerError, match="knows no model 'tiny'"):
            await reply(engine)


async def test_a_redirect_is_not_followed(server: OpenAIServer) -> None:
    server.others["/v1/models"] = lambda _: Answer([], 307, {"Location": "http://elsewhere.example/v1/models"})
    with pytest.raises(ServerError, match=r"elsewhere\.example"):
        await loaded(server).__aenter__()
    assert len(server.asked) == 1


async def test_a_model_that_the_server_does_not_have_is_told_with_those_it_has(server: OpenAIServer) -> None:
    add(server)
    engine = RemoteEngine(spec("test/other"))
    with pytest.raises(ServerError, match="It has: tiny"):
        await engine.load(lambda _: None)
    await engine.close()


async def test_a_name_that_the_catalogue_has_numbered_finds_its_model(server: OpenAIServer) -> None:
    add(server)
    engine = RemoteEngine(spec("test/tiny (2)"))
    await engine.load(lambda _: None)
    await reply(engine)
    await engine.close()
    assert server.chats[0]["model"] == "tiny"


async def test_a_model_that_the_person_has_named_needs_no_list(server: OpenAIServer) -> None:
    server.others["/v1/models"] = lambda _: refuse(404, "no")
    async with loaded(server, models=("tiny",)) as engine:
        assert text_of(await reply(engine)) == "Hello there."


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer([b"<html>Welcome</html>"], 200, {"Content-Type": "text/html"}), "no JSON"),
        (give({"hello": "you"}), "no list of models"),
        (refuse(404, "<html>Not found</html>"), "nothing at this address"),
        (refuse(500, {"message": "Broken\x1b[31m"}), r"It says: Broken \[31m"),
        (refuse(403, {"message": "Not you"}), "wants a key"),
        (Answer([b"\xff" * (17 << 20)], 200, {"Content-Type": "application/json"}), "more than any answer"),
    ],
)
async def test_what_is_no_server_of_this_kind_is_told(server: OpenAIServer, answer: Answer, reason: str) -> None:
    server.others["/v1/models"] = lambda _: answer
    with pytest.raises(ServerError, match=reason):
        await loaded(server).__aenter__()


async def test_a_server_that_is_gone_is_told_after_a_few_tries() -> None:
    async with serving() as server:
        pass
    waits = Waits()
    with pytest.raises(ServerError, match="Nothing answers at") as told:
        await loaded(server, Limits(sleep=waits)).__aenter__()
    assert (waits.seconds, told.value.title) == ([0.5, 1.0], "The server cannot be reached")


async def test_a_server_that_comes_back_is_found(server: OpenAIServer) -> None:
    gone = OpenAIServer()
    async with gone.running():
        pass
    running = gone.running()

    async def start(_seconds: float) -> None:
        await running.__aenter__()

    async with loaded(gone, Limits(sleep=start)) as engine:
        assert text_of(await reply(engine)) == "Hello there."
    await running.__aexit__(None, None, None)


async def test_a_server_that_speaks_no_tls_is_told(server: OpenAIServer) -> None:
    server._scheme = "https"
    with pytest.raises(ServerError, match="does not speak TLS"):
        await loaded(server).__aenter__()


async def test_a_server_that_cannot_prove_who_it_is_gets_neither_key_nor_question(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TETHER_KEY_TEST", KEY)
    async with serving(untrusted(tmp_path)) as server:
        with pytest.raises(ServerError, match="certificate is not trusted"):
            await loaded(server).__aenter__()
    assert server.asked == []


async def test_a_server_that_was_removed_is_told() -> None:
    with pytest.raises(SettingsError, match="No server is called 'test'"):
        await RemoteEngine(spec()).load(lambda _: None)


async def test_a_closed_engine_says_that_it_is_not_loaded(server: OpenAIServer) -> None:
    async with loaded(server) as engine:
        pass
    await engine.close()
    with pytest.raises(EngineError, match="was unloaded"):
        await reply(engine)
