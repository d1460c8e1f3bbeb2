"""MCP servers over HTTP."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.mcp_servers import McpHouse, mcp_house
from tests.helpers.mcp_web import Reply, WebServer, full_web_server, polite


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[McpHouse]:
    async with mcp_house(tmp_path, restarts=()) as house:
        yield house


async def test_a_server_of_the_sdk_is_used_over_http(house: McpHouse) -> None:
    with full_web_server() as url:
        await house.run(it={"type": "http", "url": url})
        assert (house.state().status, house.state().command_line) == ("ready", url)
        assert (await house.call("it__add", a=2, b=3)).text == "5"
        told: list[tuple[str, float | None]] = []
        await house.tool("it__count").run({"steps": 2}, lambda *each: told.append(each))
        assert told == [("step 1", 0.5), ("step 2", 1.0)]
        waiting = asyncio.Event()
        call = asyncio.create_task(house.tool("it__wait_forever").run({}, lambda *_: waiting.set()))
        await waiting.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert (await house.servers.test("it")).passed
        assert (await house.call("it__add", a=1, b=1)).text == "2"
    answer = await house.call("it__add", a=1, b=1)
    assert answer.is_error
    assert (await house.until(lambda state: state.status == "failed")).problem.startswith("It cannot be reached")


async def test_headers_are_sent_and_neither_shown_nor_logged(house: McpHouse, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    with WebServer(polite) as server:
        await house.run(it={"url": server.url, "headers": {"Authorization": "Bearer s3cret-value"}})
        assert (await house.call("it__echo")).text == "here"
        assert house.state().variables == ("Authorization",)
        assert {seen["authorization"] for seen in server.seen} == {"Bearer s3cret-value"}
        assert {seen["accept-encoding"] for seen in server.seen} == {"identity"}
        await house.servers.close()
    assert "s3cret-value" not in caplog.text + repr(house.servers.servers())


def refuses(status: int) -> Any:
    return lambda body: (status, {"Content-Type": "text/plain"}, b"no")


def compressed(body: dict[str, Any]) -> Reply:
    status, headers, data = polite(body)
    packed = gzip.compress(data)
    return status, {**headers, "Content-Encoding": "gzip", "Content-Length": str(len(packed))}, packed


def elsewhere(body: dict[str, Any]) -> Reply:
    return 307, {"Location": "http://127.0.0.2:9/mcp"}, b""


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (refuses(401), "wants to know who asks (HTTP 401)"),
        (refuses(404), "no MCP server at this address (HTTP 404)"),
        (refuses(500), "refuses with HTTP 500"),
        (compressed, "compresses its answers"),
        (elsewhere, "not followed"),
        (lambda body: (200, {"Content-Type": "text/html"}, b"<html>"), "Unexpected content type"),
        (lambda body: (200, {"Content-Type": "application/json"}, b"{" * 9000), "parse"),
    ],
)
async def test_what_is_no_mcp_server_is_told(house: McpHouse, answer: Any, said: str) -> None:
    with WebServer(answer) as server:
        await house.run(it={"url": server.url})
        assert said in (await house.until(lambda state: state.status == "failed")).problem


async def test_an_answer_that_is_too_large_fails_its_call_alone(house: McpHouse) -> None:
    large = [True]

    def answer(body: dict[str, Any]) -> Reply:
        if body["method"] == "tools/call" and large.pop():
            large.append(False)
            return 200, {"Content-Type": "application/json"}, b" " * (9 << 20)
        large.append(False)
        return polite(body)

    with WebServer(answer) as server:
        await house.run(it={"url": server.url})
        large[:] = [True]
        assert (await house.call("it__echo")).is_error
        assert (await house.call("it__echo")).text == "here"


async def test_a_server_that_is_not_there_is_tried_again(tmp_path: Path) -> None:
    async with mcp_house(tmp_path, restarts=(1.0, 2.0, 4.0)) as house:
        await house.run(it={"url": "http://127.0.0.1:9/mcp"})
        await house.until(lambda state: state.status == "failed")
        assert house.clock.time == 7.0


async def test_a_session_that_the_server_forgot_is_opened_anew(tmp_path: Path) -> None:
    sessions: list[str] = []

    def answer(body: dict[str, Any]) -> Reply:
        if body["method"] == "initialize":
            sessions.append(f"session-{len(sessions)}")
        if body["method"] == "tools/call" and len(sessions) == 1:
            return 404, {"Content-Type": "text/plain"}, b"gone"
        status, headers, data = polite(body)
        more = {"Mcp-Session-Id": sessions[-1]} if sessions else {}
        return status, {**headers, **more}, data

    async with mcp_house(tmp_path) as house:
        with WebServer(answer) as server:
            await house.run(it={"url": server.url})
            assert (await house.call("it__echo")).is_error
            await house.until(lambda state: state.status == "starting")
            await house.until(lambda state: state.status == "ready")
            assert (await house.call("it__echo")).text == "here"
            await house.servers.close()
