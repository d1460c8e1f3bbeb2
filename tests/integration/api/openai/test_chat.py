"""Chat completions, asked for by OpenAI's own client at a real port."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from tests.helpers.openai_client import MODEL, Asking, Overheard, asking
from tests.helpers.tool_turns import call
from tether_desktop.messages import ToolChoice
from tether_desktop.model.discovery.catalog import Catalog
from tether_desktop.model.discovery.entry import ModelEntry
from tether_desktop.protocol.api.openai.replies import ChatChunk, ChatCompletion

WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Tells the weather.",
        "parameters": {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]},
    },
}
CLOCK: Any = {"type": "function", "function": {"name": "clock"}}
OSLO = call("weather", place="Oslo")


async def test_a_question_is_answered(tmp_path: Path) -> None:
    async with asking(tmp_path, ["One two three."]) as ask:
        reply = await ask.chat("Count")
    (choice,) = reply.choices
    assert (choice.message.role, choice.message.content) == ("assistant", "One two three.")
    assert (choice.finish_reason, choice.index, choice.logprobs) == ("stop", 0, None)
    assert reply.object == "chat.completion"
    assert reply.id.startswith("chatcmpl-")
    assert reply.model == MODEL
    assert reply.system_fingerprint.startswith("tether-")
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens
    assert reply.usage.completion_tokens == 4
    ChatCompletion.model_validate(reply.model_dump(exclude_unset=True))


async def test_an_answer_is_streamed_as_it_is_said(tmp_path: Path) -> None:
    async with asking(tmp_path, ["One two three."]) as ask:
        chunks = await ask.stream("Count")
    first, *said, last = chunks
    assert (first.choices[0].delta.role, first.choices[0].delta.content) == ("assistant", "")
    assert [chunk.choices[0].delta.content for chunk in said] == ["One", " two", " three", "."]
    assert all(chunk.choices[0].delta.role is None for chunk in said)
    assert [chunk.choices[0].finish_reason for chunk in chunks] == [None] * 5 + ["stop"]
    assert last.choices[0].delta.model_dump(exclude_unset=True) == {}
    assert {(chunk.id, chunk.object, chunk.created, chunk.model) for chunk in chunks} == {
        (first.id, "chat.completion.chunk", first.created, MODEL)
    }
    assert all("usage" not in chunk.model_dump(exclude_unset=True) for chunk in chunks)
    for chunk in chunks:
        ChatChunk.model_validate(chunk.model_dump(exclude_unset=True))


async def test_the_stream_is_of_events_and_ends_with_a_word(tmp_path: Path) -> None:
    body = {"messages": [{"role": "user", "content": "Hi"}], "stream": True}
    async with asking(tmp_path, ["Ærlig\u2028talt \U0001f642"]) as ask:
        answer = await ask.api.client.post("/v1/chat/completions", json=body)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-cache"
    events = answer.text.split("\n\n")
    assert answer.text.isascii()
    assert events[-2:] == ["data: [DONE]", ""]
    said = [json.loads(event.removeprefix("data: ")) for event in events[:-2]]
    assert "".join(each["choices"][0]["delta"].get("content", "") for each in said) == "Ærlig\u2028talt \U0001f642"


async def test_the_counts_come_last_where_they_are_wanted(tmp_path: Path) -> None:
    async with asking(tmp_path, ["One two three.", "Four."]) as ask:
        *others, last = await ask.stream("Count", stream_options={"include_usage": True})
        again = await ask.chat(messages=[
            {"role": "user", "content": "Count"},
            {"role": "assistant", "content": "One two three."},
            {"role": "user", "content": "On"},
        ])  # fmt: skip
    assert last.choices == []
    assert last.usage.completion_tokens == 4
    assert last.usage.prompt_tokens_details.cached_tokens == 0
    assert all(chunk.model_dump(exclude_unset=True)["usage"] is None for chunk in others)
    assert again.usage.prompt_tokens_details.cached_tokens >= last.usage.prompt_tokens - 1


async def test_thoughts_come_apart_from_the_answer(tmp_path: Path) -> None:
    async with asking(tmp_path, ["<think>Hm, well.</think>Yes."]) as ask:
        chunks = await ask.stream("Sure?", stream_options={"include_usage": True})
        reply = await ask.chat("Sure?")
    deltas = [chunk.choices[0].delta.model_dump(exclude_unset=True) for chunk in chunks[:-1]]
    assert "".join(delta.get("reasoning_content", "") for delta in deltas) == "Hm, well."
    assert "".join(delta.get("content", "") for delta in deltas) == "Yes."
    assert chunks[-1].usage.completion_tokens_details.reasoning_tokens > 0
    assert reply.choices[0].message.reasoning_content == "Hm, well."
    assert reply.choices[0].message.content == "Yes."


async def test_a_reply_that_is_cut_off_says_so(tmp_path: Path) -> None:
    async with asking(tmp_path, ["One two three."]) as ask:
        reply = await ask.chat("Count", max_completion_tokens=2)
        older = await ask.chat("Count", max_tokens=3)
        stopped = await ask.chat("Count", stop=[" three"])
    assert (reply.choices[0].message.content, reply.choices[0].finish_reason) == ("One two", "length")
    assert older.choices[0].message.content == "One two three"
    assert (stopped.choices[0].message.content, stopped.choices[0].finish_reason) == ("One two", "stop")


async def test_the_tools_of_the_client_are_called_and_answered(tmp_path: Path) -> None:
    heard = Overheard()
    replies = [{"match": "Oslo", "steps": [{"text": f"I look.{OSLO}"}]}, {"after_tool": True, "steps": ["It is dry."]}]
    async with asking(tmp_path, replies, make_engine=heard) as ask:
        asked: list[Any] = [{"role": "user", "content": "Rain in Oslo?"}]
        reply = await ask.chat(messages=asked, tools=[WEATHER])
        message = reply.choices[0].message
        (written,) = message.tool_calls
        answered = {"role": "tool", "tool_call_id": written.id, "content": "11 degrees and dry"}
        end = await ask.chat(messages=[*asked, message, answered], tools=[WEATHER])
    assert reply.choices[0].finish_reason == "tool_calls"
    assert message.content.strip() == "I look."
    assert (written.type, written.function.name) == ("function", "weather")
    assert json.loads(written.function.arguments) == {"place": "Oslo"}
    assert end.choices[0].message.content == "It is dry."
    assert heard.prompt.index("Rain in Oslo?") < heard.prompt.index("I look.") < heard.prompt.index("11 degrees")


async def test_a_call_without_words_has_no_content(tmp_path: Path) -> None:
    async with asking(tmp_path, [OSLO]) as ask:
        reply = await ask.chat("Rain?", tools=[WEATHER])
    assert reply.choices[0].message.content is None


async def test_calls_are_streamed_in_pieces_that_belong_together(tmp_path: Path) -> None:
    async with asking(tmp_path, [f"I look.{OSLO}{call('clock')}"]) as ask:
        chunks = await ask.stream("Rain?", tools=[WEATHER, CLOCK])
    deltas = [chunk.choices[0].delta.model_dump(exclude_unset=True) for chunk in chunks]
    first, rest, other, _ = [delta["tool_calls"][0] for delta in deltas if "tool_calls" in delta]
    assert first == {
        "index": 0,
        "id": first["id"],
        "type": "function",
        "function": {"name": "weather", "arguments": ""},
    }
    assert rest == {"index": 0, "function": {"arguments": '{"place": "Oslo"}'}}
    assert (other["index"], other["function"]["name"]) == (1, "clock")
    assert other["id"] != first["id"]
    assert chunks[-1].choices[0].finish_reason == "tool_calls"


async def test_the_client_puts_a_streamed_call_together(tmp_path: Path) -> None:
    async with asking(tmp_path, [OSLO]) as ask:
        messages: Any = [{"role": "user", "content": "Rain?"}]
        async with ask.client.chat.completions.stream(model=MODEL, messages=messages, tools=[WEATHER]) as stream:
            kinds = {event.type async for event in stream}
            end = await stream.get_final_completion()
    assert "tool_calls.function.arguments.done" in kinds
    assert json.loads(end.choices[0].message.tool_calls[0].function.arguments) == {"place": "Oslo"}


async def test_one_call_at_most_where_they_shall_not_be_parallel(tmp_path: Path) -> None:
    async with asking(tmp_path, [OSLO + call("clock")]) as ask:
        reply = await ask.chat("Rain?", tools=[WEATHER, CLOCK], parallel_tool_calls=False)
        chunks = await ask.stream("Rain?", tools=[WEATHER, CLOCK], parallel_tool_calls=False)
    assert [each.function.name for each in reply.choices[0].message.tool_calls] == ["weather"]
    named = [piece.function.name for chunk in chunks for piece in chunk.choices[0].delta.tool_calls or []]
    assert named == ["weather", None]


@pytest.mark.parametrize(
    ("choice", "understood"),
    [
        ("auto", ToolChoice("auto")),
        ("none", ToolChoice("none")),
        ("required", ToolChoice("required")),
        ({"type": "function", "function": {"name": "clock"}}, ToolChoice("named", "clock")),
    ],
)
async def test_the_choice_of_a_tool_is_handed_on(tmp_path: Path, choice: Any, understood: ToolChoice) -> None:
    heard: list[Any] = []
    async with asking(tmp_path, ["Well."]) as ask:
        answer = ask.api.core.completions.chat

        def listen(request: Any) -> Any:
            heard.append(request)
            return answer(request)

        ask.api.core.completions.chat = listen  # type: ignore[method-assign]
        await ask.chat("Rain?", tools=[WEATHER, CLOCK], tool_choice=choice)
    assert heard[0].choice == understood
    assert [tool.name for tool in heard[0].tools] == ["weather", "clock"]


async def test_only_the_allowed_tools_are_told_of(tmp_path: Path) -> None:
    heard = Overheard()
    choice: Any = {
        "type": "allowed_tools",
        "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "clock"}}]},
    }
    async with asking(tmp_path, ["Well."], make_engine=heard) as ask:
        await ask.chat("Rain?", tools=[WEATHER, CLOCK], tool_choice=choice)
    assert "clock" in heard.prompt
    assert "weather" not in heard.prompt


class Place(BaseModel):
    """What a reply is parsed to."""

    name: str
    people: int


async def test_a_reply_is_parsed_to_the_clients_own_type(tmp_path: Path) -> None:
    heard = Overheard(("json_schema",))
    async with asking(tmp_path, ['{"name": "Oslo", "people": 700000}'], make_engine=heard) as ask:
        messages: Any = [{"role": "user", "content": "Where?"}]
        reply = await ask.client.chat.completions.parse(model=MODEL, messages=messages, response_format=Place)
    assert reply.choices[0].message.parsed == Place(name="Oslo", people=700000)
    (request,) = heard.requests
    assert request.constraint is not None
    assert request.constraint.kind == "json_schema"
    assert json.loads(request.constraint.text)["required"] == ["name", "people"]


async def test_an_object_of_any_kind_can_be_demanded(tmp_path: Path) -> None:
    heard = Overheard(("json_schema",))
    async with asking(tmp_path, ["{}"], make_engine=heard) as ask:
        await ask.chat("JSON", response_format={"type": "json_object"})
        await ask.chat("JSON", response_format={"type": "text"})
    first, second = [request.constraint for request in heard.requests]
    assert first is not None
    assert json.loads(first.text) == {"type": "object"}
    assert second is None


async def test_the_likelihood_of_every_token_is_told(tmp_path: Path) -> None:
    async with asking(tmp_path, ["One two."]) as ask:
        reply = await ask.chat("Count", logprobs=True, top_logprobs=2)
        bare = await ask.chat("Count", logprobs=True)
        chunks = await ask.stream("Count", logprobs=True, top_logprobs=1)
    tokens = reply.choices[0].logprobs.content
    assert [token.token for token in tokens] == ["One", " two", "."]
    assert tokens[1].bytes == list(b" two")
    assert len(tokens[0].top_logprobs) == 2
    assert tokens[0].top_logprobs[0].logprob == tokens[0].logprob < 0
    assert [token.top_logprobs for token in bare.choices[0].logprobs.content] == [[], [], []]
    beside = [
        (chunk.choices[0].delta.content, chunk.choices[0].logprobs.content[0].token)
        for chunk in chunks
        if chunk.choices[0].logprobs
    ]
    assert beside == [("One", "One"), (" two", " two"), (".", ".")]


async def test_parameters_reach_the_engine_and_what_is_left_out_is_as_the_settings_say(tmp_path: Path) -> None:
    heard = Overheard()
    settings = {"temperature": 0.4, "top_p": 0.8, "max_tokens": 77, "min_p": 0.1}
    async with asking(tmp_path, ["Well."], make_engine=heard, settings=settings) as ask:
        await ask.chat()
        extra = {"top_k": 5, "min_p": 0.25, "repetition_penalty": 1.5}
        await ask.chat(
            temperature=0, top_p=0.5, seed=7, presence_penalty=1, frequency_penalty=-1, logit_bias={"3": -100},
            extra_body=extra, user="me", metadata={"a": "b"}, store=False, service_tier="auto",
        )  # fmt: skip
    default, chosen = [request.params for request in heard.requests]
    assert (default.temperature, default.top_p, default.max_tokens, default.min_p) == (0.4, 0.8, 77, 0.1)
    assert (chosen.temperature, chosen.top_p, chosen.seed) == (0, 0.5, 7)
    assert (chosen.presence_penalty, chosen.frequency_penalty, chosen.logit_bias) == (1, -1, ((3, -100),))
    assert (chosen.top_k, chosen.min_p, chosen.repetition_penalty) == (5, 0.25, 1.5)


async def test_the_model_is_the_default_one_where_none_is_named(tmp_path: Path) -> None:
    body = {"messages": [{"role": "user", "content": "Hi"}]}
    async with asking(tmp_path) as ask:
        answer = await ask.api.client.post("/v1/chat/completions", json=body)
    assert answer.json()["model"] == MODEL


async def test_nothing_of_it_is_stored(tmp_path: Path) -> None:
    async with asking(tmp_path) as ask:
        await ask.chat()
        assert await ask.api.rooms.sessions.list() == []


async def test_two_requests_at_once_are_answered_one_after_the_other(tmp_path: Path) -> None:
    heard = Overheard()
    async with asking(tmp_path, ["One two three four five."], make_engine=heard) as ask:
        replies = await asyncio.gather(ask.chat("First"), ask.chat("Second"), ask.chat("Third"))
    assert {reply.choices[0].message.content for reply in replies} == {"One two three four five."}
    assert heard.most == 1
    assert len(heard.requests) == 3


async def test_a_client_without_a_loop_is_answered_too(tmp_path: Path) -> None:
    def ask_plainly(ask: Asking) -> tuple[str, str]:
        with openai.OpenAI(base_url=ask.base_url, api_key=ask.api.token, max_retries=0) as client:
            messages: Any = [{"role": "user", "content": "Hi"}]
            whole = client.chat.completions.create(model=MODEL, messages=messages)
            stream = client.chat.completions.create(model=MODEL, messages=messages, stream=True)
            return whole.choices[0].message.content or "", "".join(c.choices[0].delta.content or "" for c in stream)

    async with asking(tmp_path) as ask:
        assert await asyncio.to_thread(ask_plainly, ask) == ("Hello there.", "Hello there.")


async def test_the_default_model_is_listed_first_and_those_of_servers_last(tmp_path: Path) -> None:
    async with asking(tmp_path, settings={"default_model": "b/Scripted"}) as ask:
        for name in ("a/Scripted", "b/Scripted"):
            ask.api.rooms.add_model(name)
        elsewhere = [ModelEntry("A server/x", tmp_path, "remote"), ModelEntry("A server/y", tmp_path, usable=False)]
        ask.api.core.catalog = Catalog(ask.api.rooms.catalog.roots, [lambda: elsewhere])
        listed = [model async for model in ask.client.models.list()]
    assert [model.id for model in listed] == ["b/Scripted", MODEL, "a/Scripted", "A server/x"]
    assert [model.owned_by for model in listed] == ["tether", "tether", "tether", "A server"]


async def test_names_of_models_may_have_slashes(tmp_path: Path) -> None:
    async with asking(tmp_path) as ask:
        ask.api.rooms.add_model("a/Scripted", replies=["I am another."])
        shown = await ask.client.models.retrieve("a/Scripted")
        messages: Any = [{"role": "user", "content": "Who are you?"}]
        reply = await ask.client.chat.completions.create(model="a/Scripted", messages=messages)
    assert shown.id == reply.model == "a/Scripted"
    assert reply.choices[0].message.content == "I am another."


async def test_the_models_are_listed_and_shown(tmp_path: Path) -> None:
    async with asking(tmp_path) as ask:
        listed = [model async for model in ask.client.models.list()]
        model = await ask.client.models.retrieve(MODEL)
        with pytest.raises(openai.NotFoundError) as missing:
            await ask.client.models.retrieve("some/other:model")
    assert [each.id for each in listed] == [MODEL]
    assert listed[0] == model
    assert (model.object, model.owned_by) == ("model", "tether")
    assert model.created > 0
    assert missing.value.code == "model_not_found"
    assert "some/other:model" in missing.value.message
