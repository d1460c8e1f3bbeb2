"""Replies for clients that keep the conversation themselves: what is streamed, refused and asked of the engine."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import aclosing, suppress
from pathlib import Path

import pytest

from tests.helpers.rooms import Rooms, open_rooms
from tests.helpers.tool_turns import Listening, call
from tether_desktop.errors import ConstraintRefused, EngineError, ModelNotFound, PromptTooLong, ToolError, ToolNotFound
from tether_desktop.events import HiddenThought, Token
from tether_desktop.messages import Message, ToolCall, ToolChoice, ToolDeclaration, ToolResult, text_message
from tether_desktop.model.engine import Constraint, SamplingParams
from tether_desktop.protocol.completions import ChatRequest, CompletionEvent, CompletionReport, Finished, WrittenCall

BROKEN = {"steps": ["One", {"raise": {"code": "engine_error", "title": "Broken", "message": "No luck."}}]}
WEATHER = ToolDeclaration("weather", "Tells the weather.", {"type": "object", "properties": {"place": {}}})


def request(*texts: str, **options: object) -> ChatRequest:
    messages = tuple(text_message("assistant" if place % 2 else "user", text) for place, text in enumerate(texts))
    return ChatRequest(messages, SamplingParams(), **options)  # type: ignore[arg-type]


async def answer(rooms: Rooms, asked: ChatRequest) -> list[CompletionEvent]:
    async with rooms.completions.chat(asked) as completion:
        return [event async for event in completion.events()]


def text_of(events: Sequence[CompletionEvent]) -> str:
    return "".join(event.content for event in events if isinstance(event, Token))


async def test_a_reply_is_streamed_and_ends_once_and_nothing_is_stored(tmp_path: Path) -> None:
    async with open_rooms(tmp_path, replies=["One two three."]) as rooms:
        *said, end = await answer(rooms, request("Count"))
        assert text_of(said) == "One two three."
        assert len(said) > 1
        assert isinstance(end, Finished)
        assert end.finish_reason == "stop"
        assert end.usage.completion_tokens > 0
        assert await rooms.sessions.list() == []


async def test_thoughts_are_told_apart_and_counted(tmp_path: Path) -> None:
    async with open_rooms(tmp_path, replies=["<think>Hm, well.</think>Yes."]) as rooms:
        events = await answer(rooms, request("Sure?"))
    thoughts = "".join(event.content for event in events if isinstance(event, HiddenThought))
    end = events[-1]
    assert (thoughts, text_of(events)) == ("Hm, well.", "Yes.")
    assert isinstance(end, Finished)
    assert 0 < end.reasoning_tokens < end.usage.completion_tokens


async def test_a_call_is_for_the_client_and_is_the_reason_to_stop(tmp_path: Path) -> None:
    async with open_rooms(tmp_path, replies=[f"I look.{call('weather', place='Oslo')}"]) as rooms:
        events = await answer(rooms, request("Rain?", tools=(WEATHER,)))
    (written,) = [event for event in events if isinstance(event, WrittenCall)]
    assert (written.name, json.loads(written.arguments)) == ("weather", {"place": "Oslo"})
    assert written.id.startswith("call_")
    assert text_of(events).strip() == "I look."
    end = events[-1]
    assert isinstance(end, Finished)
    assert end.finish_reason == "tool_calls"


async def test_what_the_client_ran_is_read_by_the_model(tmp_path: Path) -> None:
    heard = Listening()
    said = ToolCall("call_1", "weather", {"place": "Oslo"})
    messages = (
        text_message("system", "Be brief."),
        text_message("user", "Rain?"),
        Message("assistant", (said,)),
        Message("tool", (ToolResult("call_1", "weather", "11 degrees and dry"),)),
    )
    async with open_rooms(tmp_path, replies=["No."], make_engine=heard) as rooms:
        events = await answer(rooms, ChatRequest(messages, SamplingParams(), tools=(WEATHER,)))
    (prompt,) = heard.prompts()
    assert text_of(events) == "No."
    assert prompt.index("Be brief.") < prompt.index("Rain?") < prompt.index("11 degrees and dry")


async def test_neighbours_of_one_role_are_read_as_one(tmp_path: Path) -> None:
    heard = Listening()
    messages = (text_message("user", "First."), text_message("user", "Second."))
    async with open_rooms(tmp_path, replies=["Yes."], make_engine=heard) as rooms:
        await answer(rooms, ChatRequest(messages, SamplingParams()))
    (prompt,) = heard.prompts()
    assert prompt.count("user\n") == 1
    assert "First.\n\nSecond." in prompt


async def test_a_growing_conversation_keeps_its_place_in_the_engine(tmp_path: Path) -> None:
    heard = Listening()
    async with open_rooms(tmp_path, replies=["One.", "Two.", "Three."], make_engine=heard) as rooms:
        await answer(rooms, request("Hi"))
        await answer(rooms, request("Hi", "One.", "Go on"))
        await answer(rooms, request("Hello"))
    first, second, other = [each.session_id for each in heard.requests]
    assert first == second != other


async def test_what_does_not_fit_is_refused_and_nothing_left_out(tmp_path: Path) -> None:
    heard = Listening()
    async with open_rooms(tmp_path, make_engine=heard) as rooms:
        rooms.add_model(replies=["Never."], context_window=64)
        with pytest.raises(PromptTooLong):
            await answer(rooms, request("word " * 200))
    assert heard.requests == []


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        (request("Hi", model="Nobody"), ModelNotFound),
        (request("Hi", choice=ToolChoice("required")), ToolError),
        (request("Hi", tools=(WEATHER,), choice=ToolChoice("named", "clock")), ToolNotFound),
        (
            request(
                "Hi", tools=(WEATHER,), choice=ToolChoice("required"), reply_format=Constraint("json_schema", "{}")
            ),
            ToolError,
        ),
    ],
)
async def test_what_cannot_be_done_is_refused_first(tmp_path: Path, asked: ChatRequest, error: type[Exception]) -> None:
    async with open_rooms(tmp_path, replies=["Never."]) as rooms:
        with pytest.raises(error):
            await answer(rooms, asked)


async def test_a_client_that_goes_away_stops_the_engine(tmp_path: Path) -> None:
    heard = Listening()
    async with open_rooms(tmp_path, replies=["word " * 500, "Next."], make_engine=heard) as rooms:
        async with rooms.completions.chat(request("Go on")) as completion:
            first = await anext(completion.events())
            assert isinstance(first, Token)
            assert heard.speaking == 1
        assert heard.speaking == 0
        assert text_of(await answer(rooms, request("And?"))) == "Next."


async def test_calls_that_are_not_wanted_are_text(tmp_path: Path) -> None:
    written = call("weather", place="Oslo")
    async with open_rooms(tmp_path, replies=[written]) as rooms:
        events = await answer(rooms, request("Hi", tools=(WEATHER,), choice=ToolChoice("none")))
    assert text_of(events) == written


async def test_a_plain_text_goes_on_without_a_template(tmp_path: Path) -> None:
    heard = Listening()
    async with (
        open_rooms(tmp_path, replies=[" there was <think> a fox."], make_engine=heard) as rooms,
        rooms.completions.text(None, "Once", SamplingParams()) as completion,
    ):
        events = [event async for event in completion.events()]
    assert heard.prompts() == ["Once"]
    assert text_of(events) == " there was <think> a fox."
    assert isinstance(events[-1], Finished)


async def test_the_token_that_begins_all_texts_is_put_before_a_plain_one(tmp_path: Path) -> None:
    heard = Listening()
    template = "{{ bos_token }}{% for m in messages %}[{{ m['role'] }}]{{ m['content'] }}{% endfor %}[assistant]"
    async with open_rooms(tmp_path, make_engine=heard) as rooms:
        rooms.add_model(replies=["."], chat_template=template)
        async with rooms.completions.text(None, "Once", SamplingParams()) as completion:
            assert [event async for event in completion.events()]
    assert heard.prompts() == ["<|im_start|>Once"]


async def test_thoughts_that_are_too_long_are_closed(tmp_path: Path) -> None:
    heard = Listening()
    replies = ["<think>on and on and on and on and on and on", "Done."]
    async with open_rooms(tmp_path, replies=replies, make_engine=heard, settings={"thinking_limit": 4}) as rooms:
        events = await answer(rooms, request("Think"))
    end = events[-1]
    assert text_of(events).strip() == "Done."
    assert isinstance(end, Finished)
    assert len(heard.requests) == 2
    assert end.usage.completion_tokens > 4


async def test_observers_hear_how_a_reply_went(tmp_path: Path) -> None:
    heard: list[CompletionReport] = []
    async with open_rooms(tmp_path, replies=["One two."]) as rooms:
        rooms.completions.observers.append(heard.append)
        events = await answer(rooms, request("Count"))
    (report,) = heard
    assert (report.model, report.ending, report.finished) == ("Scripted", "stop", events[-1])
    assert report.first_token_s is not None


async def test_observers_hear_that_the_rest_was_not_wanted_and_of_engines_that_failed(tmp_path: Path) -> None:
    heard: list[CompletionReport] = []
    async with open_rooms(tmp_path, replies=["One two three.", BROKEN]) as rooms:
        rooms.completions.observers.append(heard.append)
        async with rooms.completions.chat(request("Count")) as completion, aclosing(completion.events()) as events:
            await anext(events)
        with pytest.raises(EngineError):
            await answer(rooms, request("Count"))
    assert [(report.ending, report.finished) for report in heard] == [("cancelled", None), ("engine_error", None)]


async def test_a_format_is_handed_to_the_engine(tmp_path: Path) -> None:
    heard = Listening()
    schema = Constraint("json_schema", '{"type": "object"}')
    async with open_rooms(tmp_path, replies=["{}"], make_engine=heard) as rooms:
        with suppress(ConstraintRefused):
            await answer(rooms, request("JSON", reply_format=schema))
    assert heard.requests[0].constraint == schema
