"""A conversation with a model on a server: streamed, stopped, cut off and begun anew, and stored each time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.helpers.openai_server import DONE, Answer, OpenAIServer, piece, refuse, say, serving, usage
from tests.helpers.remote_engines import Waits, add
from tests.helpers.rooms import all_events, until
from tests.helpers.scripted_models import write_scripted_model
from tether_desktop.app import Tether
from tether_desktop.context.store import Store
from tether_desktop.errors import ModelError
from tether_desktop.events import Cancelled, ContextTrimmed, Done, ErrorEvent, HiddenThought, Token
from tether_desktop.messages import Usage
from tether_desktop.model.discovery.catalog import Catalog
from tether_desktop.model.pool.pool import EnginePool
from tether_desktop.model.remote import RemoteEngine
from tether_desktop.model.remote.limits import Limits
from tether_desktop.model.remote.server_models import ServerModels, look_at
from tether_desktop.protocol.service import SessionService
from tether_desktop.protocol.turn import Turn
from tether_desktop.settings import Settings
from tether_desktop.tools.preferences import ToolPreferences
from tether_desktop.tools.toolbox import Toolbox

MODEL = "test/tiny"


class House:
    """Store, pool and sessions over a server's models."""

    def __init__(self, folder: Path) -> None:
        self.store = Store(f"sqlite:///{folder / 'tether.db'}")
        catalog = Catalog([folder / "models"], [ServerModels().entries])
        limits = Limits(sleep=Waits())
        self.pool = EnginePool(catalog, make_engine=lambda spec: RemoteEngine(spec, limits=limits))
        toolbox = Toolbox((), ToolPreferences(folder / "tools.json"))
        self.sessions = SessionService(self.store, self.pool, catalog, toolbox, Settings(system_prompt="Be kind."))

    async def ask(self, text: str, session_id: str | None = None, model: str | None = MODEL) -> Turn:
        session_id = session_id or (await self.sessions.create()).id
        return await self.sessions.send(session_id, text, model=model)

    async def close(self) -> None:
        await self.sessions.close()
        await self.pool.close()
        self.store.close()


@pytest.fixture
async def server() -> AsyncIterator[OpenAIServer]:
    async with serving() as server:
        await look_at(add(server))
        yield server


@pytest.fixture
async def house(server: OpenAIServer, tmp_path: Path) -> AsyncIterator[House]:
    house = House(tmp_path)
    yield house
    await house.close()


async def test_a_question_goes_to_the_server_and_its_answer_into_the_store(server: OpenAIServer, house: House) -> None:
    turn = await house.ask("Hello?")
    events = await all_events(turn)
    assert [event.content for event in events if isinstance(event, Token)] == ["Hello", " there", "."]
    assert isinstance(events[-1], Done)
    assert events[-1].usage == Usage(20, 0, 3)
    assert (await turn.wait()).message.text == "Hello there."
    assert server.chats[0]["messages"] == [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Hello?"},
    ]


async def test_the_next_question_brings_what_was_said_before_without_the_thoughts(
    server: OpenAIServer, house: House
) -> None:
    server.answers = [Answer([piece(None, reasoning_content="Hm."), piece("One."), piece(finish="stop"), DONE])]
    first = await house.ask("Count.")
    events = await all_events(first)
    assert [event.content for event in events if isinstance(event, HiddenThought)] == ["Hm."]
    stored = (await first.wait()).message
    assert (stored.reasoning, stored.text) == ("Hm.", "One.")
    await all_events(await house.ask("Go on.", first.session_id, model=None))
    assert [message["content"] for message in server.chats[1]["messages"]] == ["Be kind.", "Count.", "One.", "Go on."]


async def test_stopping_keeps_what_was_said_and_tells_the_server(server: OpenAIServer, house: House) -> None:
    server.answers = [Answer([piece("One"), piece(" two"), "hold"])]
    turn = await house.ask("Count.")
    await until(turn, lambda event: event == Token(" two"))
    await turn.cancel()
    await server.left.wait()
    reply = await turn.wait()
    assert (reply.message.text, reply.finish_reason) == ("One two", "cancelled")
    assert (await all_events(turn))[-1] == Cancelled()
    assert isinstance((await all_events(await house.ask("Again.", turn.session_id)))[-1], Done)


async def test_a_reply_that_is_cut_off_is_kept_and_told(server: OpenAIServer, house: House) -> None:
    server.answers = [Answer([piece("One"), piece(" tw"), "drop"])]
    turn = await house.ask("Count.")
    last = (await all_events(turn))[-1]
    assert isinstance(last, ErrorEvent)
    assert (last.title, last.code) == ("The reply was cut off", "server_error")
    reply = await turn.wait()
    assert (reply.message.text, reply.finish_reason) == ("One tw", "error")
    assert len(server.chats) == 1
    assert isinstance((await all_events(await house.ask("Again.", turn.session_id)))[-1], Done)


async def test_a_server_that_restarts_between_two_questions_is_found_again(
    server: OpenAIServer, house: House, tmp_path: Path
) -> None:
    async with serving() as other:
        await look_at(add(other))
        turn = await house.ask("Hello?")
        assert isinstance((await all_events(turn))[-1], Done)
    gone = (await all_events(await house.ask("Hello?", turn.session_id)))[-1]
    assert isinstance(gone, ErrorEvent)
    assert gone.title == "The server cannot be reached"
    async with other.running():
        assert isinstance((await all_events(await house.ask("Hello?", turn.session_id)))[-1], Done)


async def test_after_a_restart_of_the_program_the_conversation_goes_on(
    server: OpenAIServer, house: House, tmp_path: Path
) -> None:
    turn = await house.ask("Hello?")
    await all_events(turn)
    await house.close()
    again = House(tmp_path)
    try:
        assert isinstance((await all_events(await again.ask("And now?", turn.session_id, model=None)))[-1], Done)
    finally:
        await again.close()
    assert [message["content"] for message in server.chats[1]["messages"]][1:] == ["Hello?", "Hello there.", "And now?"]


async def test_a_long_conversation_is_cut_to_the_servers_window_and_that_is_told(
    server: OpenAIServer, house: House
) -> None:
    server.models = [{"id": "tiny", "max_model_len": 600}]
    turn = await house.ask("Hello?")
    await all_events(turn)
    server.answers = [Answer([piece("word " * 200, finish="stop"), usage(300, 200), DONE]) for _ in range(4)]
    trimmed = []
    for _ in range(4):
        events = await all_events(await house.ask("word " * 60, turn.session_id))
        assert isinstance(events[-1], Done)
        trimmed += [event for event in events if isinstance(event, ContextTrimmed)]
    assert trimmed
    assert trimmed[-1].window == 600
    assert server.chats[-1]["messages"][0]["role"] == "system"
    assert len(server.chats[-1]["messages"]) < 9


async def test_a_server_that_finds_it_too_long_says_so_and_gets_less_the_next_time(
    server: OpenAIServer, house: House
) -> None:
    server.models = [{"id": "tiny", "max_model_len": 1000}]
    server.answers = [say("word " * 100)] * 6 + [refuse(400, {"message": "No", "code": "context_length_exceeded"})]
    turn = await house.ask("Hello?")
    await all_events(turn)
    for _ in range(5):
        await all_events(await house.ask("Hello?", turn.session_id))
    last = (await all_events(await house.ask("Hello?", turn.session_id)))[-1]
    assert isinstance(last, ErrorEvent)
    assert last.code == "context_length_exceeded"
    before = len(server.chats[-1]["messages"])
    await all_events(await house.ask("Hello?", turn.session_id))
    assert len(server.chats[-1]["messages"]) < before


async def test_the_program_looks_at_its_servers_when_it_starts(server: OpenAIServer, tmp_path: Path) -> None:
    server.models = [{"id": "new"}]
    async with Tether(Settings(dist_path=str(tmp_path / "dist"))) as tether:
        seen = asyncio.Event()
        tether.servers.subscribe(seen.set)
        await seen.wait()
        assert [entry.name for entry in tether.catalog.list()] == ["test/new"]


async def test_nobody_is_asked_elsewhere_who_was_not_chosen(server: OpenAIServer, house: House, tmp_path: Path) -> None:
    write_scripted_model(tmp_path / "models", "zebra")
    turn = await house.ask("Hello?", model=None)
    assert turn.reply.model == "zebra"
    assert server.chats == []


async def test_an_unknown_model_of_a_server_stores_nothing(server: OpenAIServer, house: House) -> None:
    session = await house.sessions.create()
    with pytest.raises(ModelError, match="test/tiny"):
        await house.sessions.send(session.id, "Hello?", model="test/other")
    assert await house.sessions.history(session.id) == []
