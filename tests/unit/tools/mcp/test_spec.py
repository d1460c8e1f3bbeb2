"""Entries of the file of servers, as the usual programs write them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tether_desktop.tools.mcp.spec import Address, Program, parse_spec, visible

PLAIN: dict[str, Any] = {"command": "npx", "args": ["-y", "server"]}


@pytest.mark.parametrize(
    ("entry", "launch"),
    [
        (PLAIN, Program("npx", ("-y", "server"))),
        ({"type": "stdio", **PLAIN}, Program("npx", ("-y", "server"))),
        ({"command": ["npx", "-y", "server"]}, Program("npx", ("-y", "server"))),
        ({"command": "x", "args": ["--port", 8080]}, Program("x", ("--port", "8080"))),
        ({"command": "x", "env": {"B": 1, "A": True, "C": None}}, Program("x", (), (("A", "true"), ("B", "1")))),
        ({"command": "x", "cwd": "/srv", "args": None, "env": None}, Program("x", folder="/srv")),
        ({"url": "https://example.org/mcp"}, Address("https://example.org/mcp")),
        ({"type": "streamable-http", "url": "http://localhost:1/mcp"}, Address("http://localhost:1/mcp")),
        ({"type": "streamableHttp", "url": "http://127.0.0.9/mcp"}, Address("http://127.0.0.9/mcp")),
        ({"transport": "http", "serverUrl": "http://[::1]:8/mcp"}, Address("http://[::1]:8/mcp")),
        (
            {"httpUrl": "https://example.org", "headers": {"X-Key": "k"}},
            Address("https://example.org", (("X-Key", "k"),)),
        ),
    ],
)
def test_the_usual_shapes_are_understood(entry: dict[str, Any], launch: object) -> None:
    spec = parse_spec("it", entry)
    assert (spec.launch, spec.problem, spec.enabled) == (launch, "", True)


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("npx", "no JSON object"),
        ({}, 'neither a "command" nor a "url"'),
        ({"command": ""}, 'neither a "command"'),
        ({"command": 7}, 'neither a "command"'),
        ({"command": "x", "args": "-y"}, "args are no list"),
        ({"command": "x", "args": [{}]}, "not all texts"),
        ({"command": "x", "args": ["a\0b"]}, "NUL"),
        ({"command": "x", "args": ["a" * 9000]}, "longer than 8,000"),
        ({"command": "x", "env": ["A=1"]}, "env is no JSON object"),
        ({"command": "x", "env": {"A=B": "1"}}, "no name with a text"),
        ({"command": "x", "env": {"A": {}}}, "no name with a text"),
        ({"command": "x", "cwd": 1}, "cwd is no text"),
        ({"command": "x", "envFile": ".env"}, "envFile is not read"),
        ({"command": "x", "timeout": 0}, "timeout"),
        ({"command": "x", "timeout": "5"}, "timeout"),
        ({"command": "x", "timeout": float("nan")}, "timeout"),
        ({"type": "sse", "url": "https://example.org/sse"}, "old SSE"),
        ({"type": "carrier pigeon"}, "no type of server"),
        ({"type": ["http"]}, "type is no text"),
        ({"type": "http"}, 'no "url"'),
        ({"url": "http://example.org/mcp"}, "not encrypted"),
        ({"url": "http://127.0.0.1.example.org/mcp"}, "not encrypted"),
        ({"url": "http://localhost@example.org/mcp"}, "a user or a password"),
        ({"url": "ftp://example.org"}, "not the address"),
        ({"url": "https://exa mple.org"}, "not the address"),
        ({"url": "https://[::1"}, "not the address"),
        ({"url": "https://example.org", "headers": {"A": "b\r\nC: d"}}, "cannot be sent"),
        ({"url": "https://example.org", "headers": {"A:": "b"}}, "cannot be sent"),
        ({"command": "x", "args": ["${input:token}"]}, "filled in by another program"),
        ({"command": "x", "args": ["${NOT_SET_ANYWHERE}"]}, "NOT_SET_ANYWHERE is not set"),
        ({"command": "x", "env": {"K": "${env:TETHER_KEY_WORK}"}}, "Tether's own"),
    ],
)
def test_an_entry_that_cannot_be_used_says_why(entry: Any, problem: str) -> None:
    spec = parse_spec("it", entry, {"TETHER_KEY_WORK": "sk-1"})
    assert spec.launch is None
    assert problem in spec.problem
    assert spec.hint
    assert "sk-1" not in repr(spec)


@pytest.mark.parametrize("name", ["", " ", "a\nb", "x" * 101, "a\u202eb"])
def test_names_that_cannot_be_shown_are_refused(name: str) -> None:
    assert "printable" in parse_spec(name, PLAIN).problem


def test_placeholders_are_filled_from_the_environment() -> None:
    entry = {"command": "${userHome}/run", "args": ["${env:A}", "${A}/b", "${B:-default}", "$A"]}
    spec = parse_spec("it", entry, {"A": "1"})
    assert spec.launch == Program(f"{Path.home()}/run", ("1", "1/b", "default", "$A"))


@pytest.mark.parametrize(
    "other",
    [
        {**PLAIN, "args": ["-y", "server", ""]},
        {**PLAIN, "args": ["-y server"]},
        {**PLAIN, "env": {"A": "1"}},
        {**PLAIN, "env": {"A": "2"}},
        {**PLAIN, "cwd": "/"},
        {"command": "npx -y server"},
        {"url": "https://example.org"},
        {"url": "https://example.org", "headers": {"A": "1"}},
    ],
)
def test_whatever_decides_what_runs_is_in_the_fingerprint(other: dict[str, Any]) -> None:
    assert parse_spec("it", PLAIN).fingerprint != parse_spec("it", other).fingerprint
    same = parse_spec("it", {**PLAIN, "timeout": 5, "disabled": True, "description": "mine"})
    assert parse_spec("it", PLAIN).fingerprint == same.fingerprint
    assert (same.enabled, same.timeout_s) == (False, 5.0)


@pytest.mark.skipif(sys.platform == "win32", reason="it is quoted for another terminal there")
def test_the_command_line_shows_everything_and_hides_nothing() -> None:
    entry = {"command": "sh", "args": ["-c", "echo hi\nrm -rf ~", "a\u202eb\u200b", ""], "env": {"KEY": "s3cret"}}
    spec = parse_spec("it", entry)
    assert spec.command_line == r"sh -c 'echo hi\nrm -rf ~' 'a\u202eb\u200b' ''"
    assert spec.variables == ("KEY",)


@given(st.text())
@settings(derandomize=True, max_examples=100)
def test_what_is_shown_can_be_seen(text: str) -> None:
    assert visible(text).isprintable()


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(["command", "args", "env", "cwd", "url", "type", "headers", "timeout", "disabled", "envFile"])


@given(st.text(max_size=8), VALUES | st.dictionaries(KEYS, VALUES, max_size=6))
@settings(derandomize=True, max_examples=200)
def test_no_entry_raises(name: str, entry: Any) -> None:
    spec = parse_spec(name, entry)
    assert (spec.launch is None) == bool(spec.problem)
    assert spec.command_line.isprintable()
