"""MCP servers of other makes, where they are installed: the reference servers for Node and the one for time zones."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.mcp_servers import McpHouse, mcp_house

NODE_PACKAGES = os.environ.get("TETHER_MCP_NODE_PACKAGES", "")
"""A folder into which npm has installed @modelcontextprotocol/server-everything and server-filesystem."""

TIME_PYTHON = os.environ.get("TETHER_MCP_TIME_PYTHON", "")
"""An interpreter that has mcp-server-time."""

needs_node = pytest.mark.skipif(
    not NODE_PACKAGES or shutil.which("node") is None, reason="TETHER_MCP_NODE_PACKAGES names no folder of npm's"
)
needs_time = pytest.mark.skipif(
    not TIME_PYTHON, reason="TETHER_MCP_TIME_PYTHON names no interpreter with mcp-server-time"
)


def node(package: str, *arguments: str) -> dict[str, Any]:
    program = Path(NODE_PACKAGES, "node_modules", "@modelcontextprotocol", package, "dist", "index.js")
    return {"command": "node", "args": [str(program), *arguments]}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[McpHouse]:
    async with mcp_house(tmp_path, end=2.0) as house:
        yield house


@needs_node
async def test_everything(house: McpHouse) -> None:
    await house.run(everything=node("server-everything"))
    state = house.state("everything")
    assert state.status == "ready"
    assert len(state.tools) >= 10
    assert (await house.call("everything__echo", message="hi")).text == "Echo: hi"
    assert "5" in (await house.call("everything__get-sum", a=2, b=3)).text
    assert "image/png" in (await house.call("everything__get-tiny-image")).text
    assert '"temperature"' in (await house.call("everything__get-structured-content", location="Chicago")).text
    resource = next(each for each in state.resources if not each.is_template)
    assert (await house.call("everything__read_resource", uri=resource.uri)).text
    assert await house.servers.get_prompt("everything", "simple-prompt", {})
    assert "Oslo" in await house.servers.get_prompt("everything", "args-prompt", {"city": "Oslo"})
    report = await house.servers.test("everything")
    assert report.passed, report.text


@needs_node
async def test_everything_tells_progress_and_stops_when_cancelled(house: McpHouse) -> None:
    await house.run(everything=node("server-everything"))
    tool = house.tool("everything__trigger-long-running-operation")
    told: list[float | None] = []
    await tool.run({"duration": 0.4, "steps": 4}, lambda _, fraction: told.append(fraction))
    assert told == [0.25, 0.5, 0.75, 1.0]
    started = asyncio.Event()
    call = asyncio.create_task(tool.run({"duration": 600, "steps": 6000}, lambda *_: started.set()))
    await started.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert (await house.call("everything__echo", message="still")).text == "Echo: still"


@needs_node
async def test_filesystem(house: McpHouse, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "a.txt").write_text("hello", encoding="utf-8")
    await house.run(files=node("server-filesystem", str(folder)))
    assert house.state("files").status == "ready"
    assert (await house.call("files__read_text_file", path=str(folder / "a.txt"))).text == "hello"
    assert (await house.call("files__list_directory", path=str(folder))).text == "[FILE] a.txt"
    assert not (await house.call("files__write_file", path=str(folder / "b.txt"), content="new")).is_error
    assert (folder / "b.txt").read_text(encoding="utf-8") == "new"
    refused = await house.call("files__read_text_file", path=str(tmp_path / "mcp.json"))
    assert (refused.is_error, "Access denied" in refused.text) == (True, True)


@needs_time
async def test_time(house: McpHouse) -> None:
    await house.run(time={"command": TIME_PYTHON, "args": ["-m", "mcp_server_time", "--local-timezone", "Etc/UTC"]})
    assert house.state("time").status == "ready"
    assert "Asia/Tokyo" in (await house.call("time__get_current_time", timezone="Asia/Tokyo")).text
    noon = {"source_timezone": "Asia/Tokyo", "time": "12:00", "target_timezone": "Etc/UTC"}
    assert "03:00" in (await house.call("time__convert_time", **noon)).text
    assert (await house.call("time__get_current_time", timezone="No/Where")).is_error
    assert (await house.servers.test("time")).passed
