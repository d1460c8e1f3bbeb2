"""Errors as OpenAI's own client tells of them, each as the class that a program catches."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.helpers.openai_client import MODEL, Asking, asking

PHOTO = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": "data:,"}}]
FAILS = {"raise": {"code": "engine_error", "title": "It failed", "message": "The engine failed.", "hint": "Try again."}}


async def refused(ask: Asking, **options: Any) -> openai.APIStatusError:
    """The error of a question."""
    with pytest.raises(openai.APIStatusError) as caught:
        await ask.chat(**options)
    return caught.value


BAD_REQUESTS: list[tuple[dict[str, Any], str, str, str]] = [
    ({"messages": []}, "invalid_value", "messages", "at least 1"),
    ({"messages": [{"role": "user"}]}, "missing_required_parameter", "messages[0].content", "Missing"),
    ({"messages": [{"role": "user", "content": 5}]}, "invalid_type", "messages[0].content", "string"),
    ({"messages": [{"role": "user", "content": PHOTO}]}, "unsupported_value", "messages[0].content[1]", "Images"),
    ({"messages": [{"role": "function", "content": "x"}]}, "invalid_value", "messages[0]", "'function'"),
    ({"temperature": 2.5}, "invalid_value", "temperature", "less than or equal to 2"),
    ({"temperature": "hot"}, "invalid_type", "temperature", "number"),
    ({"max_tokens": 0}, "invalid_value", "max_tokens", "greater than or equal to 1"),
    ({"max_tokens": 5, "max_completion_tokens": 6}, "invalid_value", "max_tokens", "cannot differ"),
    ({"n": 2}, "unsupported_value", "n", "1"),
    ({"top_logprobs": 3}, "invalid_value", "top_logprobs", "'logprobs'"),
    ({"logit_bias": {"the": 1}}, "invalid_value", "logit_bias", "'the'"),
    ({"stream_options": {"include_usage": True}}, "invalid_value", "stream_options", "'stream'"),
    ({"functions": [{"name": "clock"}]}, "unsupported_parameter", "functions", "Send tools"),
    ({"function_call": "auto"}, "unsupported_parameter", "function_call", "tool_choice"),
    ({"modalities": ["text", "audio"]}, "unsupported_value", "modalities", "text"),
    ({"audio": {"voice": "alloy", "format": "wav"}}, "unsupported_parameter", "audio", "write text"),
    ({"web_search_options": {}}, "unsupported_parameter", "web_search_options", "tool"),
    ({"prediction": {"type": "content", "content": ""}}, "unsupported_parameter", "prediction", "not offered"),
    ({"verbosity": "low"}, "unsupported_value", "verbosity", "medium"),
    ({"extra_body": {"temprature": 1}}, "unknown_parameter", "temprature", "Did you mean temperature?"),
    ({"extra_body": {"mirostat": 1}}, "unknown_parameter", "mirostat", "Unrecognized"),
    ({"tool_choice": "required"}, "invalid_value", "tool_choice", "'tools'"),
    ({"tools": [{"type": "function"}]}, "missing_required_parameter", "tools[0].function", "Missing"),
    ({"response_format": {"type": "yaml"}}, "invalid_value", "response_format", "yaml"),
]


async def test_a_bad_request_names_the_parameter_at_fault(tmp_path: Path) -> None:
    async with asking(tmp_path) as ask:
        for options, code, param, words in BAD_REQUESTS:
            error = await refused(ask, **options)
            assert isinstance(error, openai.BadRequestError), options
            assert (error.code, error.param, error.type) == (code, param, "invalid_request_error"), options
            assert words in error.message, options


async def test_an_unknown_model_is_not_found(tmp_path: Path) -> None:
    async with asking(tmp_path) as ask:
        with pytest.raises(openai.NotFoundError) as caught:
            await ask.client.chat.completions.create(model="gpt-9", messages=[{"role": "user", "content": "Hi"}])
    assert (caught.value.code, caught.value.param) == ("model_not_found", "model")
    assert MODEL in caught.value.message


async def test_what_does_not_fit_is_refused_as_too_long(tmp_path: Path) -> None:
    async with asking(tmp_path, context_window=64) as ask:
        error = await refused(ask, question="word " * 200)
    assert isinstance(error, openai.BadRequestError)
    assert (error.code, error.type) == ("context_length_exceeded", "invalid_request_error")


async def test_a_wrong_token_is_no_authentication(tmp_path: Path) -> None:
    async with asking(tmp_path) as ask:
        stranger = ask.client.with_options(api_key="wrong")
        with pytest.raises(openai.AuthenticationError) as caught:
            await stranger.models.list()
    assert caught.value.code == "invalid_api_key"
    assert "tether token" in caught.value.message


async def test_too_many_requests_are_a_limit_of_their_rate(tmp_path: Path) -> None:
    async with asking(tmp_path) as ask:
        ask.api.core.settings = ask.api.core.settings.model_copy(update={"requests_per_minute": 1})
        await ask.chat()
        error = await refused(ask)
    assert isinstance(error, openai.RateLimitError)
    assert error.code == "rate_limit_exceeded"
    assert int(error.response.headers["retry-after"]) > 0


async def test_an_engine_that_fails_at_once_has_a_status_even_for_a_stream(tmp_path: Path) -> None:
    async with asking(tmp_path, [{"steps": [FAILS]}]) as ask:
        for stream in (False, True):
            error = await refused(ask, stream=stream)
            assert isinstance(error, openai.InternalServerError)
            assert (error.code, error.type) == ("engine_error", "server_error")
            assert "The engine failed. Try again." in error.message


async def test_an_engine_that_fails_in_the_middle_ends_the_stream_with_the_error(tmp_path: Path) -> None:
    async with asking(tmp_path, [{"steps": ["One", " two", FAILS]}]) as ask:
        stream = await ask.chat(stream=True)
        said = [(await anext(stream)).choices[0].delta.content for _ in range(3)]
        with pytest.raises(openai.APIError, match="The engine failed"):
            await anext(stream)
        body = {"messages": [{"role": "user", "content": "Hi"}], "stream": True}
        answer = await ask.api.client.post("/v1/chat/completions", json=body)
    assert said == ["", "One", " two"]
    *_, last, nothing = answer.text.split("\n\n")
    assert json.loads(last.removeprefix("data: "))["error"]["code"] == "engine_error"
    assert nothing == ""


@pytest.mark.parametrize("steps", [[{"bug": "oops"}], ["One", {"bug": "oops"}]])
async def test_a_fault_of_ours_is_told_without_its_words(
    tmp_path: Path, steps: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    async with asking(tmp_path, [{"steps": steps}]) as ask:
        with pytest.raises(openai.APIError) as caught:
            await ask.stream()
    assert "oops" not in caught.value.message
    assert "oops" in caplog.text


async def test_what_is_not_offered_says_what_is(tmp_path: Path) -> None:
    async with asking(tmp_path) as ask:
        with pytest.raises(openai.NotFoundError, match="POST /v1/chat/completions") as caught:
            await ask.client.embeddings.create(model=MODEL, input="Hi")
        with pytest.raises(openai.NotFoundError, match="Offered here"):
            await ask.client.responses.create(model=MODEL, input="Hi")
        with pytest.raises(openai.NotFoundError, match="Offered here"):
            await ask.client.audio.speech.create(model=MODEL, input="Hi", voice="alloy")
        other = await ask.api.client.get("/v1/chat/completions")
    assert caught.value.code == "unknown_url"
    assert other.status_code == 405
    assert other.json()["error"]["code"] == "method_not_allowed"


async def test_a_model_that_cannot_be_used_is_not_asked_again_and_again(tmp_path: Path) -> None:
    async with asking(tmp_path) as ask:
        (ask.api.rooms.models / MODEL / "tokenizer_config.json").unlink()
        patient = ask.client.with_options(max_retries=2)
        with pytest.raises(openai.BadRequestError) as caught:
            await patient.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "Hi"}])
    assert caught.value.code == "model_broken"
    assert caught.value.response.headers["x-should-retry"] == "false"


NO_REQUESTS = [
    b"",
    b"[]",
    b"{",
    b"null",
    b'"text"',
    b"\xff\xfe",
    b'{"messages": [' * 3000,
    b'{"messages": ' + b"9" * 9000 + b"}",
]


async def test_a_body_that_is_no_request_is_refused(tmp_path: Path) -> None:
    async with asking(tmp_path) as ask:
        for body in NO_REQUESTS:
            headers = {"content-type": "application/json"}
            answer = await ask.api.client.post("/v1/chat/completions", content=body, headers=headers)
            assert answer.status_code == 400, body[:20]
            assert answer.json()["error"]["type"] == "invalid_request_error"


async def test_half_of_a_surrogate_pair_is_replaced(tmp_path: Path) -> None:
    body = rb'{"messages": [{"role": "user", "content": "cut \ud83d"}], "user": "\ude42"}'
    async with asking(tmp_path) as ask:
        answer = await ask.api.client.post(
            "/v1/chat/completions", content=body, headers={"content-type": "application/json"}
        )
    assert answer.json()["choices"][0]["message"]["content"] == "Hello there."
