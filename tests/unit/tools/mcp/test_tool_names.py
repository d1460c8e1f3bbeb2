"""Names of servers' tools: unique, stable, and of few characters."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tether_desktop.tools.mcp.tool_names import declared_name, file_name

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
PARTS = st.text(st.sampled_from("ab_-. é"), min_size=1, max_size=80)


@pytest.mark.parametrize(
    ("server", "tool", "name"),
    [
        ("everything", "get-sum", "everything__get-sum"),
        ("time", "get_current_time", "time__get_current_time"),
        ("files", "__init", "files____init"),
    ],
)
def test_ordinary_names_stay_as_they_are(server: str, tool: str, name: str) -> None:
    assert declared_name(server, tool) == name


@given(PARTS, PARTS, PARTS, PARTS)
@example("a__b", "c", "a", "b__c")
@example("a_", "b", "a", "_b")
@example("my server", "t", "my_server", "t")
@example("s", "x" * 80, "s", "x" * 79)
@settings(derandomize=True, max_examples=300)
def test_no_two_tools_share_a_name(server: str, tool: str, other_server: str, other_tool: str) -> None:
    name = declared_name(server, tool)
    assert NAME.fullmatch(name)
    same = (server, tool) == (other_server, other_tool)
    assert (name == declared_name(other_server, other_tool)) == same


@given(st.text(max_size=300))
@settings(derandomize=True, max_examples=100)
def test_every_name_makes_a_file(name: str) -> None:
    assert re.fullmatch(r"[a-z0-9_-]{1,40}", file_name(name))
