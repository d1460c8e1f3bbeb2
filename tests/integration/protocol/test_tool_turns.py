"""Turns in which tools are called: what is streamed, stored, asked, and told to the model."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.rooms import Rooms, all_events, open_rooms, until
from tests.helpers.tool_turns import ATTENDED, UNASKED, call, says, stored_parts, streamed_parts, told
from tests.helpers.tools import Gate, tool_named
from tether_desktop.errors import ToolError, ToolNotFound
from tether_desktop.events import (
    Cancelled,
    Done,
    ErrorEvent,
    Event,
    Status,
    Token,
    ToolApproval,
    ToolEnd,
    ToolProgress,
    ToolStart,
)
from tether_desktop.messages import ToolChoice, ToolResult
from tether_desktop.model.engine import Constraint
from tether_desktop.protocol.speaking import MOST_CALLS
from tether_desktop.protocol.tool_use import DENIED, STOPPED, UNATTENDED, ApprovalAnswer, ToolUse
from tether_desktop.protocol.turn import Turn
from tether_desktop.tools.conversation import ConversationContext, current_conversation
from tether_desktop.tools.tool import Tool


async def ask(
    folder: Path, tools: Sequence[Tool], *rounds: str, tool_use: ToolUse = UNASKED, **settings: Any
) -> tuple[Turn, list[Event], Rooms]:
    """Ask something of a model that says so; what is stored has to be what was streamed."""
    async with open_rooms(folder, replies=says(*rounds), tools=tools, settings=settings) as rooms:
        turn, events = await rooms.ask("Go on", tool_use=tool_use)
        assert streamed_parts(events) == stored_parts(turn)
        (_, stored) = await rooms.sessions.history(turn.session_id)
        assert stored.message == turn.reply.message
        return turn, events, rooms


async def test_a_call_is_run_and_its_answer_goes_into_the_reply(tmp_path: Path) -> None:
    asked: list[dict[str, Any]] = []

    def weather(**arguments: Any) -> str:
        asked.append(arguments)
        return "Rain, 11 degrees"

    tool = tool_named("weather", weather, place=str)
    turn, events, _ = await ask(tmp_path, [tool], f"I look. {call('weather', place='Oslo')}", "Take an umbrella.")
    assert asked == [{"place": "Oslo"}]
    start, end, done = told(events)
    assert isinstance(start, ToolStart)
    assert (start.name, start.arguments) == ("weather", {"place": "Oslo"})
    assert isinstance(end, ToolEnd)
    assert replace(end, seconds=None) == ToolEnd(start.id, "weather", "Rain, 11 degrees")
    assert isinstance(done, Done)
    assert done.finish_reason == "stop"
    assert turn.reply.message.text == "I look. Take an umbrella."


async def test_the_model_reads_the_answer_and_what_it_said_before(tmp_path: Path) -> None:
    async with open_rooms(tmp_path, tools=[tool_named("clock", lambda: "It is noon")], replies=["unused"]) as rooms:
        rooms.add_model(
            replies=[
                {"match": "time", "steps": [{"text": f"A moment. {call('clock')}"}]},
                {"after_tool": True, "match": "It is noon", "steps": ["Twelve."]},
                {"after_tool": True, "steps": ["I read nothing."]},
            ]
        )
        turn, _ = await rooms.ask("What time is it?", tool_use=UNASKED)
        assert turn.reply.message.text == "A moment. Twelve."
        _, events = await rooms.ask("Thank you", turn.session_id, tool_use=UNASKED)
        assert isinstance(events[-1], Done)


@pytest.mark.parametrize("size", [1, 2, 5, 1000])
async def test_no_fragment_of_a_call_is_visible_however_it_is_split(tmp_path: Path, size: int) -> None:
    text = f"One < two. {call('clock')} and <b>"
    steps = [text[start : start + size] for start in range(0, len(text), size)]
    async with open_rooms(tmp_path, tools=[tool_named("clock", lambda: "noon")], replies=["unused"]) as rooms:
        rooms.add_model(replies=[{"match": ".", "steps": steps}, {"after_tool": True, "steps": ["Noon."]}])
        turn, events = await rooms.ask("Time?", tool_use=UNASKED)
    assert "".join(event.content for event in events if isinstance(event, Token)) == turn.reply.message.text
    assert "function_call" not in turn.reply.message.text
    assert turn.reply.message.text.startswith("One < two. ")
    assert turn.reply.message.text.endswith("Noon.")


async def test_several_calls_of_a_round_run_side_by_side(tmp_path: Path) -> None:
    gate = Gate(2)
    tools = [tool_named("a", gate.pass_together), tool_named("b", gate.pass_together)]
    turn, events, _ = await ask(tmp_path, tools, f"{call('a')}\n{call('b')}", "Both.")
    assert [type(event) for event in told(events)] == [ToolStart, ToolStart, ToolEnd, ToolEnd, Done]
    assert turn.reply.message.text.strip() == "Both."


async def test_a_round_may_follow_a_round(tmp_path: Path) -> None:
    numbers = iter(range(1, 10))
    tool = tool_named("count", lambda: str(next(numbers)))
    turn, events, _ = await ask(tmp_path, [tool], call("count"), call("count"), "Two.")
    assert [event.result for event in events if isinstance(event, ToolEnd)] == ["1", "2"]
    assert turn.reply.message.text.strip() == "Two."
    assert turn.reply.usage is not None
    assert turn.reply.usage.completion_tokens > 10


async def test_what_a_reply_read_and_wrote_is_what_is_in_the_window_behind_it(tmp_path: Path) -> None:
    tools = [tool_named("clock", lambda: "noon")]
    async with open_rooms(tmp_path, tools=tools, replies=says(call("clock"), "Noon.")) as rooms:
        turn, _ = await rooms.ask("Time?", tool_use=UNASKED)
        again, _ = await rooms.ask("Thanks", turn.session_id, tool_use=UNASKED)
    assert turn.reply.usage is not None
    assert again.reply.usage is not None
    # The end of the reply and the beginning of the next question are not in the cache yet.
    held = turn.reply.usage.prompt_tokens + turn.reply.usage.completion_tokens
    assert held - 5 <= again.reply.usage.cached_tokens <= held


async def test_without_tools_what_looks_like_a_call_is_text(tmp_path: Path) -> None:
    turn, events, _ = await ask(tmp_path, [], f"Write {call('clock')} so.", tool_use=ToolUse())
    assert turn.reply.message.text == f"Write {call('clock')} so."
    assert len(told(events)) == 1


@pytest.mark.parametrize(
    ("setting", "choice", "calls"),
    [("on", None, 1), ("off", None, 0), ("auto", None, 0), ("on", "none", 0), ("off", "auto", 1)],
)
async def test_the_settings_say_whether_tools_are_used_unless_a_question_says_otherwise(
    tmp_path: Path, setting: str, choice: Any, calls: int
) -> None:
    tool_use = ToolUse(ToolChoice(choice) if choice else None)
    replies = says(call("clock"), "Noon.")
    tools = [tool_named("clock", lambda: "noon")]
    async with open_rooms(tmp_path, replies=replies, tools=tools, settings={"tool_use": setting}) as rooms:
        _, events = await rooms.ask("Time?", tool_use=tool_use)
    assert len([event for event in events if isinstance(event, ToolEnd)]) == calls


FAULTS: dict[str, tuple[str, str]] = {
    "unknown": (call("wheather", place="Oslo"), "Did you mean weather?"),
    "nothing like it": (call("zzz"), "There are: weather"),
    "wrong arguments": (call("weather", place=7), "place"),
    "missing arguments": (call("weather"), "place"),
    "no JSON": ('<<function_call>> {"name": "weather", "arguments": {"place": }}', ""),
    "raises": (call("weather", place="nowhere"), "no such place"),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_call_that_fails_is_told_to_the_model_which_then_answers(tmp_path: Path, fault: str) -> None:
    def weather(place: str) -> str:
        raise LookupError(f"no such place: {place}")

    text, problem = FAULTS[fault]
    turn, events, _ = await ask(tmp_path, [tool_named("weather", weather, place=str)], text, "I do not know.")
    start, end, done = told(events)
    assert isinstance(start, ToolStart)
    assert isinstance(end, ToolEnd)
    assert end.is_error
    assert problem in end.result
    assert isinstance(done, Done)
    assert turn.reply.message.text.strip() == "I do not know."


async def test_a_model_that_calls_for_ever_is_brought_to_an_end(tmp_path: Path) -> None:
    numbers = iter(range(100))
    tool = tool_named("count", lambda: str(next(numbers)))
    turn, events, _ = await ask(tmp_path, [tool], call("count"), tool_rounds=3)
    ends = [event for event in events if isinstance(event, ToolEnd)]
    assert [end.is_error for end in ends] == [False, False, False, True]
    assert "No more calls" in ends[-1].result
    assert isinstance(events[-1], ErrorEvent)
    assert events[-1].code == "no_answer"
    assert turn.reply.finish_reason == "error"


async def test_a_model_that_goes_in_circles_is_asked_for_its_answer(tmp_path: Path) -> None:
    async with open_rooms(tmp_path, tools=[tool_named("clock", lambda: "noon")]) as rooms:
        rooms.add_model(
            replies=[
                {"match": ".", "steps": [{"text": call("clock")}]},
                {"after_tool": True, "match": "No more tools", "steps": ["Noon."]},
                {"after_tool": True, "steps": [{"text": call("clock")}]},
            ]
        )
        turn, events = await rooms.ask("Time?", tool_use=UNASKED)
    assert [event.result for event in events if isinstance(event, ToolEnd)] == ["noon", "noon"]
    assert turn.reply.message.text.strip() == "Noon."


async def test_after_the_last_round_the_model_is_told_to_answer(tmp_path: Path) -> None:
    async with open_rooms(
        tmp_path, tools=[tool_named("clock", lambda: "noon")], replies=["unused"], settings={"tool_rounds": 1}
    ) as rooms:
        rooms.add_model(
            replies=[
                {"match": ".", "steps": [{"text": call("clock")}]},
                {"after_tool": True, "match": "No more tools", "steps": ["Noon."]},
                {"after_tool": True, "steps": ["I was not told."]},
            ]
        )
        turn, events = await rooms.ask("Time?", tool_use=UNASKED)
    assert turn.reply.message.text.strip() == "Noon."
    assert [event.result for event in events if isinstance(event, ToolEnd)] == ["noon"]


async def test_more_calls_than_anyone_needs_are_refused(tmp_path: Path) -> None:
    calls = "\n".join([call("clock")] * (MOST_CALLS + 3))
    _, events, _ = await ask(tmp_path, [tool_named("clock", lambda: "noon")], calls, "Noon.")
    refused = [event for event in events if isinstance(event, ToolEnd) and event.is_error]
    assert len(refused) == 3


@pytest.mark.parametrize(
    ("answer", "result"), [("once", "noon"), ("always", "noon"), ("deny", DENIED), ("never", DENIED)]
)
async def test_a_call_asks_and_does_what_the_person_says(tmp_path: Path, answer: ApprovalAnswer, result: str) -> None:
    tool = tool_named("clock", lambda: "noon", permission="ask")
    async with open_rooms(tmp_path, replies=says(call("clock"), "Well."), tools=[tool]) as rooms:
        session = await rooms.sessions.create()
        turn = await rooms.sessions.send(session.id, "Time?", tool_use=ATTENDED)
        approval = await until(turn, lambda event: isinstance(event, ToolApproval))
        assert isinstance(approval, ToolApproval)
        assert (approval.name, approval.origin) == ("clock", tool.origin)
        assert await rooms.sessions.answer(session.id, approval.id, answer)
        events = await all_events(turn)
        assert not await rooms.sessions.answer(session.id, approval.id, answer)
        assert [event.result for event in events if isinstance(event, ToolEnd)] == [result]
        assert streamed_parts(events) == stored_parts(turn)
        asks_again = answer in {"once", "deny"}
        turn = await rooms.sessions.send(session.id, "And now?", tool_use=ATTENDED)
        first = await until(turn, lambda event: isinstance(event, ToolApproval | ToolStart))
        assert isinstance(first, ToolApproval) == asks_again
        await turn.cancel()
        other = await rooms.sessions.create()
        turn = await rooms.sessions.send(other.id, "Time?", tool_use=ATTENDED)
        assert isinstance(await until(turn, lambda event: isinstance(event, ToolApproval | ToolStart)), ToolApproval)
        await turn.cancel()


async def test_an_answer_for_the_chat_answers_all_calls_of_the_tool_that_wait(tmp_path: Path) -> None:
    tool = tool_named("clock", lambda: "noon", permission="ask")
    async with open_rooms(tmp_path, replies=says(f"{call('clock')} {call('clock')}", "Well."), tools=[tool]) as rooms:
        session = await rooms.sessions.create()
        turn = await rooms.sessions.send(session.id, "Time?", tool_use=ATTENDED)
        approval = await until(turn, lambda event: isinstance(event, ToolApproval))
        assert isinstance(approval, ToolApproval)
        await asyncio.sleep(0)
        assert await rooms.sessions.answer(session.id, approval.id, "always")
        events = await all_events(turn)
    assert [event.result for event in events if isinstance(event, ToolEnd)] == ["noon", "noon"]


async def test_with_nobody_there_a_call_that_asks_is_refused(tmp_path: Path) -> None:
    tool = tool_named("clock", lambda: "noon", permission="ask")
    turn, events, _ = await ask(tmp_path, [tool], call("clock"), "I may not look.")
    assert [event.result for event in events if isinstance(event, ToolEnd)] == [UNATTENDED]
    assert turn.reply.message.text.strip() == "I may not look."


async def test_a_caller_may_allow_tools_beforehand(tmp_path: Path) -> None:
    tool = tool_named("clock", lambda: "noon", permission="ask")
    allowed = ToolUse(ToolChoice("auto"), allowed=frozenset({"clock"}))
    _, events, _ = await ask(tmp_path, [tool], call("clock"), "Noon.", tool_use=allowed)
    assert [event.result for event in events if isinstance(event, ToolEnd)] == ["noon"]


async def test_while_a_call_is_written_that_is_told(tmp_path: Path) -> None:
    _, events, _ = await ask(tmp_path, [tool_named("clock", lambda: "noon")], f"I look. {call('clock')}", "Noon.")
    stages = [event.stage for event in events if isinstance(event, Status)]
    assert [stage for stage in stages if stage in {"generating", "calling"}] == ["generating", "calling", "generating"]


async def test_a_tool_knows_what_the_person_typed_and_in_which_conversation(tmp_path: Path) -> None:
    known: list[ConversationContext] = []

    def look() -> str:
        known.append(current_conversation())
        return "seen"

    turn, _, _ = await ask(tmp_path, [tool_named("look", look)], call("look"), "Good.")
    assert [(each.session_id, each.texts_by_user) for each in known] == [(turn.session_id, "Go on")]


async def test_a_tool_that_reports_is_heard(tmp_path: Path) -> None:
    async def slow(report: Callable[[str, float | None], None]) -> str:
        report("half", 0.5)
        return "done"

    _, events, _ = await ask(tmp_path, [tool_named("slow", slow, reports=True)], call("slow"), "Good.")
    start = next(event for event in events if isinstance(event, ToolStart))
    assert ToolProgress(start.id, "half", 0.5) in events


async def test_cancelling_while_a_call_waits_for_a_person_stores_that_it_was_stopped(tmp_path: Path) -> None:
    tool = tool_named("clock", lambda: "noon", permission="ask")
    await _cancelled_at(tmp_path, tool, ToolApproval)


async def test_cancelling_while_a_tool_runs_ends_it(tmp_path: Path) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def endless() -> str:
        begun.set()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended.set()
        return ""

    await _cancelled_at(tmp_path, tool_named("clock", endless), ToolStart, begun.wait)
    assert ended.is_set()


async def _cancelled_at(
    folder: Path, tool: Tool, stage: type[Event], reached: Callable[[], Awaitable[Any]] | None = None
) -> None:
    async with open_rooms(folder, replies=says(f"I look. {call('clock')}", "Well."), tools=[tool]) as rooms:
        session = await rooms.sessions.create()
        turn = await rooms.sessions.send(session.id, "Time?", tool_use=ATTENDED)
        await until(turn, lambda event: isinstance(event, stage))
        if reached is not None:
            await reached()
        await rooms.sessions.cancel(session.id)
        events = await all_events(turn)
        assert isinstance(events[-1], Cancelled)
        assert [event.result for event in events if isinstance(event, ToolEnd)] == [STOPPED]
        assert streamed_parts(events) == stored_parts(turn)
        (_, stored) = await rooms.sessions.history(session.id)
        assert stored.message == turn.reply.message
        turn, events = await rooms.ask("Go on", session.id, tool_use=ToolUse(ToolChoice("none")))
        assert isinstance(events[-1], Done)


async def test_cancelling_behind_a_call_that_was_not_run_yet_keeps_it(tmp_path: Path) -> None:
    steps = [{"text": call("clock")}, " ", {"wait": True}]
    async with open_rooms(tmp_path, replies=[{"steps": steps}], tools=[tool_named("clock", lambda: "noon")]) as rooms:
        session = await rooms.sessions.create()
        turn = await rooms.sessions.send(session.id, "Time?", tool_use=UNASKED)
        await until(turn, lambda event: isinstance(event, Token))
        await rooms.sessions.cancel(session.id)
        events = await all_events(turn)
    assert [event.result for event in events if isinstance(event, ToolEnd)] == [STOPPED]
    assert streamed_parts(events) == stored_parts(turn)


async def test_quitting_with_a_question_open_stores_the_call_as_stopped(tmp_path: Path) -> None:
    tool = tool_named("clock", lambda: "noon", permission="ask")
    async with open_rooms(tmp_path, replies=says(call("clock"), "Well."), tools=[tool]) as rooms:
        session = await rooms.sessions.create()
        turn = await rooms.sessions.send(session.id, "Time?", tool_use=ATTENDED)
        await until(turn, lambda event: isinstance(event, ToolApproval))
        await rooms.sessions.close()
        (_, stored) = await rooms.sessions.history(session.id)
    assert [part.result for part in stored.message.parts if isinstance(part, ToolResult)] == [STOPPED]
    assert stored.finish_reason == "cancelled"


async def test_while_a_person_decides_the_model_answers_others(tmp_path: Path) -> None:
    tool = tool_named("clock", lambda: "noon", permission="ask")
    replies = [
        {"match": "Time", "steps": [{"text": call("clock")}]},
        {"match": "Hello", "steps": ["Hi."]},
        {"after_tool": True, "steps": ["Noon."]},
    ]
    async with open_rooms(tmp_path, replies=replies, tools=[tool]) as rooms:
        session = await rooms.sessions.create()
        waiting = await rooms.sessions.send(session.id, "Time?", tool_use=ATTENDED)
        await until(waiting, lambda event: isinstance(event, ToolApproval))
        turn, _ = await rooms.ask("Hello")
        assert turn.reply.message.text == "Hi."
        await waiting.cancel()


async def test_a_call_cut_off_by_the_longest_length_is_told_and_ends_the_turn(tmp_path: Path) -> None:
    tool = tool_named("clock", lambda: "noon")
    _, events, _ = await ask(tmp_path, [tool], f"I look. {call('clock', zone='x' * 50)}", "Well.", max_tokens=8)
    start, end, done = told(events)
    assert isinstance(start, ToolStart)
    assert start.text.startswith("<<function_call>>")
    assert isinstance(end, ToolEnd)
    assert end.is_error
    assert isinstance(done, Done)
    assert done.finish_reason == "length"


async def test_a_tool_that_is_not_there_is_refused_before_anything_is_stored(tmp_path: Path) -> None:
    async with open_rooms(tmp_path, replies=["Hello."], tools=[tool_named("clock", lambda: "noon")]) as rooms:
        session = await rooms.sessions.create()
        with pytest.raises(ToolNotFound, match="calendar"):
            await rooms.sessions.send(session.id, "When?", tool_use=ToolUse(ToolChoice("named", "calendar")))
        with pytest.raises(ToolError, match="form"):
            await rooms.sessions.send(
                session.id, "When?", tool_use=UNASKED, reply_format=Constraint("json_schema", "{}")
            )
        assert await rooms.sessions.history(session.id) == []
    async with open_rooms(tmp_path / "none", replies=["Hello."]) as rooms:
        session = await rooms.sessions.create()
        with pytest.raises(ToolError, match="switched off"):
            await rooms.sessions.send(session.id, "When?", tool_use=ToolUse(ToolChoice("required")))


async def test_a_thought_that_is_too_long_is_closed_and_the_model_answers(tmp_path: Path) -> None:
    replies = [{"steps": ["<think>", *["hm "] * 50, "</think>", "Late."]}, "Soon."]
    async with open_rooms(tmp_path, replies=replies, settings={"thinking_limit": 5}) as rooms:
        turn, events = await rooms.ask("Well?")
    assert turn.reply.message.reasoning.count("hm") == 5
    assert turn.reply.message.text.strip() == "Soon."
    assert isinstance(events[-1], Done)
    assert events[-1].usage.completion_tokens > 5
