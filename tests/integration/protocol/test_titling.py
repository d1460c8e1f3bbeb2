"""Titles by the model: asked for behind everybody's back, and never in anybody's way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.rooms import Rooms, all_events, open_rooms, until
from tests.helpers.tool_turns import Listening
from tether_desktop.events import Done, Title, Token
from tether_desktop.protocol.news import SessionChanged

ASKED = "Write a title for this conversation"
SKY = "Why is the sky blue?"
NAMED = {"match": ASKED, "steps": [{"text": "Colour of the sky"}]}
NAMES_FOR_EVER = {"match": ASKED, "steps": ["Colour", {"wait": True}]}


@pytest.fixture
def heard() -> Listening:
    return Listening()


@pytest.fixture
async def rooms(tmp_path: Path, heard: Listening) -> AsyncIterator[Rooms]:
    async with open_rooms(tmp_path, make_engine=heard, settings={"chat_titles": "model"}) as rooms:
        yield rooms


async def title(rooms: Rooms, session_id: str) -> str:
    return (await rooms.sessions.get(session_id)).title


async def named(rooms: Rooms) -> None:
    """Wait until nothing is being named."""
    await rooms.sessions._titles.settle()


async def asked_for_titles(heard: Listening, times: int = 1) -> None:
    """Wait until a model has been asked so often."""
    while sum(ASKED in prompt for prompt in heard.prompts()) < times:  # noqa: ASYNC110  nothing tells of it
        await asyncio.sleep(0)


async def test_the_first_answer_is_followed_by_a_title_which_is_stored_and_told(rooms: Rooms) -> None:
    rooms.add_model(replies=[NAMED, "Air scatters blue light."])
    told: list[str] = []
    rooms.sessions.subscribe(lambda news: told.append(news.session.title) if isinstance(news, SessionChanged) else None)
    turn, events = await rooms.ask(SKY)
    assert Title("Why is the sky blue") in events
    await named(rooms)
    assert await title(rooms, turn.session_id) == "Colour of the sky"
    assert told[-1] == "Colour of the sky"


async def test_the_model_is_asked_once_with_what_it_has_read_already(rooms: Rooms, heard: Listening) -> None:
    rooms.add_model(replies=[NAMED, "Air scatters blue light.", "At night it is black."])
    turn, _ = await rooms.ask(SKY)
    await named(rooms)
    first, request = heard.requests
    assert request.session_id == first.session_id
    assert request.params.temperature == 0
    assert (request.params.max_tokens or 99) <= 16
    first_prompt, title_prompt = heard.prompts()
    assert title_prompt.startswith(f"{first_prompt}Air scatters blue light.<|im_end|>")
    _, events = await rooms.ask("And at night?", turn.session_id)
    await named(rooms)
    assert len(heard.requests) == 3
    assert isinstance(events[-1], Done)
    # All but the new question was read before, as if nobody had asked for a title.
    usage = events[-1].usage
    assert usage.cached_tokens >= len(first_prompt.split())


async def test_a_bad_title_leaves_the_questions_words(rooms: Rooms, heard: Listening) -> None:
    rooms.add_model(replies=[{"match": ASKED, "steps": ["Sure, here is one."]}, "Air scatters blue light."])
    turn, _ = await rooms.ask(SKY)
    await named(rooms)
    assert await title(rooms, turn.session_id) == "Why is the sky blue"
    await rooms.ask("Really?", turn.session_id)
    await named(rooms)
    assert sum(ASKED in prompt for prompt in heard.prompts()) == 1


async def test_a_title_that_is_cut_off_is_none(rooms: Rooms) -> None:
    rooms.add_model(replies=[{"match": ASKED, "steps": [{"text": "sky " * 40}]}, "Air scatters blue light."])
    turn, _ = await rooms.ask(SKY)
    await named(rooms)
    assert await title(rooms, turn.session_id) == "Why is the sky blue"


async def test_a_persons_own_title_in_between_wins(rooms: Rooms, heard: Listening) -> None:
    rooms.add_model(replies=[{"match": ASKED, "steps": ["Colour", {"delay": 1}, " of the sky"]}, "Air scatters."])
    turn, _ = await rooms.ask(SKY)
    async with rooms.sessions._turns.exclusive(turn.session_id):
        await asked_for_titles(heard)
        rooms.store.rename_session(turn.session_id, "Mine")
    await named(rooms)
    assert await title(rooms, turn.session_id) == "Mine"


@pytest.mark.parametrize("same_session", [True, False])
async def test_a_question_ends_the_request_and_the_next_answer_makes_up_for_it(
    rooms: Rooms, heard: Listening, *, same_session: bool
) -> None:
    rooms.add_model(replies=[NAMES_FOR_EVER, "Air scatters blue light."])
    turn, _ = await rooms.ask(SKY)
    await asked_for_titles(heard)
    session_id = turn.session_id if same_session else (await rooms.sessions.create("Other")).id
    next_turn = await rooms.sessions.send(session_id, "And at night?")
    events = await all_events(next_turn)
    assert isinstance(events[-1], Done)
    assert await title(rooms, turn.session_id) == "Why is the sky blue"
    if same_session:
        await asked_for_titles(heard, times=2)
    else:
        await named(rooms)
        assert sum(ASKED in prompt for prompt in heard.prompts()) == 1


async def test_somebody_else_who_waits_for_the_model_ends_it_too(rooms: Rooms, heard: Listening) -> None:
    slow: dict[str, Any] = {"match": ASKED, "steps": ["Colour", *[" of"] * 13]}
    rooms.add_model(replies=[slow, "Air scatters blue light."])
    turn, _ = await rooms.ask(SKY)
    await asked_for_titles(heard)
    async with rooms.pool.lend("Scripted", lambda *_: None):
        await named(rooms)
    assert await title(rooms, turn.session_id) == "Why is the sky blue"


async def test_an_answer_that_was_stopped_gets_no_title(rooms: Rooms, heard: Listening) -> None:
    rooms.add_model(replies=[NAMED, {"steps": ["Air", {"wait": True}]}])
    session = await rooms.sessions.create()
    turn = await rooms.sessions.send(session.id, SKY)
    await until(turn, lambda event: isinstance(event, Token))
    await turn.cancel()
    await named(rooms)
    assert len(heard.requests) == 1


async def test_a_chat_that_a_person_has_named_keeps_its_name(rooms: Rooms, heard: Listening) -> None:
    rooms.add_model(replies=[NAMED, "Air scatters."])
    session = await rooms.sessions.create("Mine")
    await rooms.ask(SKY, session.id)
    await named(rooms)
    assert len(heard.requests) == 1


async def test_where_the_settings_say_so_nobody_is_asked(tmp_path: Path, heard: Listening) -> None:
    async with open_rooms(tmp_path, make_engine=heard, settings={"chat_titles": "question"}) as rooms:
        rooms.add_model(replies=[NAMED, "Air scatters."])
        await rooms.ask(SKY)
        await named(rooms)
    assert len(heard.requests) == 1


async def test_a_model_that_fails_leaves_the_questions_words(rooms: Rooms) -> None:
    fails = {"raise": {"title": "No", "message": "It broke."}}
    rooms.add_model(replies=[{"match": ASKED, "steps": [fails]}, "Air scatters."])
    turn, _ = await rooms.ask(SKY)
    await named(rooms)
    assert await title(rooms, turn.session_id) == "Why is the sky blue"


async def test_closing_ends_the_request(rooms: Rooms, heard: Listening) -> None:
    rooms.add_model(replies=[NAMES_FOR_EVER, "Air scatters."])
    await rooms.ask(SKY)
    await asked_for_titles(heard)
    await rooms.sessions.close()
    assert heard.speaking == 0
