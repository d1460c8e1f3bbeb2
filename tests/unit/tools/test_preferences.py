"""What a person decided about tools: kept, never silently lost, and for the owner alone."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path

import pytest

from tether_desktop.errors import SettingsError
from tether_desktop.tools.preferences import ToolPreferences


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "tools.json"


def test_nothing_is_decided_and_nothing_is_written_before_somebody_decides(file: Path) -> None:
    preferences = ToolPreferences(file)
    assert (preferences.is_off("a"), preferences.permission("a"), preferences.allowed_sha256("a.py")) == (
        False,
        None,
        None,
    )
    assert not file.parent.exists()


def test_decisions_are_there_at_the_next_start(file: Path) -> None:
    first = ToolPreferences(file)
    first.set_off("a", off=True)
    first.set_permission("b", "never")
    first.allow_file("mine.py", "abc")
    second = ToolPreferences(file)
    assert (second.is_off("a"), second.permission("b"), second.allowed_sha256("mine.py")) == (True, "never", "abc")
    assert second.problem is None


def test_decisions_can_be_taken_back(file: Path) -> None:
    preferences = ToolPreferences(file)
    preferences.set_off("a", off=True)
    preferences.set_permission("b", "never")
    preferences.allow_file("mine.py", "abc")
    preferences.set_off("a", off=False)
    preferences.set_permission("b", None)
    preferences.allow_file("mine.py", None)
    assert json.loads(file.read_text()) == {"format": 1, "off": [], "permissions": {}, "own_files": {}}


def test_two_programs_do_not_undo_each_others_decisions(file: Path) -> None:
    window, terminal = ToolPreferences(file), ToolPreferences(file)
    assert not window.is_off("a")
    terminal.set_off("a", off=True)
    window.set_permission("b", "never")
    assert ToolPreferences(file).is_off("a")


def test_keys_of_another_version_stay(file: Path) -> None:
    file.parent.mkdir()
    file.write_text('{"format": 1, "later": [1]}')
    ToolPreferences(file).set_off("a", off=True)
    assert json.loads(file.read_text())["later"] == [1]


@pytest.mark.skipif(sys.platform == "win32", reason="permission bits")
def test_only_the_owner_may_read_the_file(file: Path) -> None:
    ToolPreferences(file).set_off("a", off=True)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"[]",
        b'{"format": 2}',
        b'{"off": {}}',
        b'{"off": [1]}',
        b'{"permissions": {"a": "maybe"}}',
        b'{"permissions": {"a": ["always"]}}',
        b'{"own_files": {"a.py": 1}}',
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b" " * (5 << 20),
    ],
)
def test_a_damaged_file_is_told_and_kept_aside(file: Path, content: bytes) -> None:
    file.parent.mkdir()
    file.write_bytes(content)
    preferences = ToolPreferences(file)
    assert preferences.permission("a") is None
    assert preferences.problem is not None
    [kept] = file.parent.glob("tools-damaged-*.json")
    assert kept.read_bytes() == content
    assert kept.name in preferences.problem.hint
    preferences.set_off("a", off=True)
    assert ToolPreferences(file).is_off("a")


def test_a_file_that_cannot_be_read_is_told_and_not_overwritten(file: Path) -> None:
    file.mkdir(parents=True)
    preferences = ToolPreferences(file)
    assert not preferences.is_off("a")
    assert preferences.problem is not None
    with pytest.raises(SettingsError, match="cannot be changed"):
        preferences.set_off("a", off=True)
    assert file.is_dir()
    assert not preferences.is_off("a")


def test_a_byte_order_mark_is_no_damage(file: Path) -> None:
    file.parent.mkdir()
    file.write_bytes(b'\xef\xbb\xbf{"off": ["a"]}')
    assert ToolPreferences(file).is_off("a")
