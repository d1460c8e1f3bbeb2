"""Questions over HTTP: what is streamed is what is stored, and what is wrong is told before anything is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.helpers.api import OpenApi
from tests.helpers.turn_lines import asking, read_turn, stored, text_of
from tether_desktop.events import TERMINAL_EVENTS
from tether_desktop.model.engine import SamplingParams

WAIT = {"wait": True}
FAIL = {"raise": {"code": "engine_died", "title": "The model stopped", "message": "It ended.", "hint": "Ask again."}}
ENDS = {event.type for event in TERMINAL_EVENTS}


class Heard:
    """Remembers how turns were to sample, from the planner on."""

    def __init__(self, api: OpenApi, monkeypatch: pytest.MonkeyPatch) -> None:
        self.params: list[SamplingParams] = []
        original = api.rooms.sessions._planner.plan

        def plan(*arguments: Any, **options: Any) -> Any:
            made = original(*arguments, **options)
            self.params.append(made.params)
            return made

        monkeypatch.setattr(api.rooms.sessions._planner, "plan", plan)


async def test_a_new_conversation_is_told_before_the_first_line(api: OpenApi) -> None:
    async with asking(api.client) as lines:
        session_id = lines.response.headers["tether-session-id"]
        reply_id = lines.response.headers["tether-reply-id"]
        assert lines.response.headers["content-type"].startswith("application/x-ndjson")
        await lines.rest()
    question, reply = await stored(api.client, session_id)
    assert (question["content"], reply["id"]) == ("Well?", reply_id)


@pytest.mark.parametrize("length", [0, 1, 15, 16, 17, 40])
async def test_the_whole_reply_is_stored_as_it_was_streamed(api: OpenApi, length: int) -> None:
    text = "x" * length
    api.rooms.add_model("Long", replies=[{"steps": [*text]}])
    session_id = (await api.client.post("/sessions")).json()["session_id"]
    lines = await read_turn(api.client, session_id=session_id, model_name="Long")
    assert text_of(lines) == (await stored(api.client, session_id))[-1]["content"] == text
    assert [line["type"] for line in lines if line["type"] in ENDS] == ["done"] == [lines[-1]["type"]]


async def test_a_whole_answer_has_the_fields_of_old_and_more(api: OpenApi) -> None:
    answer = (await api.client.post("/generations", json={"prompt": "Well?", "model_name": "Scripted"})).json()
    assert answer["reply"] == "Hello there."
    assert [message["role"] for message in answer["messages"]] == ["user", "assistant"]
    assert (answer["finish_reason"], answer["model"]) == ("stop", "Scripted")
    assert answer["usage"]["completion_tokens"] > 0
    assert answer["messages"] == await stored(api.client, answer["session_id"])


async def test_zero_is_a_temperature_and_the_defaults_are_those_of_old(
    api: OpenApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = Heard(api, monkeypatch)
    for asked in ({"temperature": 0}, {}, {"temperature": None, "max_tokens": None, "stop": ["x"], "seed": 0}):
        (await api.client.post("/generations", json={"prompt": "Well?", **asked})).raise_for_status()
    zero, default, as_set = heard.params
    assert zero.temperature == 0
    assert (default.temperature, default.top_p, default.max_tokens) == (0.2, 0.95, 512)
    assert (as_set.temperature, as_set.max_tokens, as_set.seed) == (0.7, 1024, 0)
    assert "x" in as_set.stop


REFUSED: list[tuple[dict[str, Any], int, str]] = [
    ({"prompt": " \n"}, 400, "error"),
    ({"prompt": ""}, 400, "error"),
    ({}, 422, "invalid_request"),
    ({"prompt": "x", "session_id": "nowhere"}, 404, "session_not_found"),
    ({"prompt": "x", "model_name": "nobody"}, 404, "model_not_found"),
    ({"prompt": "x", "dll": "evil.so"}, 422, "invalid_request"),
    ({"prompt": "x", "device": "abacus"}, 422, "invalid_request"),
    ({"prompt": "x", "temperature": -1}, 422, "invalid_request"),
    ({"prompt": "x", "temperature": "hot"}, 422, "invalid_request"),
    ({"prompt": "x", "max_tokens": 0}, 422, "invalid_request"),
    ({"prompt": "x", "tools": ["nothing"]}, 404, "tool_not_found"),
    ({"prompt": "x", "tool_choice": "required"}, 400, "tool_error"),
    ({"prompt": "x", "tool_choice": {"name": "nothing"}}, 404, "tool_not_found"),
    ({"prompt": "x", "regenerate": "y", "session_id": "z"}, 422, "invalid_request"),
    ({"regenerate": "y"}, 422, "invalid_request"),
    ({"continue": "y"}, 422, "invalid_request"),
    ({"prompt": "x", "continue": "y", "session_id": "z"}, 422, "invalid_request"),
    ({"regenerate": "x", "continue": "y", "session_id": "z"}, 422, "invalid_request"),
    ({"continue": "y", "session_id": "nowhere"}, 404, "session_not_found"),
    ({"prompt": "x", "logit_bias": {"word": 1}}, 422, "invalid_request"),
    ({"prompt": "x", "response_format": {"type": "json_schema"}}, 422, "invalid_request"),
]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_question_that_cannot_be_asked_has_a_status_and_leaves_nothing_behind(
    api: OpenApi, stream: bool
) -> None:
    for asked, status, code in REFUSED:
        response = await api.client.post("/generations", json={**asked, "stream": stream})
        assert (response.status_code, response.json()["code"]) == (status, code), asked
    assert (await api.client.get("/sessions")).json() == []
    assert (await api.client.get("/sessions?deleted=true")).json() == []


async def test_every_known_device_may_be_named(api: OpenApi) -> None:
    for device in ("auto", "cuda", "rocm", "metal", "vulkan", "opencl", "cpu"):
        assert (await api.client.post("/generations", json={"prompt": "Well?", "device": device})).is_success


async def test_a_message_of_another_kind_is_neither_made_again_nor_replaced(api: OpenApi) -> None:
    first = (await api.client.post("/generations", json={"prompt": "Well?"})).json()
    session_id = first["session_id"]
    again = {"session_id": session_id, "regenerate": first["question_id"]}
    instead = {"session_id": session_id, "replace": first["reply_id"], "prompt": "x"}
    for asked in (again, instead):
        assert (await api.client.post("/generations", json=asked)).status_code == 404
    assert len(await stored(api.client, session_id)) == 2


async def test_a_reply_goes_on_with_lines_that_bring_what_is_new(api: OpenApi) -> None:
    api.rooms.add_model("Counter", replies=["One two three", " three four."])
    cut = {"prompt": "Count.", "model_name": "Counter", "max_tokens": 2}
    first = (await api.client.post("/generations", json=cut)).json()
    assert (first["reply"], first["finish_reason"]) == ("One two", "length")
    asked = {"session_id": first["session_id"], "continue": first["reply_id"], "stream": True}
    response = await api.client.post("/generations", json=asked)
    lines = [json.loads(line) for line in response.text.splitlines()]
    assert "".join(line["content"] for line in lines if line["type"] == "token") == " three four."
    assert lines[-1]["usage"]["completion_tokens"] == 5
    assert response.headers["tether-reply-id"] == first["reply_id"]
    whole = (await api.client.post("/generations", json={**asked, "stream": False})).json()
    assert whole["reply"].startswith("One two three four.")
    assert whole["question_id"] is None
    assert len(whole["messages"]) == 2


async def test_only_the_last_reply_goes_on(api: OpenApi) -> None:
    first = (await api.client.post("/generations", json={"prompt": "Well?"})).json()
    session = {"session_id": first["session_id"]}
    await api.client.post("/generations", json={"prompt": "And?", **session})
    refused = await api.client.post("/generations", json={"continue": first["reply_id"], **session})
    assert (refused.status_code, refused.json()["code"]) == (409, "continuation_refused")
    nothing = await api.client.post("/generations", json={"continue": first["question_id"], **session})
    assert nothing.status_code == 404


async def test_what_is_left_to_the_settings_is_as_the_conversation_has_it(
    api: OpenApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = Heard(api, monkeypatch)
    session = await api.rooms.sessions.create()
    await api.rooms.sessions.configure(session.id, {"temperature": 1.5, "max_tokens": 9})
    asked = {"prompt": "Well?", "session_id": session.id, "temperature": None, "max_tokens": 3}
    await api.client.post("/generations", json=asked)
    assert (heard.params[0].temperature, heard.params[0].max_tokens) == (1.5, 3)


async def test_a_second_question_gets_409_and_disturbs_nothing(api: OpenApi) -> None:
    api.rooms.add_model("Slow", replies=[{"steps": ["One", WAIT]}])
    async with asking(api.client, model_name="Slow") as lines:
        await lines.until(type="token")
        session_id = lines.response.headers["tether-session-id"]
        async with asking(api.client, "And?", session_id=session_id) as second:
            assert second.response.status_code == 409
            assert second.response.json()["code"] == "session_busy"
        assert (await api.client.post("/generations/abort", json={"session_id": session_id})).json() == {
            "success": True
        }
        assert (await lines.rest())[-1] == {"type": "cancelled"}
    assert [message["content"] for message in await stored(api.client, session_id)] == ["Well?", "One"]


async def test_stopping_what_does_not_run_is_no_success_and_of_what_is_not_there_404(api: OpenApi) -> None:
    session_id = (await api.client.post("/sessions")).json()["session_id"]
    assert (await api.client.post("/generations/abort", json={"session_id": session_id})).json() == {"success": False}
    assert (await api.client.post("/generations/abort", json={"session_id": "x"})).status_code == 404


async def test_a_failure_on_the_way_is_the_last_line_and_keeps_what_was_said(api: OpenApi) -> None:
    api.rooms.add_model("Failing", replies=[{"steps": ["One ", "two", FAIL]}])
    async with asking(api.client, model_name="Failing") as lines:
        session_id = lines.response.headers["tether-session-id"]
        *_, last = await lines.rest()
    assert (last["type"], last["code"], last["hint"]) == ("error", "engine_died", "Ask again.")
    reply = (await stored(api.client, session_id))[-1]
    assert (reply["content"], reply["finish_reason"], reply["error"]) == ("One two", "error", "It ended.")


async def test_a_failure_of_a_whole_answer_has_a_status_and_says_where_the_rest_is(api: OpenApi) -> None:
    api.rooms.add_model("Failing", replies=[{"steps": ["One", FAIL]}])
    response = await api.client.post("/generations", json={"prompt": "Well?", "model_name": "Failing"})
    told = response.json()
    assert (response.status_code, told["code"], told["remedy"]) == (500, "engine_died", "Ask again.")
    assert (await stored(api.client, told["session_id"]))[-1]["content"] == "One"


async def test_a_message_that_does_not_fit_alone_is_400(api: OpenApi) -> None:
    response = await api.client.post("/generations", json={"prompt": "word " * 3000})
    assert (response.status_code, response.json()["code"]) == (400, "context_length_exceeded")


async def test_a_message_that_does_not_fit_alone_is_400_before_any_line_where_the_model_is_loaded(api: OpenApi) -> None:
    await read_turn(api.client)
    question = {"prompt": "word " * 3000, "stream": True}
    response = await api.client.post("/generations", json=question)
    assert (response.status_code, response.json()["code"]) == (400, "context_length_exceeded")
    assert (await stored(api.client, response.json()["session_id"]))[-1]["finish_reason"] == "error"


async def test_status_lines_can_be_left_out(api: OpenApi) -> None:
    api.rooms.add_model("Reading", prefill=[{"progress": 0.5}])
    everything = await read_turn(api.client, model_name="Reading")
    without = await read_turn(api.client, model_name="Reading", stream_options={"status": False})
    assert "status" in {line["type"] for line in everything}
    assert "status" not in {line["type"] for line in without}
    assert text_of(without) == text_of(everything)


async def test_two_conversations_never_mix(api: OpenApi) -> None:
    api.rooms.add_model("A", replies=[{"steps": ["a"] * 200}])
    api.rooms.add_model("B", replies=[{"steps": ["b"] * 200}])
    async with asking(api.client, model_name="A") as first, asking(api.client, model_name="B") as second:
        assert text_of(await second.rest()) == "b" * 200
        assert text_of(await first.rest()) == "a" * 200


async def test_prompts_are_not_logged_and_neither_are_replies(api: OpenApi, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "tether_desktop")
    await read_turn(api.client, "My secret question")
    assert "secret" not in caplog.text
    assert "Hello there" not in caplog.text


async def test_a_reply_held_to_a_schema_asks_the_engine_for_it(api: OpenApi) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    form = {"type": "json_schema", "json_schema": {"name": "form", "schema": schema, "strict": True}}
    response = await api.client.post("/generations", json={"prompt": "Well?", "response_format": form})
    assert (response.status_code, response.json()["code"]) == (400, "constraint_refused")


async def test_a_conversation_that_is_far_too_long_goes_on_and_says_what_it_leaves_out(api: OpenApi) -> None:
    api.rooms.add_model("Small", context_window=256, replies=["Yes. " * 20])
    session_id = (await api.client.post("/sessions")).json()["session_id"]
    kinds: list[set[str]] = []
    for number in range(12):
        lines = await read_turn(api.client, f"Question {number}? " * 5, session_id=session_id, model_name="Small")
        kinds.append({line["type"] for line in lines})
    assert all("done" in each for each in kinds)
    assert "context_trimmed" not in kinds[0]
    assert "context_trimmed" in kinds[-1]
    assert len(await stored(api.client, session_id)) == 24


async def test_a_refused_question_tells_nobody_of_a_new_conversation(api: OpenApi) -> None:
    heard: list[Any] = []
    api.rooms.sessions.subscribe(heard.append)
    await api.client.post("/generations", json={"prompt": "x", "model_name": "nobody"})
    assert heard == []
