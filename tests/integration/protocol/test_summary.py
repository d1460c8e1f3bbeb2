"""Summaries of what no longer fits: asked of the model once for each cut, read in its place, and told to everybody."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.rooms import Rooms, all_events, open_rooms
from tests.helpers.tool_turns import Listening
from tether_desktop.events import ContextTrimmed, Done, Event, Status

LONG = "word " * 60


def trimmed(events: Sequence[Event]) -> ContextTrimmed | None:
    return next((event for event in events if isinstance(event, ContextTrimmed)), None)


def summed_up(heard: Listening) -> list[str]:
    """The session of each request that was for a summary."""
    return [each.session_id for each in heard.requests if each.session_id.endswith("summary")]


async def talk(rooms: Rooms, turns: int) -> list[list[Event]]:
    """Ask long questions in one session; the events of each turn."""
    session = await rooms.sessions.create()
    return [
        await all_events(await rooms.sessions.send(session.id, f"Question {number}. {LONG}"))
        for number in range(1, turns + 1)
    ]


def rooms_that_sum_up(folder: Path, heard: Listening, **options: Any) -> Any:
    return open_rooms(folder, make_engine=heard, settings={"history_summary": "on"} | options)


async def test_what_is_left_out_is_summed_up_and_read_by_the_model(tmp_path: Path) -> None:
    heard = Listening()
    async with rooms_that_sum_up(tmp_path, heard) as rooms:
        rooms.add_model(replies=["One.", "Two.", "They counted.", "Three."], context_window=256)
        *_, last = await talk(rooms, 3)
    told = trimmed(last)
    assert told is not None
    assert told.summary == "They counted."
    assert isinstance(last[-1], Done)
    assert Status("summing_up") in last
    *_, asked, read = heard.prompts()
    assert "Question 1." in asked
    assert "Question 3." not in asked
    assert "Question 1." not in read
    assert "They counted." in read


async def test_a_summary_holds_as_long_as_the_cut_and_goes_into_the_next(tmp_path: Path) -> None:
    heard = Listening()
    replies = ["One.", "Two.", "First summary.", "Three.", "Second summary.", "Four.", "Third summary.", "Five."]
    async with rooms_that_sum_up(tmp_path, heard) as rooms:
        rooms.add_model(replies=replies, context_window=256)
        turns = await talk(rooms, 4)
    summaries = [told.summary for turn in turns if (told := trimmed(turn))]
    assert summaries[0] == "First summary."
    asked = [
        prompt
        for prompt, request in zip(heard.prompts(), heard.requests, strict=True)
        if request.session_id.endswith("summary")
    ]
    assert len(asked) == len(set(summaries)) == 2
    assert "First summary." in asked[1]


@pytest.mark.parametrize("wanted", ["off", "on"])
async def test_nothing_is_summed_up_unasked_or_without_need(tmp_path: Path, wanted: str) -> None:
    heard = Listening()
    async with rooms_that_sum_up(tmp_path, heard, history_summary=wanted) as rooms:
        rooms.add_model(replies=["One.", "Two.", "Three."], context_window=256 if wanted == "off" else 4096)
        *_, last = await talk(rooms, 3)
    assert summed_up(heard) == []
    told = trimmed(last)
    assert (told is not None) == (wanted == "off")
    assert told is None or told.summary == ""


async def test_a_summary_that_fails_does_not_cost_the_answer(tmp_path: Path) -> None:
    heard = Listening()
    broken = {"steps": [{"raise": {"code": "engine_error", "title": "No", "message": "Not that.", "hint": ""}}]}
    async with rooms_that_sum_up(tmp_path, heard) as rooms:
        rooms.add_model(replies=["One.", "Two.", broken, "Three."], context_window=256)
        *_, last = await talk(rooms, 3)
    told = trimmed(last)
    assert isinstance(last[-1], Done)
    assert told is not None
    assert told.summary == ""


async def test_counts_of_tokens_are_kept_with_the_messages(tmp_path: Path) -> None:
    async with open_rooms(tmp_path, replies=["One two three."]) as rooms:
        turn, _ = await rooms.ask("How many words are here?")
        question, reply = await rooms.sessions.history(turn.session_id)
    assert question.tokens is not None
    assert question.tokens > 3
    assert reply.usage is not None
    assert reply.tokens == reply.usage.completion_tokens
