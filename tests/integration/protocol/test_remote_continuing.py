"""Going on with a reply of a model on a server: where the server can, and told where it cannot."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.helpers.openai_server import OpenAIServer, say, serving
from tests.helpers.remote_engines import Waits, add
from tests.helpers.rooms import Rooms, all_events, open_rooms
from tether_desktop.events import ErrorEvent
from tether_desktop.model.discovery.catalog import Catalog
from tether_desktop.model.engine import SamplingParams
from tether_desktop.model.pool.pool import EnginePool
from tether_desktop.model.remote import RemoteEngine
from tether_desktop.model.remote.limits import Limits
from tether_desktop.model.remote.server_models import ServerModels, look_at
from tether_desktop.protocol.service import SessionService
from tether_desktop.protocol.turn import Turn
from tether_desktop.settings import Settings

MODEL = "test/tiny"


@pytest.fixture
async def server() -> AsyncIterator[OpenAIServer]:
    async with serving() as server:
        yield server


@pytest.fixture
async def rooms(tmp_path: Path) -> AsyncIterator[Rooms]:
    async with open_rooms(tmp_path) as rooms:
        yield rooms


async def begun(server: OpenAIServer, rooms: Rooms, owner: str, reply: str) -> tuple[SessionService, EnginePool, Turn]:
    """A reply that was cut off, of a server whose models are of somebody."""
    server.models = [{"id": "tiny", "owned_by": owner}]
    await look_at(add(server))
    catalog = Catalog([rooms.models], [ServerModels().entries])
    pool = EnginePool(catalog, make_engine=lambda spec: RemoteEngine(spec, limits=Limits(sleep=Waits())))
    sessions = SessionService(rooms.store, pool, catalog, rooms.toolbox, Settings(system_prompt=""))
    server.answers = [say(reply, finish="length"), say(" three.")]
    turn = await sessions.begin("Count.", model=MODEL, params=SamplingParams(max_tokens=2))
    await turn.wait()
    return sessions, pool, turn


@pytest.mark.parametrize(
    ("owner", "flags"),
    [
        ("vllm", {"continue_final_message": True, "add_generation_prompt": False}),
        ("sglang", {"continue_final_message": True, "add_generation_prompt": False}),
        ("llamacpp", {}),
        ("library", {}),
    ],
)
async def test_a_server_that_can_goes_on_with_the_last_message(
    server: OpenAIServer, rooms: Rooms, owner: str, flags: dict[str, bool]
) -> None:
    sessions, pool, turn = await begun(server, rooms, owner, "One two")
    further = await sessions.continue_reply(turn.session_id, turn.reply.id)
    await all_events(further)
    assert further.reply.message.text == "One two three."
    asked = server.chats[-1]
    assert asked["messages"][-1] == {"role": "assistant", "content": "One two"}
    assert {name: asked[name] for name in ("continue_final_message", "add_generation_prompt") if name in asked} == flags
    await pool.close()


async def test_a_server_that_would_begin_anew_is_not_asked(server: OpenAIServer, rooms: Rooms) -> None:
    sessions, pool, turn = await begun(server, rooms, "somebody", "One two")
    asked = len(server.chats)
    further = await sessions.continue_reply(turn.session_id, turn.reply.id)
    *_, end = await all_events(further)
    assert isinstance(end, ErrorEvent)
    assert end.code == "continuation_refused"
    assert "begins every reply anew" in end.message
    assert len(server.chats) == asked
    assert further.reply.message.text == "One two"
    await pool.close()


async def test_where_nothing_was_said_the_server_just_answers(server: OpenAIServer, rooms: Rooms) -> None:
    sessions, pool, turn = await begun(server, rooms, "somebody", "")
    further = await sessions.continue_reply(turn.session_id, turn.reply.id)
    await all_events(further)
    assert further.reply.message.text == " three."
    assert server.chats[-1]["messages"][-1]["role"] == "user"
    await pool.close()


async def test_what_somebody_types_is_not_sent_to_a_server_to_be_counted(server: OpenAIServer, rooms: Rooms) -> None:
    sessions, pool, _ = await begun(server, rooms, "vllm", "One two")
    requests = len(server.asked)
    assert await sessions.count_tokens("a secret", MODEL) is None
    assert len(server.asked) == requests
    await pool.close()
