"""Readers of a turn that come, go, lag behind and come back: none misses a line, and nobody's turn runs on."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.helpers.api import OpenApi, open_port
from tests.helpers.rooms import open_rooms, until
from tests.helpers.tool_turns import call, says
from tests.helpers.tools import tool_named
from tests.helpers.turn_lines import asking, following, stored, text_of
from tether_desktop.protocol.api.audience import Audience
from tether_desktop.protocol.news import TurnStarted
from tether_desktop.protocol.turn import Turn

WAIT = {"wait": True}


@pytest.fixture
def turns(api: OpenApi) -> asyncio.Queue[Turn]:
    """Every turn that begins."""
    return turns_of(api)


def turns_of(api: OpenApi) -> asyncio.Queue[Turn]:
    begun: asyncio.Queue[Turn] = asyncio.Queue()
    api.rooms.sessions.subscribe(lambda news: begun.put_nowait(news.turn) if isinstance(news, TurnStarted) else None)
    return begun


def grace(api: OpenApi, seconds: float) -> Audience:
    """Let the port wait so long for readers to come back."""
    serving = api.port._serving
    assert serving is not None
    audience: Audience = serving._app.state.audience
    audience.grace_s = seconds
    return audience


async def test_who_comes_back_goes_on_where_the_line_broke(api: OpenApi) -> None:
    api.rooms.add_model("Slow", replies=[{"steps": ["One ", "two ", WAIT]}])
    grace(api, 3600)
    async with asking(api.client, model_name="Slow") as lines:
        session_id, reply_id = (lines.response.headers[f"tether-{name}-id"] for name in ("session", "reply"))
        await lines.until(content="One ")
    async with following(api.client, session_id, after=len(lines.read), reply=reply_id) as again:
        await again.until(content="two ")
        await api.client.post("/generations/abort", json={"session_id": session_id})
        await again.rest()
    async with following(api.client, session_id) as whole:
        assert await whole.rest() == [*lines.read, *again.read]
    assert (await stored(api.client, session_id))[-1]["content"] == "One two "


async def test_what_was_counted_without_status_lines_goes_on_without_them(api: OpenApi) -> None:
    api.rooms.add_model("Reading", prefill=[{"progress": 0.5}], replies=[{"steps": ["One ", "two ", "three."]}])
    quiet = {"stream_options": {"status": False}}
    async with asking(api.client, model_name="Reading", **quiet) as lines:
        session_id = lines.response.headers["tether-session-id"]
        everything = list(await lines.rest())
    for after in range(len(everything) + 2):
        async with following(api.client, session_id, after=after, status=False) as again:
            assert await again.rest() == everything[after:]


async def test_a_later_turn_is_not_taken_for_the_one_that_was_left(api: OpenApi) -> None:
    first = (await api.client.post("/generations", json={"prompt": "One?"})).json()
    session_id = first["session_id"]
    await api.client.post("/generations", json={"prompt": "Two?", "session_id": session_id})
    async with following(api.client, session_id, reply=first["reply_id"]) as lines:
        assert (lines.response.status_code, lines.response.json()["code"]) == (404, "turn_not_found")


async def test_a_conversation_in_which_nothing_was_asked_has_no_turn_to_follow(api: OpenApi) -> None:
    session_id = (await api.client.post("/sessions")).json()["session_id"]
    async with following(api.client, session_id) as lines:
        assert (lines.response.status_code, lines.response.json()["code"]) == (404, "turn_not_found")


async def test_all_who_follow_get_all_lines(api: OpenApi) -> None:
    api.rooms.add_model("Long", replies=[{"steps": [f"{number} " for number in range(300)]}])
    async with asking(api.client, model_name="Long") as lines:
        session_id = lines.response.headers["tether-session-id"]
        async with following(api.client, session_id) as second, following(api.client, session_id) as third:
            everything = await lines.rest()
            assert await second.rest() == await third.rest() == everything
    assert text_of(everything) == "".join(f"{number} " for number in range(300))


async def test_a_reader_that_lags_behind_loses_nothing_and_holds_nobody_up(
    api: OpenApi, turns: asyncio.Queue[Turn]
) -> None:
    # More than all buffers on the way hold: the writer has to wait for this reader.
    text = "x" * 1000
    api.rooms.add_model("Huge", replies=[{"steps": [text] * 6_000}], context_window=100_000)
    address = urlsplit(api.url)
    reader = socket.socket()
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 14)
    await asyncio.to_thread(reader.connect, (address.hostname, address.port))
    session_id = (await api.client.post("/sessions")).json()["session_id"]
    body = f'{{"session_id":"{session_id}","prompt":"Well?","stream":true,"model_name":"Huge","max_tokens":20000}}'
    head = f"POST /generations HTTP/1.0\r\nHost: {address.netloc}\r\nAuthorization: Bearer {api.token}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    with reader:
        reader.sendall((head + body).encode())
        await asyncio.to_thread(reader.recv, 100)
        reply = await (await turns.get()).wait()
        assert len(reply.message.text) == 6_000_000
        received = await asyncio.to_thread(_all_of, reader)
    assert received.count(b'"type":"token"') >= 5_999
    assert b'"type":"done"' in received[-500:]


def _all_of(reader: socket.socket) -> bytes:
    pieces = []
    while piece := reader.recv(1 << 20):
        pieces.append(piece)
    return b"".join(pieces)


STAGES: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "loading": ({"load": [{"progress": 0.5}, WAIT]}, {"type": "status"}, ""),
    "reading": ({"prefill": [{"progress": 0.5}, WAIT]}, {"stage": "reading_prompt"}, ""),
    "thinking": ({"replies": [{"steps": ["<think>", "hm", WAIT]}]}, {"type": "hidden_thought"}, ""),
    "writing": ({"replies": [{"steps": ["One ", "two", WAIT]}]}, {"content": "two"}, "One two"),
    "calling": ({"replies": says(f"I look. {call('endless')}", "Done.")}, {"type": "tool_start"}, "I look. "),
    "asking": ({"replies": says(f"I look. {call('asks')}", "Done.")}, {"type": "tool_approval"}, "I look. "),
}


async def endless() -> str:
    await asyncio.get_running_loop().create_future()
    return "never"


@pytest.fixture
async def with_tools(tmp_path: Path) -> AsyncIterator[OpenApi]:
    """A port whose models can call."""
    tools = [tool_named("endless", endless), tool_named("asks", lambda: "asked", permission="ask")]
    async with open_rooms(tmp_path, tools=tools) as rooms, open_port(rooms) as opened:
        yield opened


@pytest.mark.parametrize("stage", STAGES)
async def test_when_the_only_reader_hangs_up_the_turn_ends_and_keeps_what_was_said(
    with_tools: OpenApi, stage: str
) -> None:
    api = with_tools
    script, reached, said = STAGES[stage]
    api.rooms.add_model("Slow", **script)
    grace(api, 0)
    begun = turns_of(api)
    async with asking(api.client, model_name="Slow", tool_choice="auto", attended=True) as lines:
        await lines.until(**reached)
    reply = await (await begun.get()).wait()
    assert (reply.message.text, reply.finish_reason) == (said, "cancelled")
    assert api.rooms.sessions.turns() == []
    api.rooms.add_model("Sound")
    after = await api.client.post(
        "/generations", json={"session_id": reply.session_id, "prompt": "Go on", "model_name": "Sound"}
    )
    assert after.json()["reply"] == "Hello there."


async def test_hanging_up_on_a_whole_answer_ends_the_turn_too(api: OpenApi, turns: asyncio.Queue[Turn]) -> None:
    api.rooms.add_model("Slow", replies=[{"steps": ["One", WAIT]}])
    grace(api, 0)
    waiting = asyncio.create_task(api.client.post("/generations", json={"prompt": "Well?", "model_name": "Slow"}))
    turn = await turns.get()
    await until(turn, lambda event: event.type == "token")
    waiting.cancel()
    await asyncio.wait([waiting])
    assert (await turn.wait()).finish_reason == "cancelled"


async def test_a_turn_that_is_to_keep_running_does(api: OpenApi, turns: asyncio.Queue[Turn]) -> None:
    audience = grace(api, 0)
    api.rooms.add_model("Slow", replies=[{"steps": ["One", {"delay": 60}, " two."]}])
    async with asking(api.client, model_name="Slow", keep_running=True) as lines:
        await lines.until(type="token")
    assert (await (await turns.get()).wait()).message.text == "One two."
    assert not audience._needed


async def test_a_turn_of_the_window_goes_on_when_a_reader_has_gone(api: OpenApi) -> None:
    grace(api, 0)
    api.rooms.add_model("Slow", replies=[{"steps": ["One", WAIT]}])
    session = await api.rooms.sessions.create()
    turn = await api.rooms.sessions.send(session.id, "Well?", model="Slow")
    async with following(api.client, session.id) as lines:
        await lines.until(type="token")
    async with following(api.client, session.id) as lines:
        await lines.until(type="token")
        assert not turn.ended
        await turn.cancel()
        assert (await lines.rest())[-1] == {"type": "cancelled"}


async def test_one_who_still_reads_keeps_the_turn_alive(api: OpenApi, turns: asyncio.Queue[Turn]) -> None:
    grace(api, 0)
    api.rooms.add_model("Slow", replies=[{"steps": ["One", WAIT]}])
    async with asking(api.client, model_name="Slow") as lines:
        await lines.until(type="token")
        session_id = lines.response.headers["tether-session-id"]
        async with following(api.client, session_id) as second:
            await second.until(type="token")
            await lines.response.aclose()
            async with following(api.client, session_id) as third:
                await third.until(type="token")
            turn = await turns.get()
            assert not turn.ended
    assert (await turn.wait()).finish_reason == "cancelled"
