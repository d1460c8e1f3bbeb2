"""The file of MCP servers, changed while the program runs; and the program's end."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from tests.helpers.mcp_servers import McpHouse, mcp_house, raw
from tests.helpers.processes import running, said
from tether_desktop.errors import SettingsError

ROOT = Path(__file__).parents[3]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[McpHouse]:
    async with mcp_house(tmp_path) as house:
        yield house


async def test_a_damaged_file_is_told_and_the_servers_go_on(house: McpHouse) -> None:
    await house.run(it=raw("plain"))
    house.config.write_text("{ nonsense", encoding="utf-8")
    await house.servers.refresh()
    assert house.servers.problem is not None
    assert "line 1, column 3" in house.servers.problem.message
    assert (await house.call("it__echo", text="still")).text == "still"
    with pytest.raises(SettingsError, match="damaged"):
        await house.servers.add("other", raw("plain"))
    assert house.config.read_text(encoding="utf-8") == "{ nonsense"
    house.write(it=raw("plain"))
    await house.servers.refresh()
    assert house.servers.problem is None


async def test_servers_that_did_not_change_are_left_running(house: McpHouse) -> None:
    await house.run(it=raw("plain"))
    starts: list[str] = []
    house.servers.on_change.append(lambda: starts.append(house.state().status))
    await house.servers.add("other", raw("plain", timeout=7))
    assert [state.status for state in house.servers.servers()] == ["ready", "needs_approval"]
    await house.servers.allow("other")
    await house.servers.settled()
    assert house.tool("other__echo").timeout_s == 7.0
    assert set(starts) == {"ready"}
    house.servers.on_change.clear()
    await house.servers.remove("it")
    assert [state.name for state in house.servers.servers()] == ["other"]


async def test_a_removed_server_is_asked_about_anew(house: McpHouse) -> None:
    await house.run(it=raw("plain"))
    await house.servers.remove("it")
    await house.servers.add("it", raw("plain"))
    assert house.state().status == "needs_approval"


async def test_a_switched_off_server_stays_allowed(house: McpHouse) -> None:
    await house.run(it=raw("plain"))
    await house.servers.set_enabled("it", False)
    assert (house.state().status, house.servers.tools()) == ("off", [])
    await house.servers.set_enabled("it", True)
    await house.until(lambda state: state.status == "ready")


async def test_an_entry_that_cannot_be_used_is_listed_with_its_reason(house: McpHouse) -> None:
    await house.run(it={"url": "http://example.org"}, other=raw("plain"))
    assert (house.state().status, house.state("other").status) == ("failed", "ready")
    assert "not encrypted" in house.state().problem
    with pytest.raises(SettingsError, match="not encrypted"):
        await house.servers.allow("it")
    with pytest.raises(SettingsError, match="not encrypted"):
        await house.servers.test("it")


async def test_what_is_not_there_is_told(house: McpHouse) -> None:
    await house.run()
    for asked in (
        house.servers.allow,
        house.servers.restart,
        house.servers.test,
        house.servers.log,
        house.servers.remove,
    ):
        with pytest.raises(SettingsError, match="No MCP server is called 'nobody'"):
            await asked("nobody")


async def test_closing_while_a_server_starts_leaves_nothing(house: McpHouse, tmp_path: Path) -> None:
    house.write(it=raw("silent"))
    await house.servers.start()
    await house.servers.allow("it")
    before = psutil.Process().children(recursive=True)
    while not before:
        await asyncio.sleep(0)
        before = psutil.Process().children(recursive=True)
    await house.servers.close()
    await house.servers.close()
    assert not [
        each for each in psutil.Process().children(recursive=True) if "mcp_server_raw.py" in " ".join(each.cmdline())
    ]


PROGRAM = """
import asyncio, sys
from pathlib import Path
from tests.helpers.mcp_servers import McpHouse, raw

async def main():
    house = McpHouse(Path(sys.argv[1]))
    await house.run(it=raw("tells-pid", Path(sys.argv[1]) / "pid"))
    print(house.state().status, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


def test_a_server_ends_when_the_program_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    with running(PROGRAM, str(tmp_path)) as program:
        assert said(program) == "ready"
        server = psutil.Process(int((tmp_path / "pid").read_text(encoding="utf-8")))
        program.kill()
    psutil.wait_procs([server], 20)
    assert not server.is_running() or server.status() == psutil.STATUS_ZOMBIE


def test_nobody_waits_for_the_sdk_who_has_no_servers() -> None:
    code = "import sys, tether_desktop.tools.mcp.servers; sys.exit('mcp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
