"""The port itself: opened, found, taken by others, and closed whatever its clients do."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.helpers.api import OpenApi, connection, core_of_rooms, http_client, open_port, read_answer
from tests.helpers.processes import running, said
from tests.helpers.rooms import Rooms, open_rooms
from tests.helpers.scripted_models import write_scripted_model
from tether_desktop import paths
from tether_desktop.app import Tether
from tether_desktop.errors import PortError
from tether_desktop.protocol.api.gates.bounds import Bounds
from tether_desktop.protocol.api.port.local_port import LocalPort
from tether_desktop.protocol.api.port.open_port import find_open_port
from tether_desktop.settings import Settings

AT_ONCE = Bounds(grace_seconds=0.05, farewell_seconds=0.2)
ENDLESS = {"steps": ["Once ", {"wait": True}]}
LISTEN = """
import socket
with socket.create_server(("127.0.0.1", 0)) as server:
    print(server.getsockname()[1], flush=True)
    input()
"""


async def test_an_open_port_is_told_of_and_found_until_it_is_closed(rooms: Rooms) -> None:
    port = LocalPort(core_of_rooms(rooms))
    told: list[str | None] = []
    port.on_change.append(lambda: told.append(port.url))
    url = await port.open(port=0)
    found = await asyncio.to_thread(find_open_port)
    assert found is not None
    assert found.url == url == port.url
    assert port.tokens.own() not in paths.open_port_path().read_text()
    await port.close()
    await port.close()
    assert told == [url, None]
    assert await asyncio.to_thread(find_open_port) is None
    async with http_client(url, {}) as client:
        with pytest.raises(httpx2.ConnectError):
            await client.get("/healthz")


async def test_a_port_can_be_opened_again_after_it_was_closed(rooms: Rooms) -> None:
    port = LocalPort(core_of_rooms(rooms))
    first = await port.open(port=0)
    await port.close()
    number = int(first.rpartition(":")[2])
    assert await port.open(port=number) == first
    async with http_client(first, {}) as client:
        assert (await client.get("/healthz")).status_code == 200
    await port.close()


async def test_an_open_port_is_not_opened_twice(api: OpenApi) -> None:
    opening = [api.port.open(port=0) for _ in range(2)]
    results = await asyncio.gather(*opening, return_exceptions=True)
    assert all(isinstance(result, PortError) and api.url in result.message for result in results)
    assert (await api.client.get("/healthz")).status_code == 200


async def test_a_port_that_another_program_has_is_told_and_another_offered(rooms: Rooms) -> None:
    with running(LISTEN) as other:
        taken = int(said(other))
        port = LocalPort(core_of_rooms(rooms, port=taken))
        with pytest.raises(PortError, match=f"process {other.pid}") as refused:
            await port.open()
        assert port.url is None
        assert not paths.open_port_path().exists()
        url = await port.open(port=refused.value.free_port)
    assert url.endswith(f":{refused.value.free_port}")
    await port.close()


async def test_other_computers_are_let_near_only_where_that_is_set(rooms: Rooms) -> None:
    everywhere = "0.0.0.0"  # noqa: S104
    port = LocalPort(core_of_rooms(rooms))
    with pytest.raises(PortError, match="access from the network is off"):
        await port.open(everywhere, 0)
    assert port.url is None
    port = LocalPort(core_of_rooms(rooms, lan_access="on"))
    url = await port.open(everywhere, 0)
    assert url.startswith("http://127.0.0.1:")
    async with http_client(url, {}) as client:
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/sessions")).status_code == 401
    await port.close()


async def test_names_for_other_computers_addresses_are_looked_up_before_they_are_allowed(
    rooms: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.7", 0))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_a, **_k: found)
    with pytest.raises(PortError, match="access from the network is off"):
        await LocalPort(core_of_rooms(rooms)).open("localhost", 0)


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
async def test_the_newer_kind_of_address_is_served_too(rooms: Rooms) -> None:
    port = LocalPort(core_of_rooms(rooms))
    url = await port.open("::1", 0)
    assert url.startswith("http://[::1]:")
    async with http_client(url, {"Authorization": f"Bearer {port.tokens.own()}"}) as client:
        assert (await client.get("/v1/models")).status_code == 200
    assert await asyncio.to_thread(find_open_port) is not None
    await port.close()


async def test_a_fault_of_ours_is_told_without_details(
    api: OpenApi, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_arguments: object, **_named: object) -> None:
        raise RuntimeError("a detail of the database")

    monkeypatch.setattr(api.rooms.store, "list_sessions", fail)
    with caplog.at_level(logging.ERROR):
        refused = await api.client.get("/sessions")
    assert refused.status_code == 500
    assert refused.json()["code"] == "internal_error"
    assert "detail" not in refused.json()["message"]
    assert "a detail of the database" in caplog.text
    assert (await api.client.get("/healthz")).status_code == 200


async def first_words(lines: Any) -> None:
    """Read a stream until the model has said something."""
    async for line in lines:
        if "Once" in line:
            return


async def test_who_reads_lines_when_the_port_is_closed_is_told_and_the_turn_goes_on(tmp_path: Path) -> None:
    async with open_rooms(tmp_path, replies=[ENDLESS]) as rooms, open_port(rooms, bounds=AT_ONCE) as api:
        session = await rooms.sessions.create()
        turn = await rooms.sessions.send(session.id, "Tell me a story.")
        async with api.client.stream("GET", f"/sessions/{session.id}/events") as reply:
            lines = reply.aiter_lines()
            await first_words(lines)
            await api.port.close()
            last = [line async for line in lines][-1]
        assert json.loads(last)["code"] == "port_closed"
        assert rooms.sessions.running(session.id) is turn


async def test_who_reads_events_when_the_port_is_closed_is_told(tmp_path: Path) -> None:
    async with open_rooms(tmp_path, replies=[ENDLESS]) as rooms, open_port(rooms, bounds=AT_ONCE) as api:
        body = {"model": "Scripted", "stream": True, "messages": [{"role": "user", "content": "Tell me a story."}]}
        async with api.client.stream("POST", "/v1/chat/completions", json=body) as reply:
            lines = reply.aiter_lines()
            await first_words(lines)
            await api.port.close()
            rest = [line async for line in lines if line]
        assert json.loads(rest[-1].removeprefix("data: "))["error"]["code"] == "port_closed"


async def test_readers_that_read_nothing_do_not_keep_the_port_open(tmp_path: Path) -> None:
    long = {"steps": ["word " * 200_000] * 10 + [{"wait": True}]}
    async with open_rooms(tmp_path, replies=[long]) as rooms, open_port(rooms, bounds=AT_ONCE) as api:
        turn = await rooms.sessions.send((await rooms.sessions.create()).id, "Tell me a long story.")
        async with connection(api.url) as (reader, writer):
            reader._transport.pause_reading()  # type: ignore[attr-defined]
            host = api.url.removeprefix("http://")
            line = f"GET /sessions/{turn.session_id}/events HTTP/1.1\r\nHost: {host}\r\n"
            writer.write(f"{line}Authorization: Bearer {api.token}\r\n\r\n".encode())
            async for _ in _first(turn.events(), 10):
                pass
            await asyncio.wait_for(api.port.close(), 30)
        assert api.port.url is None
        assert rooms.sessions.running(turn.session_id) is turn


async def _first(events: Any, count: int) -> Any:
    async for event in events:
        if event.type == "token":
            count -= 1
            yield event
        if not count:
            return


async def test_who_is_still_sending_when_the_port_is_closed_is_told(rooms: Rooms) -> None:
    async with open_port(rooms, bounds=AT_ONCE) as api, connection(api.url) as (reader, writer):
        host = api.url.removeprefix("http://")
        lines = ("POST /generations HTTP/1.1", f"Host: {host}", f"Authorization: Bearer {api.token}")
        rest = ("Content-Type: application/json", "Content-Length: 100", "Expect: 100-continue", "", "{")
        writer.write("\r\n".join((*lines, *rest)).encode())
        assert b"100 Continue" in await reader.readuntil(b"\r\n\r\n")
        closing = asyncio.create_task(api.port.close())
        answer = await read_answer(reader)
        assert (answer.status, json.loads(answer.text)["code"]) == (503, "port_closed")
        await closing


async def test_requests_in_flight_are_answered_before_the_port_closes(tmp_path: Path) -> None:
    async with open_rooms(tmp_path, replies=[ENDLESS]) as rooms, open_port(rooms) as api:
        session = await rooms.sessions.create()
        turn = await rooms.sessions.send(session.id, "Tell me a story.")
        async with api.client.stream("GET", f"/sessions/{session.id}/events") as reply:
            lines = reply.aiter_lines()
            await first_words(lines)
            closing = asyncio.create_task(api.port.close())
            await asyncio.sleep(0)
            await turn.cancel()
            last = [line async for line in lines][-1]
            await closing
        assert json.loads(last)["type"] == "cancelled"


async def test_the_program_closes_its_port_first_and_tells_readers_how_it_ended(tmp_path: Path) -> None:
    write_scripted_model(tmp_path / "dist", replies=[ENDLESS])
    tether = Tether(Settings(dist_path=str(tmp_path / "dist"), port=0))
    await tether.start()
    url = await tether.port.open()
    session = await tether.sessions.create()
    await tether.sessions.send(session.id, "Tell me a story.")
    headers = {"Authorization": f"Bearer {tether.port.tokens.own()}"}
    events = f"/sessions/{session.id}/events"
    async with http_client(url, headers) as client, client.stream("GET", events) as reply:
        lines = reply.aiter_lines()
        await first_words(lines)
        closing = asyncio.create_task(tether.close())
        last = [line async for line in lines][-1]
        await closing
    assert json.loads(last)["type"] == "cancelled"
    assert not paths.open_port_path().exists()
    async with Tether(Settings(dist_path=str(tmp_path / "dist"))) as again:
        history = await again.sessions.history(session.id)
    assert [record.finish_reason for record in history] == [None, "cancelled"]
    assert history[1].message.text.strip() == "Once"


def test_who_opens_no_port_pays_nothing_for_it() -> None:
    code = (
        "import sys, tether_desktop.app;"
        "wanted = {'fastapi', 'starlette', 'uvicorn', 'httptools', 'prometheus_client'};"
        "print(sorted(wanted & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
