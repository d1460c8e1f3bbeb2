"""`tether tools` and calls in `tether chat`, in processes of their own."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.mcp_servers import full
from tests.helpers.scripted_models import write_scripted_model
from tests.integration.cli.conftest import Command

SEARCH = '<<function_call>> {"name": "search_conversations", "arguments": {"query": "bread"}}'
ADD = '<<function_call>> {"name": "calculate", "arguments": {"expression": "2 + 3"}}'


def script(command: Command, call: str) -> None:
    """A model that makes one call and then says that it is done."""
    replies: list[Any] = [{"match": ".", "steps": [{"text": call}]}, {"after_tool": True, "steps": ["I am done."]}]
    write_scripted_model(command.dist, replies=replies)


def events(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


def test_the_tools_are_listed(tether: Command) -> None:
    tools = {tool["name"]: tool for tool in tether.json("tools", "list")}
    assert tools["calculate"]["permission"] == "always"
    assert tools["search_conversations"]["permission"] == "ask"
    assert "expression" in tools["calculate"]["parameters"]["properties"]
    assert "calculate" in tether("tools", "list").stdout


def test_a_tool_is_called_by_hand(tether: Command) -> None:
    assert tether.json("tools", "call", "calculate", '{"expression": "6 * 7"}')["result"].endswith("42")
    assert tether("tools", "call", "calculate", "-", stdin='{"expression": "1 + 1"}').stdout.strip().endswith("2")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing"], "no such tool"),
        (["calculate", "[1"], "cannot be read"),
        (["calculate", "[1]"], "no object"),
        (["calculate", "{}"], "expression"),
        (["calculate", '{"expression": "1/0"}'], "divided"),
    ],
)
def test_what_cannot_be_called_is_told(tether: Command, arguments: list[str], said: str) -> None:
    done = tether("tools", "call", *arguments)
    assert done.returncode == 1
    assert done.stdout == ""
    assert said in done.stderr.lower()


def test_a_call_is_part_of_the_events(tether: Command) -> None:
    script(tether, ADD)
    done = tether("chat", "--once", "Add them", "--tools", "auto", "--json")
    kinds = [event["type"] for event in events(done.stdout) if event["type"].startswith("tool")]
    assert kinds == ["tool_start", "tool_end"]
    end = next(event for event in events(done.stdout) if event["type"] == "tool_end")
    assert "5" in end["result"]
    assert not end["is_error"]
    (session,) = tether.json("sessions", "list")
    shown = tether("sessions", "show", session["session_id"]).stdout
    assert "[calculate]" in shown
    assert "I am done." in shown


def test_with_nobody_there_a_call_that_asks_is_refused_unless_it_was_allowed(tether: Command) -> None:
    script(tether, SEARCH)
    done = tether("chat", "--once", "Look", "--tools", "auto", "--json")
    (end,) = [event for event in events(done.stdout) if event["type"] == "tool_end"]
    assert end["is_error"]
    assert "nobody is there" in end["result"]
    done = tether("chat", "--once", "Look", "--tools", "auto", "--allow", "search_conversations", "--json")
    (end,) = [event for event in events(done.stdout) if event["type"] == "tool_end"]
    assert not end["is_error"]


def test_a_tool_that_is_not_there_cannot_be_demanded(tether: Command) -> None:
    script(tether, ADD)
    done = tether("chat", "--once", "Look", "--tools", "calendar")
    assert done.returncode == 1
    assert "calendar" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="needs a terminal of POSIX")
@pytest.mark.parametrize(("answer", "refused"), [("o", False), ("d", True), ("maybe\nn", True)])
def test_in_a_terminal_the_person_is_asked(tether: Command, answer: str, refused: bool) -> None:
    script(tether, SEARCH)
    try:
        here, there = os.openpty()
    except OSError as error:
        pytest.skip(f"there are no terminals here: {error}")
    process = tether.start("chat", "--once", "Look", "--tools", "auto", stdin=there)
    os.close(there)
    os.write(here, f"{answer}\n".encode())
    out, err = process.communicate(timeout=60)
    os.close(here)
    assert process.returncode == 0, err
    assert "wants to run with" in err
    assert '"query": "bread"' in err
    assert ("did not allow" in err) is refused
    assert "I am done." in out


OWN_FILE = """
from tether_desktop.tools.declaration import tool

@tool(title="Greeting")
def greet(name: str) -> str:
    \'\'\'Greet somebody.

    Args:
        name: whom.
    \'\'\'
    return f"Hello, {name}."
"""


def write_sources(command: Command) -> None:
    """An own file and an MCP server, which nobody has allowed."""
    (command.data / "tools").mkdir(parents=True)
    (command.data / "tools" / "greeting.py").write_text(OWN_FILE, "utf-8")
    (command.data / "mcp.json").write_text(json.dumps({"mcpServers": {"full": full()}}), "utf-8")


def test_own_files_and_servers_run_once_they_are_allowed(tether: Command) -> None:
    write_sources(tether)
    before = tether.json("tools", "sources")
    assert [source["status"] for source in before["files"] + before["servers"]] == ["needs_approval"] * 2
    assert tether("tools", "allow", "greeting.py", stdin="n\n").returncode == 1
    allowed = tether("tools", "allow", "greeting.py", stdin="y\n")
    assert allowed.returncode == 0, allowed.stderr
    assert "SHA-256" in allowed.stderr
    assert tether("tools", "call", "greet", '{"name": "Ada"}').stdout == "Hello, Ada.\n"
    assert "mcp_server_full" in tether("tools", "allow", "full", "--yes").stderr
    assert {"greeting.py", "MCP server full"} <= {tool["origin"] for tool in tether.json("tools", "list")}
    for name in ("full", "greeting.py"):
        assert tether("tools", "forbid", name).returncode == 0
    assert {tool["origin"] for tool in tether.json("tools", "list")} == {"Built in"}


def test_a_source_that_is_not_there_is_told(tether: Command) -> None:
    assert "no such source" in tether("tools", "allow", "nothing").stderr


def test_a_schema_that_cannot_be_read_or_held_is_told(tether: Command, tmp_path: Path) -> None:
    script(tether, ADD)
    schema = tmp_path / "schema.json"
    assert "cannot be read" in tether("chat", "--once", "Go", "--schema", str(schema)).stderr
    schema.write_text("{", "utf-8")
    assert "no JSON" in tether("chat", "--once", "Go", "--schema", str(schema)).stderr
    schema.write_text('{"type": "object"}', "utf-8")
    refused = tether("chat", "--once", "Go", "--schema", str(schema))
    assert refused.returncode == 1
    assert refused.stdout == ""
    assert "cannot hold a reply to a JSON schema" in refused.stderr
