"""MCP servers as real processes: what they bring, what they may see, and how they end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from tests.helpers.mcp_servers import McpHouse, full, mcp_house, raw
from tether_desktop.errors import McpServerError, SettingsError


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[McpHouse]:
    async with mcp_house(tmp_path) as house:
        yield house


async def test_a_server_brings_its_tools_resources_and_prompts(house: McpHouse) -> None:
    await house.run(it=full())
    state = house.state()
    assert (state.status, state.version, state.instructions) == (
        "ready",
        "full 1.2, protocol 2026-07-28",
        "Use it gently.",
    )
    tool = house.tool("it__add")
    assert (tool.title, tool.origin, tool.permission, tool.timeout_s) == ("Add", "MCP server it", "ask", None)
    assert tool.declaration.description == "Add two numbers."
    assert set(tool.declaration.parameters["properties"]) == {"a", "b"}
    assert (await house.call("it__add", a=2, b=3)).text == "5"
    assert (await house.call("it__picture")).text == "(image/png, 12 kB: not shown)"
    assert await house.call("it__fail") == await house.call("it__fail")
    assert (await house.call("it__fail")).is_error
    assert (await house.call("it__read_resource", uri="note://today")).text == "nothing"
    assert (await house.call("it__read_resource", uri="note://monday/plan")).text == "monday: rest"
    assert (await house.call("it__read_resource", uri="note://nowhere/at/all")).is_error
    assert "note://today" in house.tool("it__read_resource").declaration.description
    (prompt,) = house.servers.prompts("it")
    assert (prompt.title, [(each.name, each.required) for each in prompt.arguments]) == ("Greeting", [("name", True)])
    assert await house.servers.get_prompt("it", "greet", {"name": "Ada"}) == "Greet Ada warmly."
    with pytest.raises(McpServerError):
        await house.servers.get_prompt("it", "nothing", {})


async def test_progress_is_told_and_a_cancelled_call_is_cancelled_there(house: McpHouse) -> None:
    await house.run(it=full())
    told: list[tuple[str, float | None]] = []
    counted = await house.tool("it__count").run({"steps": 4}, lambda *each: told.append(each))
    assert counted.text == "counted to 4"
    assert told == [("step 1", 0.25), ("step 2", 0.5), ("step 3", 0.75), ("step 4", 1.0)]
    waiting = asyncio.Event()
    call = asyncio.create_task(house.tool("it__wait_forever").run({}, lambda *_: waiting.set()))
    await waiting.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert (await house.call("it__add", a=1, b=1)).text == "2"
    await house.until_logged("the wait was cancelled")


async def test_several_calls_run_at_once(house: McpHouse) -> None:
    await house.run(it=full())
    waiting = asyncio.Event()
    slow = asyncio.create_task(house.tool("it__wait_forever").run({}, lambda *_: waiting.set()))
    await waiting.wait()
    sums = await asyncio.gather(*(house.call("it__add", a=number, b=1) for number in range(20)))
    assert [answer.text for answer in sums] == [str(number + 1) for number in range(20)]
    assert not slow.done()
    await house.servers.close()
    assert (await slow).is_error


async def test_a_tool_that_a_newer_server_brings_while_it_runs_is_withheld(house: McpHouse) -> None:
    await house.run(it=full())
    while house.state().status != "changed":
        # The subscription to its news may begin after the first call.
        assert (await house.call("it__grow")).text == "grown"
    assert [tool.name for tool in house.state().tools if tool.change] == ["shrink"]
    assert (await house.call("it__add", a=1, b=1)).text == "2"
    await house.servers.accept_changes("it", house.state())
    assert (await house.call("it__shrink")).text == "shrunk"


async def test_nothing_starts_before_it_was_allowed_and_a_change_asks_again(house: McpHouse, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    house.write(it=raw("stubborn", mark, env={"API_KEY": "s3cret-value"}))
    await house.servers.start()
    await house.servers.settled()
    state = house.state()
    assert (state.status, state.variables) == ("needs_approval", ("API_KEY",))
    assert state.command_line.endswith(f"stubborn {mark}")
    assert "s3cret-value" not in repr(state)
    assert house.servers.tools() == []
    with pytest.raises(SettingsError, match="Nobody has allowed"):
        await house.servers.test("it")
    assert not mark.exists()
    for entry in (
        raw("plain", env={"API_KEY": "s3cret-value"}),
        raw("plain", env={"API_KEY": "another"}),
        raw("plain", env={"API_KEY": "another"}, cwd=str(tmp_path)),
    ):
        house.write(it=entry)
        await house.servers.refresh()
        shown = house.state()
        assert shown.status == "needs_approval"
        await house.servers.allow("it", shown)
        await house.until(lambda state: state.status == "ready")
    with pytest.raises(SettingsError, match="no longer what was shown"):
        await house.servers.allow("it", state)


async def test_what_was_allowed_stays_allowed_for_the_next_start(house: McpHouse) -> None:
    await house.run(it=raw("plain"))
    await house.servers.close()
    assert house.state().status == "stopped"
    house.servers = house.make()
    await house.servers.start()
    await house.servers.settled()
    assert (house.state().status, (await house.call("it__echo", text="again")).text) == ("ready", "again")


async def test_a_server_sees_no_secret_of_ours(house: McpHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TETHER_KEY_WORK", "sk-1")
    monkeypatch.setenv("GITHUB_TOKEN", "ghp-1")
    await house.run(it=raw("environment", env={"API_KEY": "its-own"}))
    seen = json.loads((await house.call("it__echo", text="")).text)
    assert seen["API_KEY"] == "its-own"
    assert {"PATH", "HOME"} <= set(seen) or "USERPROFILE" in seen
    assert not {"TETHER_KEY_WORK", "GITHUB_TOKEN", "TETHER_DATA_DIR", "PYTHONPATH"} & set(seen)


async def test_a_server_that_dies_is_an_answer_and_is_started_again(house: McpHouse) -> None:
    await house.run(it=raw("dies"))
    answer = await house.call("it__echo", text="go")
    assert answer.is_error
    assert "The MCP server it gave no answer." in answer.text
    starting = await house.until(lambda state: state.status == "starting" and bool(state.problem))
    assert starting.problem == "It ended with exit code 3. It is started again in 1 s."
    await house.until(lambda state: state.status == "ready")
    assert "the disk is on fire" in await house.servers.log("it")


async def test_a_server_that_ran_for_long_is_started_again_as_if_for_the_first_time(house: McpHouse) -> None:
    await house.run(it=raw("dies"))
    for _ in range(4):
        house.clock.time += house.timing.steady
        await house.call("it__echo", text="go")
        starting = await house.until(lambda state: state.status == "starting" and bool(state.problem))
        assert starting.problem.endswith("It is started again in 1 s.")
        await house.until(lambda state: state.status == "ready")


async def test_a_server_that_dies_again_and_again_is_given_up(house: McpHouse) -> None:
    await house.run(it=raw("dies"))
    for _ in range(3):
        assert (await house.until(lambda state: state.status in {"ready", "failed"})).status == "ready"
        await house.call("it__echo", text="go")
        await house.until(lambda state: state.status != "ready")
    assert (await house.until(lambda state: state.status == "failed")).problem == "It ended with exit code 3."
    assert house.servers.tools() == []


async def test_a_server_that_cannot_start_is_given_up_and_its_secrets_stay_out_of_the_log(house: McpHouse) -> None:
    await house.run(it=raw("fails-to-start", env={"API_KEY": "s3cret-value"}))
    failed = await house.until(lambda state: state.status == "failed")
    assert failed.problem == "It ended with exit code 4."
    assert house.clock.time == 3.0
    log = await house.servers.log("it")
    assert "the key was •••" in log
    assert "s3cret-value" not in log
    await house.servers.restart("it")
    assert (await house.until(lambda state: state.status == "failed")).hint == "Its log may say why."


async def test_a_program_that_is_not_there_is_told_at_once(house: McpHouse) -> None:
    await house.run(it={"command": "uvx-of-nobody"}, other={"command": "npx", "env": {"PATH": "/nowhere"}})
    state = await house.until(lambda state: state.status == "failed")
    assert state.problem == "It cannot be started: there is no program uvx-of-nobody."
    other = await house.until(lambda state: state.status == "failed", "other")
    assert other.hint == "Install Node.js, which it is started with."
    assert house.clock.time == 0.0


async def test_a_server_that_ends_when_asked_in_the_newest_way_is_asked_in_the_older_one(house: McpHouse) -> None:
    await house.run(it=raw("old"))
    await house.until(lambda state: state.status == "ready")
    assert (await house.call("it__echo", text="hi")).text == "hi"
    assert (await house.servers.test("it")).passed


async def test_a_server_may_take_its_time_to_start(house: McpHouse, tmp_path: Path) -> None:
    mark = tmp_path / "now"
    house.write(it=raw("slow", mark))
    await house.servers.start()
    await house.servers.allow("it")
    assert (house.state().status, house.servers.tools()) == ("starting", [])
    mark.touch()
    await house.until(lambda state: state.status == "ready")


async def test_a_server_that_never_answers_is_given_up_in_time(tmp_path: Path) -> None:
    async with mcp_house(tmp_path, start=0.3, restarts=()) as house:
        await house.run(it=raw("silent"))
        state = await house.until(lambda state: state.status == "failed")
        assert "did not say what it can do within 0 seconds" in state.problem


async def test_a_server_of_another_protocol_version_is_told(house: McpHouse) -> None:
    await house.run(it=raw("wrong-version"))
    state = await house.until(lambda state: state.status == "failed")
    assert state.problem == "It speaks no version of the protocol that Tether knows."


async def test_a_late_answer_to_a_cancelled_call_is_dropped(house: McpHouse) -> None:
    await house.run(it=raw("ignores-cancel"))
    asked = asyncio.Event()
    call = asyncio.create_task(house.tool("it__echo").run({"text": "x"}, lambda *_: asked.set()))
    await asked.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await house.until_logged("heard notifications/cancelled")
    assert house.state().status == "ready"


@pytest.mark.parametrize("ends", ["close", "remove", "off"])
async def test_ending_a_server_ends_everything_it_started(house: McpHouse, tmp_path: Path, ends: str) -> None:
    mark = tmp_path / "pids"
    await house.run(it=raw("stubborn", mark))
    processes = [psutil.Process(int(pid)) for pid in mark.read_text(encoding="utf-8").split()]
    assert all(process.is_running() for process in processes)
    if ends == "close":
        await house.servers.close()
    elif ends == "remove":
        await house.servers.remove("it")
        assert house.servers.servers() == ()
    else:
        await house.servers.set_enabled("it", False)
        assert house.state().status == "off"
    await asyncio.to_thread(psutil.wait_procs, processes, 10)
    assert not any(process.is_running() and process.status() != "zombie" for process in processes)


async def test_changed_and_new_tools_are_withheld_until_they_are_accepted(house: McpHouse, tmp_path: Path) -> None:
    await house.run(it=raw("changing", tmp_path / "changed"))
    before = house.tool("it__echo")
    assert (await house.call("it__echo", text="")).text == "changed"
    changed = await house.until(lambda state: state.status == "changed")
    assert [(tool.name, tool.change) for tool in changed.tools] == [("echo", "changed"), ("new", "new")]
    assert [tool.declaration.name for tool in house.servers.tools()] == ["it__read_resource"]
    withheld = await before.run({"text": "x"}, lambda *_: None)
    assert withheld.is_error
    assert "has changed this tool" in withheld.text
    await house.servers.accept_changes("it", changed)
    assert house.state().status == "ready"
    assert {"it__echo", "it__new"} <= {tool.declaration.name for tool in house.servers.tools()}
    still_old = await before.run({"text": "x"}, lambda *_: None)
    assert still_old.is_error


async def test_a_change_between_two_starts_is_noticed(house: McpHouse, tmp_path: Path) -> None:
    mark = tmp_path / "changed"
    await house.run(it=raw("changes", mark))
    assert house.state().status == "ready"
    mark.touch()
    await house.servers.restart("it")
    await house.until(lambda state: state.status == "changed")
    assert {tool.declaration.name for tool in house.servers.tools()} == {"it__read_resource"}


async def test_what_a_server_asks_of_us_is_refused(house: McpHouse) -> None:
    await house.run(it=raw("asks"))
    answers = json.loads((await house.call("it__echo", text="")).text)
    assert answers == ["Elicitation not supported", "Sampling not supported", "List roots not supported"]


async def test_trying_a_server_reports_each_step(house: McpHouse) -> None:
    await house.run(it=raw("plain", disabled=True), broken=raw("fails-to-start"))
    await house.servers.allow("it")
    report = await house.servers.test("it")
    assert report.passed
    assert [line.split(" in ")[0] for line in report.text.splitlines()] == [
        "Started",
        "Listed 1 tool, 1 resource, 1 prompt",
        "Answered a ping",
        "Stopped",
        "It is raw 1, protocol 2025-11-25.",
    ]
    assert house.state().status == "off"
    broken = await house.servers.test("broken")
    assert not broken.passed
    assert "It ended with exit code 4." in broken.text
    assert "It printed last: no such file" in broken.text
