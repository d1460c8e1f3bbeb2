"""The file of servers: read as others write it, changed without loss."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tether_desktop.errors import SettingsError
from tether_desktop.tools.mcp.config import MOST_SERVERS, ConfigFile


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mcp.json"


@pytest.fixture
def file(path: Path) -> ConfigFile:
    return ConfigFile(path)


COMMENTED = """\ufeff{
  // what VS Code writes
  "servers": {
    "a": { "command": "x", "args": ["http://not-a-comment", "/* nor this */", "a,]"], /* but this */ },
  },
  "inputs": [1, 2,],
}
"""


def test_no_file_and_an_empty_one_have_no_servers(file: ConfigFile, path: Path) -> None:
    assert file.read() == ()
    path.write_text(" \n", encoding="utf-8")
    assert file.read() == ()


def test_comments_last_commas_and_a_byte_order_mark_are_read_and_kept_beside(file: ConfigFile, path: Path) -> None:
    path.write_text(COMMENTED, encoding="utf-8")
    (spec,) = file.read()
    assert spec.command_line == "x http://not-a-comment '/* nor this */' 'a,]'"
    file.set_enabled("a", on=False)
    assert path.with_suffix(".commented.json").read_text(encoding="utf-8") == COMMENTED
    saved = json.loads(path.read_text(encoding="utf-8"))
    assert (saved["inputs"], saved["servers"]["a"]["disabled"]) == ([1, 2], True)


def test_changes_keep_what_other_programs_wrote(file: ConfigFile, path: Path) -> None:
    theirs = {"globalShortcut": "Ctrl", "mcpServers": {"a": {"command": "x", "alwaysAllow": ["y"], "enabled": True}}}
    path.write_text(json.dumps(theirs), encoding="utf-8")
    file.set_entry("b", {"url": "https://example.org"})
    file.set_enabled("a", on=False)
    file.set_enabled("a", on=True)
    saved = json.loads(path.read_text(encoding="utf-8"))
    assert saved["globalShortcut"] == "Ctrl"
    assert saved["mcpServers"] == {
        "a": {"command": "x", "alwaysAllow": ["y"]},
        "b": {"url": "https://example.org"},
    }
    file.remove_entry("a")
    assert [spec.name for spec in file.read()] == ["b"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{\n  "mcpServers": {\n    "a": }\n}', "line 3, column 10"),
        ("[]", "not a JSON object"),
        ('{"mcpServers": []}', "no JSON object"),
        ('{"mcpServers": {"a": {}, "a": {}}}', "'a' twice"),
        ('{"time": {"command": "x"}}', 'not under "mcpServers"'),
        ("[" * 100_000, "nested too deeply"),
        (json.dumps({"mcpServers": {str(number): {} for number in range(MOST_SERVERS + 1)}}), "more than 100"),
        ("\udcff", "decode"),
        (" " * (5 << 20), "too large"),
    ],
)
def test_a_damaged_file_is_told_and_kept(file: ConfigFile, path: Path, text: str, said: str) -> None:
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    before = path.read_bytes()
    with pytest.raises(SettingsError, match=said):
        file.read()
    if said != "more than 100":
        with pytest.raises(SettingsError):
            file.set_entry("b", {"command": "x"})
    assert path.read_bytes() == before


def test_an_entry_that_cannot_be_used_is_not_added(file: ConfigFile, path: Path) -> None:
    with pytest.raises(SettingsError, match="not encrypted"):
        file.set_entry("a", {"url": "http://example.org"})
    with pytest.raises(SettingsError, match="There are none yet"):
        file.remove_entry("a")
    assert not path.exists()


def test_one_bad_entry_leaves_the_others(file: ConfigFile, path: Path) -> None:
    path.write_text(json.dumps({"mcpServers": {"a": 1, "b": {"command": "x"}}}), encoding="utf-8")
    assert [bool(spec.problem) for spec in file.read()] == [True, False]
    with pytest.raises(SettingsError, match="no JSON object"):
        file.set_enabled("a", on=False)
