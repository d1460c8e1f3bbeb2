"""All tools together: under unique names, with what was decided about each, whatever one source does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tether_desktop.errors import SettingsError
from tether_desktop.tools.declaration import FunctionTool, function_tool
from tether_desktop.tools.preferences import ToolPreferences
from tether_desktop.tools.tool import Permission, Tool
from tether_desktop.tools.toolbox import Toolbox


class Source:
    """Some tools, or a fault."""

    def __init__(self, *tools: Tool, fault: Exception | None = None) -> None:
        self.on_change: list[Callable[[], None]] = []
        self.found = list(tools)
        self.fault = fault
        self.closed = 0

    def tools(self) -> Sequence[Tool]:
        if self.fault:
            raise self.fault
        return self.found

    async def close(self) -> None:
        self.closed += 1
        if self.fault:
            raise self.fault


def named(name: str, origin: str = "Built in", permission: Permission = "ask") -> FunctionTool:
    def answer() -> str:
        """Answer."""
        return name

    return function_tool(answer, name=name, origin=origin, permission=permission)


@pytest.fixture
def preferences(tmp_path: Path) -> ToolPreferences:
    return ToolPreferences(tmp_path / "tools.json")


def names(tools: Sequence[Tool]) -> list[str]:
    return [tool.declaration.name for tool in tools]


def test_tools_come_in_the_order_of_their_sources(preferences: ToolPreferences) -> None:
    toolbox = Toolbox([Source(named("b"), named("a")), Source(named("c"))], preferences)
    assert names(toolbox.offered()) == ["b", "a", "c"]
    assert toolbox.problems() == ()


async def test_a_tool_that_is_off_or_forbidden_is_listed_but_not_offered(preferences: ToolPreferences) -> None:
    toolbox = Toolbox([Source(named("a"), named("b"), named("c"))], preferences)
    await toolbox.set_enabled("a", False)
    await toolbox.set_permission("b", "never")
    assert [(each.enabled, each.permission) for each in toolbox.entries()] == [
        (False, "ask"),
        (True, "never"),
        (True, "ask"),
    ]
    assert names(toolbox.offered()) == ["c"]
    assert [toolbox.permission(name) for name in ("a", "b", "c", "unknown")] == ["never", "never", "ask", "never"]
    await toolbox.set_enabled("a", True)
    assert names(toolbox.offered()) == ["a", "c"]


async def test_a_tool_has_its_own_permission_until_a_person_decides(preferences: ToolPreferences) -> None:
    toolbox = Toolbox([Source(named("a", permission="always"), named("b"))], preferences)
    assert toolbox.permission("a") == "always"
    await toolbox.set_permission("a", "ask")
    await toolbox.set_permission("b", "always")
    assert (toolbox.permission("a"), toolbox.permission("b")) == ("ask", "always")
    await toolbox.set_permission("a", None)
    assert toolbox.permission("a") == "always"


@pytest.mark.parametrize("name", ["files__read", "unknown"])
async def test_only_built_in_tools_can_be_allowed_for_good(preferences: ToolPreferences, name: str) -> None:
    toolbox = Toolbox([Source(named("files__read", "MCP server files"))], preferences)
    with pytest.raises(SettingsError, match="cannot be allowed for good"):
        await toolbox.set_permission(name, "always")
    assert preferences.permission(name) is None
    assert not toolbox.entries()[0].may_always_run


@pytest.mark.parametrize("own", ["ask", "always"])
def test_a_foreign_tool_asks_even_where_the_file_or_the_tool_says_always(
    preferences: ToolPreferences, own: Permission
) -> None:
    preferences.set_permission("mine", "always")
    toolbox = Toolbox([Source(named("mine", "mine.py", own))], preferences)
    assert toolbox.permission("mine") == "ask"


def test_of_two_tools_with_one_name_the_first_source_s_is_used_and_that_is_told(preferences: ToolPreferences) -> None:
    first, second = named("a"), named("a", "mine.py")
    toolbox = Toolbox([Source(first), Source(second, named("b", "mine.py"))], preferences)
    assert toolbox.get("a") is first
    assert names(toolbox.offered()) == ["a", "b"]
    assert toolbox.problems() == ("Two tools are called a: that of Built in is used, that of mine.py is not.",)


def test_a_source_that_fails_does_not_hide_the_others(preferences: ToolPreferences) -> None:
    toolbox = Toolbox([Source(fault=ValueError("out of order")), Source(named("a"))], preferences)
    assert names(toolbox.offered()) == ["a"]
    assert toolbox.problems() == ("The tools of Source cannot be listed: out of order.",)


async def test_a_source_that_fails_to_close_does_not_keep_the_others_open(preferences: ToolPreferences) -> None:
    sources = [Source(fault=ValueError()), Source()]
    await Toolbox(sources, preferences).close()
    assert [source.closed for source in sources] == [1, 1]


async def test_who_listens_hears_of_decisions_and_of_sources_that_change(preferences: ToolPreferences) -> None:
    source = Source(named("a"))
    toolbox = Toolbox([source], preferences)
    heard: list[int] = []
    toolbox.on_change.append(lambda: heard.append(len(toolbox.entries())))
    await toolbox.set_enabled("a", False)
    await toolbox.set_permission("a", "never")
    source.found.append(named("b"))
    for callback in source.on_change:
        callback()
    assert heard == [1, 1, 2]


async def test_what_was_damaged_is_told_among_the_problems(tmp_path: Path) -> None:
    (tmp_path / "tools.json").write_text("{")
    toolbox = Toolbox([Source(named("a"))], ToolPreferences(tmp_path / "tools.json"))
    assert toolbox.permission("a") == "ask"
    assert "is damaged" in toolbox.problems()[0]
