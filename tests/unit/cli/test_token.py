"""`tether token`: shown to its owner, and nowhere else."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from tether_desktop import paths
from tether_desktop.cli import main


@dataclass(frozen=True)
class Run:
    """A command that has ended."""

    returncode: int
    stdout: str
    stderr: str


class Command:
    """Runs `tether` in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: str) -> Run:
        code = main.run(arguments)
        out, err = self._capsys.readouterr()
        return Run(code, out, err)

    def json(self, *arguments: str) -> Any:
        return json.loads(self(*arguments, "--json").stdout)


@pytest.fixture
def tether(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.setattr(main, "start_logging", lambda: None)
    return Command(capsys)


def test_the_own_token_is_printed_alone_and_stays_the_same(tether: Command) -> None:
    first = tether("token")
    assert first.returncode == 0
    assert first.stderr == ""
    assert first.stdout == tether("token").stdout
    assert len(first.stdout.split()) == 1


def test_a_renewed_token_is_another(tether: Command) -> None:
    old = tether("token").stdout
    new = tether("token", "renew").stdout
    assert new != old
    assert tether("token").stdout == new


def test_further_tokens_are_shown_once_listed_and_revoked(tether: Command) -> None:
    phone = tether("token", "add", "phone")
    script = tether("token", "add", "a script", "--scope", "manage")
    assert phone.stdout.strip() not in {"", script.stdout.strip()}
    assert "not shown again" in phone.stderr
    listed = tether.json("token", "list")
    assert [(each["name"], each["scope"]) for each in listed] == [("phone", "chat"), ("a script", "manage")]
    table = tether("token", "list").stdout
    assert "phone" in table
    assert phone.stdout.strip() not in table
    assert tether("token", "revoke", "phone").returncode == 0
    assert [each["name"] for each in tether.json("token", "list")] == ["a script"]


def test_mistakes_are_told(tether: Command) -> None:
    tether("token", "add", "phone")
    for arguments, words in (
        (("revoke", "tablet"), "No token is named 'tablet'"),
        (("add", "phone"), "already"),
        (("add", "\x1b[31m"), "no name"),
    ):
        refused = tether("token", *arguments)
        assert refused.returncode == 1
        assert words in refused.stderr
        assert "\x1b" not in refused.stderr
    assert tether("token", "add", "x", "--scope", "all").returncode == 2
    assert tether("token", "list").stdout.count("phone") == 1


def test_no_tokens_is_said(tether: Command) -> None:
    assert "no token but your own" in tether("token", "list").stderr
    assert tether.json("token", "list") == []


def test_a_damaged_file_is_told_and_kept(tether: Command) -> None:
    old = tether("token").stdout
    paths.tokens_path().write_text("{")
    new = tether("token")
    assert new.returncode == 0
    assert new.stdout not in {"", old}
    assert "tokens-damaged-" in new.stderr
    assert tether("token").stderr == ""
