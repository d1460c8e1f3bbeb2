"""What went wrong with calls in the services that Tether grew out of, in the order in which it was written down."""

from __future__ import annotations

import asyncio
import json
import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import chat_templates
from tests.helpers.own_files import act, own_tools
from tests.helpers.processes import children_of_the_program
from tests.helpers.rooms import all_events, open_rooms, until
from tests.helpers.tool_turns import (
    ATTENDED,
    UNASKED,
    Listening,
    assert_whole,
    call,
    ending,
    ends,
    says,
    stored_parts,
    streamed_parts,
    told,
    visible,
)
from tests.helpers.tools import Gate, tool_named
from tether_desktop.events import (
    Cancelled,
    Done,
    HiddenThought,
    Status,
    Token,
    ToolApproval,
    ToolEnd,
    ToolStart,
)
from tether_desktop.messages import ToolChoice
from tether_desktop.model.engine import EngineSpec
from tether_desktop.model.hosting.host import HostedEngine
from tether_desktop.protocol.tool_use import STOPPED, ToolUse
from tether_desktop.tools.declaration import function_tool
from tether_desktop.tools.tool import Tool

WAIT = {"wait": True}
CLOCK = tool_named("clock", lambda: "noon")
ALLOWED = ToolUse(ToolChoice("auto"), allowed=frozenset({"act", "block"}))


# 1. The last characters of every reply were streamed and never stored.


@pytest.mark.parametrize("thinking", [False, True])
async def test_replies_of_every_length_around_a_call_are_stored_as_streamed(tmp_path: Path, *, thinking: bool) -> None:
    chance = random.Random(int(thinking))
    texts = ["".join(chance.choices("ab <>/\n🧵é_", k=length)) for length in range(40)]
    thought = "<think>so</think>" if thinking else ""
    replies = []
    for number, text in enumerate(texts):
        first = f"{thought}{text}{call('echo', number=number)}"
        replies += [
            {"match": f"question {number}$", "steps": list(first)},
            {"after_tool": True, "match": rf"\[{number}\]", "steps": [*thought, *text, "."]},
        ]
    echo = tool_named("echo", lambda number: f"[{number}]", number=int)
    async with open_rooms(tmp_path, replies=replies, tools=[echo]) as rooms:
        for number, text in enumerate(texts):
            turn, events = await rooms.ask(f"question {number}", tool_use=UNASKED)
            assert isinstance(ending(events), Done)
            await assert_whole(rooms, turn, events)
            assert turn.reply.message.text == visible(events) == f"{text}{text}."
            said = "".join(event.content for event in events if isinstance(event, HiddenThought))
            assert turn.reply.message.reasoning == said == ("soso" if thinking else "")


# 2. One parser served everybody: chats mixed their characters, and a call leaked into the next turn.


async def test_two_chats_that_call_at_once_keep_their_words_and_calls_apart(tmp_path: Path) -> None:
    gate = Gate(2)

    async def meet(who: str) -> str:
        await gate.pass_together()
        return f"met {who}"

    async with open_rooms(tmp_path, tools=[tool_named("meet", meet, who=str)]) as rooms:
        for name, word in (("One", "red"), ("Two", "blue")):
            first = f"<think>{word}</think>{word} {call('meet', who=word)}"
            rooms.add_model(name, replies=says(f"{word} " * 20 + first, f"{word}. " * 20, size=1))
        (one, seen_by_one), (two, seen_by_two) = await asyncio.gather(
            *(rooms.ask("Go on", model=name, tool_use=UNASKED) for name in ("One", "Two"))
        )
        for turn, events, word in ((one, seen_by_one, "red"), (two, seen_by_two, "blue")):
            await assert_whole(rooms, turn, events)
            assert turn.reply.message.text == f"{word} " * 21 + f"{word}. " * 20
            assert turn.reply.message.reasoning == word
            assert [end.result for end in ends(events)] == [f"met {word}"]


@pytest.mark.parametrize("cut", ["<<function_ca", '<<function_call>> {"name": "clock", "arg', "<think>hm", "<"])
@pytest.mark.parametrize("way", ["cancelled", "broken off", "cut short"])
async def test_nothing_of_an_unfinished_turn_leaks_into_the_next(tmp_path: Path, cut: str, way: str) -> None:
    stop = {
        "cancelled": WAIT,
        "broken off": {"raise": {"code": "engine_died", "title": "Gone", "message": "It ended.", "hint": "Again."}},
        "cut short": "",
    }[way]
    replies = [{"match": "first", "steps": ["Well. ", *cut, *([stop] if stop else [])]}, "Noon, <b>exactly</b>."]
    async with open_rooms(tmp_path, replies=replies, tools=[CLOCK]) as rooms:
        session = await rooms.sessions.create()
        turn = await rooms.sessions.send(session.id, "first", tool_use=UNASKED)
        await until(turn, lambda event: isinstance(event, Token))
        if way == "cancelled":
            await turn.cancel()
        await assert_whole(rooms, turn, await all_events(turn))
        turn, events = await rooms.ask("second", session.id, tool_use=UNASKED)
        assert [type(event) for event in told(events)] == [Done]
        assert turn.reply.message.text == visible(events) == "Noon, <b>exactly</b>."


# 3. Two ends of a turn, without a reason; silence at the limit; a failing tool nobody heard of.


@pytest.mark.parametrize(
    ("rounds", "settings", "reason"),
    [
        (("Noon.",), {}, "stop"),
        (("", "Noon."), {}, "stop"),
        ((call("clock"), "Noon."), {}, "stop"),
        ((call("clock"), "Noon."), {"tool_rounds": 1}, "stop"),
        ((call("clock"), "word " * 50), {"max_tokens": 30}, "length"),
        (("word " * 50,), {"max_tokens": 30}, "length"),
    ],
)
async def test_a_turn_has_one_end_and_says_why(
    tmp_path: Path, rounds: tuple[str, ...], settings: dict[str, Any], reason: str
) -> None:
    async with open_rooms(tmp_path, replies=says(*rounds), tools=[CLOCK], settings=settings) as rooms:
        turn, events = await rooms.ask("Time?", tool_use=UNASKED)
        await assert_whole(rooms, turn, events)
        end = ending(events)
        assert isinstance(end, Done)
        assert end.finish_reason == turn.reply.finish_reason == reason


@pytest.mark.parametrize("most", [1, 2, 5])
async def test_the_limit_of_rounds_ends_in_an_answer(tmp_path: Path, most: int) -> None:
    numbers = iter(range(100))
    tool = tool_named("count", lambda: str(next(numbers)))
    replies = [
        {"match": ".", "steps": [{"text": call("count")}]},
        {"after_tool": True, "match": "No more tools", "steps": ["Enough."]},
        {"after_tool": True, "steps": [{"text": call("count")}]},
    ]
    async with open_rooms(tmp_path, replies=replies, tools=[tool], settings={"tool_rounds": most}) as rooms:
        turn, events = await rooms.ask("Count", tool_use=UNASKED)
        await assert_whole(rooms, turn, events)
    assert isinstance(ending(events), Done)
    assert [end.result for end in ends(events)] == [str(number) for number in range(most)]
    assert turn.reply.message.text.strip() == "Enough."


async def test_the_model_hears_of_a_tool_that_fails(tmp_path: Path) -> None:
    def weather() -> str:
        raise ConnectionError("the station is silent")

    heard = Listening()
    replies, tools = says(call("weather"), "I cannot tell."), [tool_named("weather", weather)]
    async with open_rooms(tmp_path, make_engine=heard, replies=replies, tools=tools) as rooms:
        turn, events = await rooms.ask("Rain?", tool_use=UNASKED)
        await assert_whole(rooms, turn, events)
    assert isinstance(ending(events), Done)
    question, after = heard.prompts()
    assert "the station is silent" not in question
    assert "ConnectionError: the station is silent" in after


# 4. The prompt named tools by other names than the registry did, and most templates never showed their schemas.


def _weather(place: str, days: int = 3) -> str:
    """Tell the weather of the coming days.

    Args:
        place: a town
        days: how many of them
    """
    return f"{place}: rain for {days} days"


TEMPLATES = {
    "nothing of tools": chat_templates.CHATML,
    "Qwen 2.5": chat_templates.QWEN2_5,
    "Qwen 3": chat_templates.QWEN3,
    "Llama 3.1": chat_templates.LLAMA_3_1,
    "Mistral": chat_templates.MISTRAL,
    "Gemma": chat_templates.GEMMA,
    "DeepSeek": chat_templates.DEEPSEEK,
    "Zephyr": chat_templates.ZEPHYR,
}


@pytest.mark.parametrize("template", TEMPLATES)
async def test_the_engine_is_given_the_registrys_names_and_schemas_whatever_the_template(
    tmp_path: Path, template: str
) -> None:
    tools: list[Tool] = [function_tool(_weather, name="weather-of_days", permission="always"), CLOCK]
    heard = Listening()
    async with open_rooms(tmp_path, make_engine=heard, tools=tools) as rooms:
        rooms.add_model(replies=["Rain."], chat_template=TEMPLATES[template])
        turn, events = await rooms.ask("Will it be dry?", tool_use=UNASKED)
        await assert_whole(rooms, turn, events)
        assert isinstance(ending(events), Done)
    (prompt,) = heard.prompts()
    declared = dict(_declarations(prompt))
    assert declared.keys() == {tool.declaration.name for tool in tools}
    properties = declared["weather-of_days"]["properties"]
    assert properties["place"] == {"type": "string", "description": "a town"}
    assert (properties["days"]["type"], properties["days"]["default"]) == ("integer", 3)
    assert declared["weather-of_days"]["required"] == ["place"]
    assert "Tell the weather of the coming days." in prompt


def _declarations(prompt: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Names and parameters of all that is declared in a prompt."""
    decoder = json.JSONDecoder()
    place = 0
    while (place := min((at for at in map(prompt.find, "[{", (place, place)) if at >= 0), default=-1)) >= 0:
        try:
            value, place = decoder.raw_decode(prompt, place)
        except ValueError:
            place += 1
            continue
        for each in value if isinstance(value, list) else [value]:
            function = each.get("function", each) if isinstance(each, dict) else {}
            if "parameters" in function:
                yield function["name"], function["parameters"]


async def test_what_a_tool_is_called_by_in_the_prompt_is_what_runs(tmp_path: Path) -> None:
    heard, called = Listening(), list[str]()
    tools = [tool_named(name, lambda name=name: called.append(name)) for name in ("a", "a__b", "a-b", "A")]
    async with open_rooms(tmp_path, make_engine=heard, tools=tools, replies=["unused"]) as rooms:
        for name in ("a", "a__b", "a-b", "A"):
            rooms.add_model(f"Model {name}", replies=says(call(name), "Done."))
            await rooms.ask("Go on", model=f"Model {name}", tool_use=UNASKED)
    assert called == ["a", "a__b", "a-b", "A"]
    assert all(f'"name": "{name}"' in heard.prompts()[0] for name in called)


# 5. A tool that blocks defeated the timeout and stalled everybody; so did a model that was being loaded.


@pytest.fixture
def stuck() -> Iterator[Callable[[], str]]:
    """A function that returns when the test is over."""
    over = threading.Event()

    def block() -> str:
        """Block."""
        over.wait()
        return "late"

    yield block
    over.set()


async def test_a_tool_that_blocks_its_thread_is_timed_out_and_stalls_nobody(
    tmp_path: Path, stuck: Callable[[], str]
) -> None:
    tools = [function_tool(stuck, permission="always")]
    replies = [{"match": "Hello", "steps": list("Hi there.")}, *says(call("block"), "It took too long.")]
    async with open_rooms(tmp_path, replies=replies, tools=tools, settings={"tool_timeout": 1}) as rooms:
        session = await rooms.sessions.create()
        slow = await rooms.sessions.send(session.id, "Block", tool_use=UNASKED)
        await until(slow, lambda event: isinstance(event, ToolStart))
        other, _ = await rooms.ask("Hello")
        assert other.reply.message.text == "Hi there."
        events = await all_events(slow)
        await assert_whole(rooms, slow, events)
    (end,) = ends(events)
    assert end.is_error
    assert "did not answer within 1 seconds" in end.result
    assert slow.reply.message.text.strip() == "It took too long."


async def test_a_tool_that_lets_no_thread_run_is_ended_and_stalls_nobody(tmp_path: Path) -> None:
    own = await own_tools(tmp_path, act("import re\nre.match('(a+)+$', 'a' * 60 + 'b')"))
    replies = [{"match": "Hello", "steps": list("Hi there.")}, *says(call("act"), "It took too long.")]
    before = _processes()
    async with open_rooms(tmp_path, replies=replies, sources=[own], settings={"tool_timeout": 2}) as rooms:
        session = await rooms.sessions.create()
        slow = await rooms.sessions.send(session.id, "Act", tool_use=ALLOWED)
        await until(slow, lambda event: isinstance(event, ToolStart))
        other, _ = await rooms.ask("Hello")
        assert other.reply.message.text == "Hi there."
        assert rooms.sessions.running(session.id) is slow
        events = await all_events(slow)
        await assert_whole(rooms, slow, events)
    assert _processes() <= before
    (end,) = ends(events)
    assert "did not answer within 2 seconds" in end.result
    assert slow.reply.message.text.strip() == "It took too long."


def _processes() -> set[int]:
    return {child.pid for child in children_of_the_program()}


async def test_a_model_that_never_loads_stalls_nobody(tmp_path: Path) -> None:
    def engine(spec: EngineSpec) -> Any:
        return HostedEngine(spec) if spec.model == "Stuck" else Listening()(spec)

    async with open_rooms(tmp_path, make_engine=engine, replies=says(call("clock"), "Noon."), tools=[CLOCK]) as rooms:
        rooms.add_model("Stuck", replies=["Never."], load=[{"progress": 0.5}, {"hang": True}])
        session = await rooms.sessions.create()
        waiting = await rooms.sessions.send(session.id, "Hello", model="Stuck")
        await until(waiting, lambda event: event == Status("loading_model", 0.5))
        turn, _ = await rooms.ask("Time?", model="Scripted", tool_use=UNASKED)
        assert turn.reply.message.text.strip() == "Noon."
        await waiting.cancel()
        assert isinstance(ending(await all_events(waiting)), Cancelled)


# 6. Cancelling, or a reader that went away, lost the answer so far and left the engine running.


@pytest.mark.parametrize("rounds", [("One two", WAIT), (call("clock"), "One two", WAIT)])
async def test_cancelling_keeps_what_was_said_and_ends_the_engines_work(
    tmp_path: Path, rounds: tuple[Any, ...]
) -> None:
    heard = Listening()
    *before, last, wait = rounds
    replies = says(*before, last)
    replies[-1]["steps"].append(wait)
    async with open_rooms(tmp_path, make_engine=heard, replies=replies, tools=[CLOCK]) as rooms:
        session = await rooms.sessions.create()
        turn = await rooms.sessions.send(session.id, "Go on", tool_use=UNASKED)
        await until(turn, lambda event: event == Token(" two"))
        assert heard.speaking == 1
        await turn.cancel()
        assert heard.speaking == 0
        events = await all_events(turn)
        await assert_whole(rooms, turn, events)
        assert isinstance(ending(events), Cancelled)
        assert turn.reply.message.text.endswith("One two")
        assert turn.reply.finish_reason == "cancelled"


async def test_a_reader_that_goes_away_costs_nothing(tmp_path: Path) -> None:
    may_answer = asyncio.Event()

    async def wait() -> str:
        await may_answer.wait()
        return "waited"

    tools = [tool_named("wait", wait)]
    async with open_rooms(tmp_path, replies=says(f"I wait. {call('wait')}", "Now."), tools=tools) as rooms:
        session = await rooms.sessions.create()
        turn = await rooms.sessions.send(session.id, "Go on", tool_use=UNASKED)
        reading = asyncio.create_task(all_events(turn))
        await until(turn, lambda event: isinstance(event, ToolStart))
        reading.cancel()
        await asyncio.wait([reading])
        may_answer.set()
        await turn.wait()
        await assert_whole(rooms, turn, await all_events(turn))
        assert turn.reply.finish_reason == "stop"
        assert turn.reply.message.text == "I wait. Now."


async def test_a_caller_that_goes_away_while_its_call_asks_can_still_be_answered_and_stopped(tmp_path: Path) -> None:
    tool = tool_named("clock", lambda: "noon", permission="ask")
    async with open_rooms(tmp_path, replies=says(f"I look. {call('clock')}", "Noon."), tools=[tool]) as rooms:
        for answered in (True, False):
            session = await rooms.sessions.create()
            turn = await rooms.sessions.send(session.id, "Time?", tool_use=ATTENDED)
            asked = await until(turn, lambda event: isinstance(event, ToolApproval))
            assert isinstance(asked, ToolApproval)
            if answered:
                assert await rooms.sessions.answer(session.id, asked.id, "once")
                await turn.wait()
            else:
                await rooms.sessions.cancel(session.id)
            events = await all_events(turn)
            await assert_whole(rooms, turn, events)
            assert [end.result for end in ends(events)] == ["noon" if answered else STOPPED]
            assert turn.reply.message.text == ("I look. Noon." if answered else "I look. ")


# 7. A queue of eight dropped most of the words when its reader was slow.


async def test_slow_and_late_readers_get_every_event(tmp_path: Path) -> None:
    words = [f"{number} " for number in range(300)]
    replies = [
        {"match": ".", "steps": [*words, *call("clock")]},
        {"after_tool": True, "steps": words},
    ]
    async with open_rooms(tmp_path, replies=replies, tools=[CLOCK]) as rooms:
        session = await rooms.sessions.create()
        turn = await rooms.sessions.send(session.id, "Count", tool_use=UNASKED)
        slow = []
        async for event in turn.events():
            slow.append(event)
            if len(slow) == 1:
                # Read nothing until all has been said.
                await turn.wait()
        late = await all_events(turn)
        await assert_whole(rooms, turn, slow)
        assert streamed_parts(slow) == streamed_parts(late) == stored_parts(turn)
        assert turn.reply.message.text == "".join(words) * 2
        assert [type(event) for event in told(slow)] == [ToolStart, ToolEnd, Done]
