"""Which tools come along, and when they are offered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tether_desktop.settings import Settings
from tether_desktop.tools.builtin.source import BuiltinTools
from tether_desktop.tools.executor import run_call
from tether_desktop.tools.tool import Tool, ToolOutput, ToolSource

OFFLINE = {"current_time", "convert_time", "calculate", "search_conversations"}
FILES = {"list_files", "read_file", "search_files"}
INTERNET = {"fetch_page", "weather", "weather_forecast"}


def source(**given: Any) -> BuiltinTools:
    settings = Settings(**given)
    return BuiltinTools(lambda: settings, lambda query, limit, *, except_session="": [])


def names(**given: Any) -> set[str]:
    return {tool.declaration.name for tool in source(**given).tools()}


def tool(name: str, **given: Any) -> Tool:
    return next(each for each in source(**given).tools() if each.declaration.name == name)


async def call(name: str, arguments: dict[str, Any], **given: Any) -> ToolOutput:
    return await run_call(
        tool(name, **given), arguments, timeout_s=30, most_characters=20_000, on_progress=lambda *_: None
    )


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, OFFLINE),
        ({"tool_folders": "/somewhere"}, OFFLINE | FILES),
        ({"tool_folders": "  "}, OFFLINE),
        ({"internet_tools": "on"}, OFFLINE | INTERNET),
        ({"web_search": "brave"}, OFFLINE),
        ({"internet_tools": "on", "web_search": "brave"}, OFFLINE | INTERNET | {"web_search"}),
    ],
)
def test_tools_are_offered_as_the_settings_allow(given: dict[str, Any], expected: set[str]) -> None:
    assert names(**given) == expected


def test_changed_settings_hold_at_once() -> None:
    settings = [Settings()]
    tools: ToolSource = BuiltinTools(lambda: settings[-1], lambda query, limit, *, except_session="": [])
    before = len(tools.tools())
    settings.append(Settings(internet_tools="on"))
    assert len(tools.tools()) == before + len(INTERNET)


def test_what_touches_anything_asks_first() -> None:
    every = source(tool_folders="/x", internet_tools="on", web_search="brave").tools()
    unasked = {each.declaration.name for each in every if each.permission == "always"}
    assert unasked == {"current_time", "convert_time", "calculate"}
    assert {each.permission for each in every} == {"always", "ask"}
    assert {each.origin for each in every} == {"Built in"}


def test_declarations_are_small_and_each_parameter_is_described() -> None:
    for each in source(tool_folders="/x", internet_tools="on", web_search="brave").tools():
        schema = each.declaration.parameters
        jsonschema.Draft202012Validator.check_schema(schema)
        assert len(schema["properties"]) <= 3, each.declaration.name
        assert all(parameter["description"] for parameter in schema["properties"].values())
        assert len(each.declaration.description) < 120
        assert each.title


async def test_calls_go_through_the_executor(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("buy bread")
    assert (await call("calculate", {"expression": "6*7"})).text == "6*7 = 42"
    assert "Asia/Tokyo" in (await call("current_time", {"time_zone": "Tokyo"})).text
    assert "No earlier message" in (await call("search_conversations", {"query": "x"})).text
    folders = {"tool_folders": str(tmp_path)}
    assert "note.txt" in (await call("list_files", {}, **folders)).text
    assert "buy bread" in (await call("read_file", {"path": "note.txt"}, **folders)).text
    assert "note.txt:1: buy bread" in (await call("search_files", {"text": "BREAD"}, **folders)).text


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("calculate", {"expression": "1/0"}, "Nothing can be divided by 0."),
        ("current_time", {"time_zone": "Tokio"}, "Did you mean Asia/Tokyo"),
        ("read_file", {"path": "/etc/passwd"}, "is outside the folders"),
        ("fetch_page", {"url": "http://127.0.0.1/"}, "Neither the user nor a search"),
        ("web_search", {"query": "x"}, "Nobody was chosen"),
    ],
)
async def test_a_refusal_is_an_answer(name: str, arguments: dict[str, Any], said: str, tmp_path: Path) -> None:
    given = {"tool_folders": str(tmp_path), "internet_tools": "on", "web_search": "searxng"}
    output = await call(name, arguments, **given)
    assert output.is_error
    assert said in output.text


async def test_closing_twice_is_harmless() -> None:
    tools = source()
    await tools.close()
    await tools.close()
