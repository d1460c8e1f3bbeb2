"""How long thoughts and calls took: told live, and stored the same."""

from __future__ import annotations

from pathlib import Path

from tests.helpers.clock import VirtualClock
from tests.helpers.rooms import all_events, open_rooms
from tests.helpers.tool_turns import UNASKED, call
from tests.helpers.tools import tool_named
from tether_desktop.context.store import Store
from tether_desktop.events import HiddenThought, Token, ToolEnd
from tether_desktop.messages import Message, Reasoning, Text, ToolResult
from tether_desktop.protocol.reply_writer import ReplyWriter

ALLOWED = UNASKED.__class__(UNASKED.choice, allowed=frozenset({"clock"}))


async def test_a_call_that_ran_says_how_long_and_one_that_was_refused_does_not(tmp_path: Path) -> None:
    async with open_rooms(tmp_path, tools=[tool_named("clock", lambda: "noon")], replies=["unused"]) as rooms:
        rooms.add_model(
            replies=[
                {"match": ".", "steps": [{"text": f"{call('clock')}\n{call('nothing')}"}]},
                {"after_tool": True, "steps": ["Noon."]},
            ]
        )
        session = await rooms.sessions.create()
        turn = await rooms.sessions.send(session.id, "Time?", tool_use=ALLOWED)
        told = {event.name: event.seconds for event in await all_events(turn) if isinstance(event, ToolEnd)}
        assert told["clock"] is not None
        assert 0 <= told["clock"] < 60
        assert told["nothing"] is None
        stored = (await rooms.sessions.history(session.id))[-1].message.parts
    assert {part.name: part.seconds for part in stored if isinstance(part, ToolResult)} == told


async def test_a_thought_lasts_from_its_first_word_to_the_next_visible_one(tmp_path: Path) -> None:
    clock = VirtualClock()
    store = Store(f"sqlite:///{tmp_path / 'tether.db'}")
    reply = store.add_message(store.create_session().id, Message("assistant"), parent_id=None)
    writer = ReplyWriter(store, reply.id, clock=clock.now)
    await clock.sleep(5)  # reading the prompt is no thinking
    for event, seconds in (
        (HiddenThought("h"), 1.5),
        (HiddenThought("m"), 0.5),
        (Token("So."), 7),
        (Token(" Yes."), 0),
    ):
        writer.add(event)
        await clock.sleep(seconds)
    stored = await writer.finish("stop")
    store.close()
    assert stored.message.parts == (Reasoning("hm", seconds=2.0), Text("So. Yes."))
