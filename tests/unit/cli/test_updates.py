"""`tether updates check`, against a place on this computer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import tether_desktop
from tests.helpers.releases import PAGE, Releases, telling_of_releases
from tether_desktop.cli.main import run
from tether_desktop.updates import channel

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def releases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Releases]:
    """A place that this copy was built to ask."""
    built = tmp_path / "updates"
    built.mkdir()
    monkeypatch.setattr(channel, "channel_folder", lambda: built)
    with telling_of_releases(tmp_path / "metadata") as place:
        told = {"url": place.channel.url, "page": PAGE}
        (built / "channel.json").write_text(json.dumps(told), encoding="utf-8")
        (built / "root.json").write_bytes(place.first_root)
        yield place


def test_a_newer_release_is_told_with_what_is_new(releases: Releases, capsys: Capture) -> None:
    releases.release("99.0", "Answers \x1b[31mfaster")
    assert run(["updates", "check"]) == 0
    told = capsys.readouterr()
    assert f"Tether 99.0 of 2027-03-01 is there; you have {tether_desktop.__version__}." in told.out
    assert "\x1b" not in told.out
    assert PAGE in told.err


def test_the_newest_is_told_in_a_line(releases: Releases, capsys: Capture) -> None:
    releases.release(tether_desktop.__version__)
    assert run(["updates", "check"]) == 0
    assert capsys.readouterr().out == f"You have the newest Tether, {tether_desktop.__version__}.\n"


def test_json_has_all_of_it(releases: Releases, capsys: Capture) -> None:
    releases.release("99.0", "Faster")
    assert run(["updates", "check", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["newer"] is True
    assert told["newest"] == {"version": "99.0", "day": "2027-03-01", "page": PAGE, "notes": ["Faster"]}


def test_what_is_not_believed_is_told_on_stderr_and_fails(releases: Releases, capsys: Capture) -> None:
    releases.release("99.0")
    (channel.channel_folder() / "root.json").write_bytes(b"{}")
    assert run(["updates", "check"]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert "99.0" not in told.err


def test_a_checkout_says_that_it_has_nobody_to_ask(capsys: Capture) -> None:
    assert run(["updates", "check"]) == 1
    assert "without an address" in capsys.readouterr().err
