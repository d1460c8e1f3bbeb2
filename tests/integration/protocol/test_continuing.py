"""Going on with a reply: what is there stays, what comes is added, and the model reads where it was."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.helpers.rooms import Rooms, all_events, open_rooms, until
from tests.helpers.tool_turns import UNASKED, Listening, call
from tests.helpers.tools import tool_named
from tether_desktop.errors import ContinuationRefused, MessageNotFound, ModelNotFound, SessionBusy
from tether_desktop.events import Cancelled, Done, ErrorEvent, HiddenThought, Token, ToolApproval, ToolEnd, ToolStart
from tether_desktop.messages import Message, Reasoning, Text, ToolCall, ToolResult, Usage, text_message
from tether_desktop.model.engine import SamplingParams
from tether_desktop.protocol.turn import Turn

TWO = SamplingParams(max_tokens=2)


@pytest.fixture
def heard() -> Listening:
    return Listening()


@pytest.fixture
async def rooms(tmp_path: Path, heard: Listening) -> AsyncIterator[Rooms]:
    async with open_rooms(tmp_path, make_engine=heard, tools=[tool_named("clock", lambda: "noon")]) as rooms:
        yield rooms


async def go_on(rooms: Rooms, turn: Turn, **options: object) -> tuple[Turn, list[object]]:
    further = await rooms.sessions.continue_reply(turn.session_id, turn.reply.id, **options)  # type: ignore[arg-type]
    return further, [*await all_events(further)]


def prompt_of(heard: Listening) -> str:
    return "".join(piece.text for piece in heard.requests[-1].prompt)


async def test_a_reply_that_was_cut_off_goes_on_in_the_same_message_without_a_break(
    rooms: Rooms, heard: Listening
) -> None:
    rooms.add_model(replies=["One two three", " three four."])
    turn, _ = await rooms.ask("Count.", params=TWO)
    assert (turn.reply.finish_reason, turn.reply.message.text, turn.continues) == ("length", "One two", False)
    further, events = await go_on(rooms, turn)
    assert further.continues
    assert further.question is None
    assert "".join(event.content for event in events if isinstance(event, Token)) == " three four."
    assert isinstance(events[-1], Done)
    assert prompt_of(heard).endswith("<|im_start|>assistant\nOne two")
    question, reply = await rooms.sessions.history(turn.session_id)
    assert (reply.id, reply.message.parts) == (turn.reply.id, (Text("One two three four."),))
    assert (reply.finish_reason, reply.versions) == ("stop", 1)
    assert question == turn.question


async def test_usage_and_timings_are_those_of_all_parts(rooms: Rooms) -> None:
    rooms.add_model(replies=["One two three", " three four."])
    turn, _ = await rooms.ask("Count.", params=TWO)
    before = turn.reply.usage
    assert before is not None
    further, _ = await go_on(rooms, turn)
    after = further.reply.usage
    assert after is not None
    assert after == Usage(before.prompt_tokens, before.cached_tokens, 2 + 3)
    assert further.reply.tokens == 5


@pytest.mark.parametrize("ending", ["cancelled", "error"])
async def test_a_reply_that_was_stopped_or_broke_off_goes_on(rooms: Rooms, ending: str) -> None:
    ends = {"wait": True} if ending == "cancelled" else {"raise": {"title": "No", "message": "It broke."}}
    rooms.add_model(replies=[{"steps": ["Half", ends]}, " and half."])
    session = await rooms.sessions.create()
    turn = await rooms.sessions.send(session.id, "Go.")
    await until(turn, lambda event: isinstance(event, Token))
    if ending == "cancelled":
        await turn.cancel()
    await turn.wait()
    assert turn.reply.finish_reason == ending
    further, _ = await go_on(rooms, turn)
    stored = (await rooms.sessions.history(session.id))[-1]
    assert (stored.message.text, stored.finish_reason, stored.error) == ("Half and half.", "stop", "")
    assert further.reply == stored
    # Nothing is known of what the first half took.
    assert stored.usage is not None
    assert stored.usage.completion_tokens == 3
    assert stored.tokens is None


async def test_a_finished_reply_goes_on_too_where_that_is_asked_for(rooms: Rooms) -> None:
    rooms.add_model(replies=["All said.", " And more."])
    turn, _ = await rooms.ask("Go.")
    further, _ = await go_on(rooms, turn)
    assert further.reply.message.text == "All said. And more."


async def test_what_was_said_stays_when_going_on_is_stopped_or_fails(rooms: Rooms) -> None:
    fails = {"raise": {"title": "No", "message": "It broke."}}
    rooms.add_model(replies=["One two three", {"steps": [" more", {"wait": True}]}, {"steps": [fails]}])
    turn, _ = await rooms.ask("Count.", params=TWO)
    usage, timings = turn.reply.usage, turn.reply.timings
    further = await rooms.sessions.continue_reply(turn.session_id, turn.reply.id)
    await until(further, lambda event: isinstance(event, Token))
    await further.cancel()
    assert further.so_far()[-1] == Cancelled()
    stored = (await rooms.sessions.history(turn.session_id))[-1]
    assert (stored.message.text, stored.finish_reason) == ("One two more", "cancelled")
    assert (stored.usage, stored.timings) == (usage, timings)
    _, events = await go_on(rooms, further)
    assert isinstance(events[-1], ErrorEvent)
    stored = (await rooms.sessions.history(turn.session_id))[-1]
    assert (stored.message.text, stored.finish_reason, stored.error) == ("One two more", "error", "It broke.")


async def test_a_kill_in_between_keeps_all_that_was_there(rooms: Rooms) -> None:
    rooms.add_model(replies=["One two three", {"steps": [" more", {"wait": True}]}])
    turn, _ = await rooms.ask("Count.", params=TWO)
    further = await rooms.sessions.continue_reply(turn.session_id, turn.reply.id)
    await until(further, lambda event: isinstance(event, Token))
    # What a program that is killed now leaves behind: what was stored last, at first the reply as it was.
    stored = (await rooms.sessions.history(turn.session_id))[-1]
    assert stored.message.text in {"One two", "One two more"}


async def test_a_thought_goes_on_as_a_thought_and_its_seconds_add_up(rooms: Rooms, heard: Listening) -> None:
    rooms.add_model(replies=[{"steps": ["<think>", "hm,", {"wait": True}]}, " well</think>So it is."])
    session = await rooms.sessions.create()
    turn = await rooms.sessions.send(session.id, "Why?")
    await until(turn, lambda event: isinstance(event, HiddenThought))
    await turn.cancel()
    (begun,) = turn.reply.message.parts
    assert isinstance(begun, Reasoning)
    further, events = await go_on(rooms, turn)
    assert prompt_of(heard).endswith("<think>hm,")
    assert [event.content for event in events if isinstance(event, HiddenThought)] == [" well"]
    thought, text = further.reply.message.parts
    assert isinstance(thought, Reasoning)
    assert (thought.text, text) == ("hm, well", Text("So it is."))
    assert thought.seconds is not None
    assert begun.seconds is not None
    assert thought.seconds >= begun.seconds


async def test_a_reply_that_said_nothing_is_begun_in_its_place(rooms: Rooms) -> None:
    rooms.add_model(replies=["Here it is."])
    session = await rooms.sessions.create()
    question = rooms.store.add_message(session.id, text_message("user", "Go."), parent_id=None)
    silent = rooms.store.add_message(session.id, Message("assistant"), parent_id=question.id, model="Scripted")
    turn = await rooms.sessions.continue_reply(session.id, silent.id)
    await turn.wait()
    assert (turn.reply.id, turn.reply.message.text) == (silent.id, "Here it is.")


async def test_calls_after_what_was_said_are_run_and_read(rooms: Rooms, heard: Listening) -> None:
    rooms.add_model(
        replies=[
            {"match": ".", "steps": ["Let", " me", {"wait": True}]},
            {"after_tool": True, "steps": ["It is noon."]},
        ]
    )
    session = await rooms.sessions.create()
    turn = await rooms.sessions.send(session.id, "Time?", tool_use=UNASKED)
    await until(turn, lambda event: isinstance(event, Token) and event.content == " me")
    await turn.cancel()
    rooms.add_model(
        replies=[
            {"match": ".", "steps": [{"text": f" look. {call('clock')}"}]},
            {"after_tool": True, "steps": ["It is noon."]},
        ]
    )
    await rooms.pool.unload("Scripted")
    further, events = await go_on(rooms, turn, tool_use=replace(UNASKED, allowed=frozenset({"clock"})))
    assert [event.result for event in events if isinstance(event, ToolEnd)] == ["noon"]
    first, made, result, last = further.reply.message.parts
    assert first == Text("Let me look. ")
    assert isinstance(made, ToolCall)
    assert isinstance(result, ToolResult)
    assert last == Text("It is noon.")
    assert "Let me look." in prompt_of(heard)


async def test_calls_without_an_answer_get_one_before_the_model_goes_on(rooms: Rooms) -> None:
    rooms.add_model(replies=[{"match": ".", "steps": ["unused"]}, {"after_tool": True, "steps": ["I could not look."]}])
    session = await rooms.sessions.create()
    question = rooms.store.add_message(session.id, text_message("user", "Time?"), parent_id=None)
    made = ToolCall("abcdefghi", "clock")
    begun = Message("assistant", (Text("Let me see."), made))
    reply = rooms.store.add_message(session.id, begun, parent_id=question.id, model="Scripted")
    further = await rooms.sessions.continue_reply(session.id, reply.id)
    events = await all_events(further)
    (told,) = [event for event in events if isinstance(event, ToolEnd)]
    assert (told.id, told.is_error, told.seconds) == ("abcdefghi", True, None)
    assert not any(isinstance(event, ToolStart | ToolApproval) for event in events)
    first, second, answered, last = further.reply.message.parts
    assert (first, second, last) == (Text("Let me see."), made, Text("I could not look."))
    assert isinstance(answered, ToolResult)


async def test_only_the_last_reply_that_is_shown_can_go_on(rooms: Rooms) -> None:
    rooms.add_model(replies=["One.", "Two.", "Three."])
    first, _ = await rooms.ask("1?")
    second, _ = await rooms.ask("2?", first.session_id)
    assert second.question is not None
    before = await rooms.sessions.history(first.session_id)
    with pytest.raises(ContinuationRefused, match="Other messages come after"):
        await rooms.sessions.continue_reply(first.session_id, first.reply.id)
    with pytest.raises(MessageNotFound):
        await rooms.sessions.continue_reply(first.session_id, second.question.id)
    with pytest.raises(MessageNotFound):
        await rooms.sessions.continue_reply(first.session_id, "nothing")
    again = await rooms.sessions.regenerate(first.session_id, second.reply.id)
    await again.wait()
    with pytest.raises(ContinuationRefused):
        await rooms.sessions.continue_reply(first.session_id, second.reply.id)
    await rooms.sessions.select_version(first.session_id, second.reply.id)
    assert await rooms.sessions.history(first.session_id) == [
        *before[:-1],
        (await rooms.sessions.siblings(first.session_id, second.reply.id))[0],
    ]


async def test_a_reply_that_is_being_written_cannot_be_continued(rooms: Rooms) -> None:
    rooms.add_model(replies=[{"steps": ["Hi", {"wait": True}]}])
    session = await rooms.sessions.create()
    turn = await rooms.sessions.send(session.id, "Hello")
    with pytest.raises(SessionBusy):
        await rooms.sessions.continue_reply(session.id, turn.reply.id)


async def test_another_model_can_go_on_and_an_unknown_one_is_told_at_once(rooms: Rooms) -> None:
    rooms.add_model(replies=["One two three"])
    rooms.add_model("Other", replies=[" and that from me."])
    turn, _ = await rooms.ask("Go.", params=TWO, model="Scripted")
    with pytest.raises(ModelNotFound):
        await rooms.sessions.continue_reply(turn.session_id, turn.reply.id, model="Nobody")
    further, _ = await go_on(rooms, turn, model="Other")
    assert further.reply.message.text == "One two and that from me."


async def test_a_reply_that_fills_the_window_is_told_to_have_no_room(rooms: Rooms) -> None:
    rooms.add_model(replies=["word " * 200], context_window=128)
    turn, _ = await rooms.ask("Go.")
    assert turn.reply.finish_reason == "length"
    _, events = await go_on(rooms, turn)
    assert isinstance(events[-1], ErrorEvent)
    assert events[-1].code == "context_length_exceeded"
    stored = (await rooms.sessions.history(turn.session_id))[-1]
    assert stored.message == turn.reply.message
