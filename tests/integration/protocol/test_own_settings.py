"""Settings of a conversation's own: they hold in place of the person's settings, for its turns alone."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.rooms import Rooms, open_rooms
from tests.helpers.tool_turns import Listening, call
from tests.helpers.tools import tool_named
from tether_desktop.errors import SettingsError
from tether_desktop.events import ToolStart
from tether_desktop.model.engine import SamplingParams
from tether_desktop.protocol.planner import settings_in
from tether_desktop.settings import Settings


@pytest.fixture
def heard() -> Listening:
    return Listening()


@pytest.fixture
async def rooms(tmp_path: Path, heard: Listening) -> AsyncIterator[Rooms]:
    async with open_rooms(tmp_path, make_engine=heard, tools=[tool_named("clock", lambda: "noon")]) as rooms:
        yield rooms


async def configured(rooms: Rooms, **overrides: Any) -> str:
    session = await rooms.sessions.create()
    await rooms.sessions.configure(session.id, overrides)
    return session.id


async def test_sampling_and_the_system_prompt_are_the_conversations_own(rooms: Rooms, heard: Listening) -> None:
    rooms.add_model(replies=["Arr."])
    pirate = {"system_prompt": "Talk like a pirate.", "temperature": 0.1, "max_tokens": 7}
    session_id = await configured(rooms, **pirate)
    await rooms.ask("Hello?", session_id)
    assert "Talk like a pirate." in heard.prompts()[0]
    assert (heard.requests[0].params.temperature, heard.requests[0].params.max_tokens) == (0.1, 7)
    await rooms.ask("Hello?")
    assert "pirate" not in heard.prompts()[1]
    assert heard.requests[1].params.temperature == rooms.sessions.settings.temperature


async def test_they_hold_for_regenerating_editing_and_going_on(rooms: Rooms, heard: Listening) -> None:
    rooms.add_model(replies=["One."])
    session_id = await configured(rooms, temperature=0.1)
    turn, _ = await rooms.ask("Hello?", session_id)
    assert turn.question is not None
    again = await rooms.sessions.regenerate(session_id, turn.reply.id)
    await again.wait()
    edited = await rooms.sessions.edit(session_id, turn.question.id, "Hi?")
    await edited.wait()
    await (await rooms.sessions.continue_reply(session_id, edited.reply.id)).wait()
    assert [request.params.temperature for request in heard.requests] == [0.1] * 4


async def test_what_a_caller_says_goes_before_them(rooms: Rooms, heard: Listening) -> None:
    rooms.add_model(replies=["One."])
    session_id = await configured(rooms, temperature=0.1)
    await rooms.ask("Hello?", session_id, params=SamplingParams(temperature=0.9))
    assert heard.requests[0].params.temperature == 0.9


async def test_tools_and_their_rounds_follow_them(rooms: Rooms) -> None:
    rooms.add_model(
        replies=[{"match": ".", "steps": [{"text": call("clock")}]}, {"after_tool": True, "steps": ["Noon."]}]
    )
    _, events = await rooms.ask("Time?", await configured(rooms, tool_use="off"))
    assert not any(isinstance(event, ToolStart) for event in events)
    _, events = await rooms.ask("Time?", await configured(rooms, tool_use="on"))
    assert any(isinstance(event, ToolStart) for event in events)


async def test_the_settings_in_a_session_can_be_asked_for(rooms: Rooms) -> None:
    session_id = await configured(rooms, temperature=0.1)
    settings = await rooms.sessions.settings_in(session_id)
    assert settings == rooms.sessions.settings.model_copy(update={"temperature": 0.1})


async def test_a_wrong_value_is_refused_before_it_is_kept(rooms: Rooms) -> None:
    session = await rooms.sessions.create()
    with pytest.raises(SettingsError, match="Temperature"):
        await rooms.sessions.configure(session.id, {"temperature": 99})
    assert (await rooms.sessions.get(session.id)).overrides == {}


@pytest.mark.parametrize(
    ("overrides", "hold"),
    [
        ({"temperature": 99, "top_k": 3}, {"top_k": 3}),
        ({"gone": 1, "top_k": 3}, {"top_k": 3}),
        ({"thinking": "maybe"}, {}),
        ({"top_k": None, "max_tokens": "20"}, {"max_tokens": 20}),
        ({"theme": "dark"}, {}),
    ],
)
def test_what_no_longer_fits_the_table_is_left_out_and_noted(
    caplog: pytest.LogCaptureFixture, overrides: Mapping[str, Any], hold: Mapping[str, Any]
) -> None:
    caplog.set_level(logging.WARNING)
    settings = Settings()
    assert settings_in(settings, overrides) == settings.model_copy(update=dict(hold))
    wrong = {name for name, value in overrides.items() if value is not None} - set(hold)
    assert len(caplog.records) == len(wrong)
