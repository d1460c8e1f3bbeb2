"""Tokens: who they let in, how they are kept, and what a file that cannot be read lets in."""

from __future__ import annotations

import hmac
import json
import logging
import os
import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.helpers.processes import running, said
from tether_desktop.errors import SettingsError
from tether_desktop.protocol.api.gates.tokens import Bearer, Tokens

ADD = """
import sys
from pathlib import Path
from tether_desktop.protocol.api.gates.tokens import Tokens
for number in range(5):
    Tokens(Path(sys.argv[1])).add(f"{sys.argv[2]} {number}", "chat")
print("done", flush=True)
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "tokens.json"


@pytest.fixture
def tokens(file: Path) -> Tokens:
    return Tokens(file)


def test_the_own_token_is_made_once_and_may_manage(tokens: Tokens, file: Path) -> None:
    own = tokens.own()
    assert own == tokens.own() == Tokens(file).own()
    assert tokens.bearer(own) == Bearer("", "manage")
    assert len(own) > 40


def test_looking_at_tokens_makes_no_file(tokens: Tokens, file: Path) -> None:
    assert tokens.named() == ()
    assert tokens.bearer("anything") is None
    assert not file.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="folders of a person are private there by themselves")
def test_the_file_is_for_its_owner_alone(tokens: Tokens, file: Path) -> None:
    tokens.own()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    tokens.add("phone", "chat")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_of_a_further_token_only_a_checksum_is_kept(tokens: Tokens, file: Path) -> None:
    token = tokens.add("phone", "chat")
    assert token not in file.read_text()
    assert tokens.bearer(token) == Bearer("phone", "chat")
    assert [(each.name, each.scope) for each in tokens.named()] == [("phone", "chat")]


def test_no_token_shows_in_what_the_program_prints_of_itself(tokens: Tokens, file: Path) -> None:
    from tether_desktop.protocol.api.gates.token_file import parse

    assert tokens.own() not in repr(parse(file))


@pytest.mark.parametrize("wrong", ["", " ", "tether_", "x" * 100_000, "é\udcff", "tether_\x00"])
def test_what_is_no_token_opens_nothing(tokens: Tokens, wrong: str) -> None:
    own = tokens.own()
    for text in (wrong, own[:-1], own + "x", own.upper()):
        assert tokens.bearer(text) is None


def test_a_revoked_token_opens_nothing_and_the_others_stay(tokens: Tokens) -> None:
    first, second = tokens.add("first", "chat"), tokens.add("second", "manage")
    assert tokens.bearer(first)
    tokens.revoke("first")
    assert tokens.bearer(first) is None
    assert tokens.bearer(second) == Bearer("second", "manage")


def test_a_renewed_token_replaces_the_old_one_alone(tokens: Tokens) -> None:
    old, phone = tokens.own(), tokens.add("phone", "chat")
    new = tokens.renew()
    assert tokens.bearer(old) is None
    assert tokens.bearer(new) == Bearer("", "manage")
    assert tokens.bearer(phone)


def test_what_another_program_changes_holds_at_once(tokens: Tokens, file: Path) -> None:
    own = tokens.own()
    assert tokens.bearer(own)
    other = Tokens(file)
    phone = other.add("phone", "chat")
    assert tokens.bearer(phone)
    other.revoke("phone")
    other.renew()
    assert tokens.bearer(phone) is None
    assert tokens.bearer(own) is None


def test_every_token_is_compared_in_constant_time_to_the_last(tokens: Tokens, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tokens.own()
    for name in ("a", "b", "c"):
        tokens.add(name, "chat")
    compared: list[tuple[bytes, bytes]] = []
    real = hmac.compare_digest

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return real(one, other)

    monkeypatch.setattr(hmac, "compare_digest", compare)
    assert tokens.bearer(own)
    assert tokens.bearer("wrong") is None
    assert len(compared) == 8
    assert {len(each) for pair in compared for each in pair} == {32}


@pytest.mark.parametrize("name", ["", " ", "a" * 65, "two\nlines", "-\x1b[2J", "ends "])
def test_what_is_no_name_is_refused(tokens: Tokens, name: str, file: Path) -> None:
    with pytest.raises(SettingsError, match="no name"):
        tokens.add(name, "chat")
    assert not file.exists()


def test_a_name_is_given_once(tokens: Tokens) -> None:
    token = tokens.add("phone", "chat")
    with pytest.raises(SettingsError, match="already"):
        tokens.add("phone", "manage")
    assert tokens.bearer(token) == Bearer("phone", "chat")


def test_revoking_an_unknown_name_tells_so(tokens: Tokens) -> None:
    with pytest.raises(SettingsError, match="No token is named 'phone'"):
        tokens.revoke("phone")


DAMAGED = [
    "",
    "{",
    "[]",
    "null",
    '{"format": 2}',
    '{"format": 1, "own": {"token": ""}}',
    '{"format": 1, "own": {"token": 7, "created_at": "2026-01-01T00:00:00+00:00"}}',
    '{"format": 1, "named": {}}',
    '{"format": 1, "named": [{"name": "x", "scope": "all", "sha256": "00", "created_at": "2026-01-01"}]}',
    '{"format": 1, "named": [{"name": "x", "scope": "chat", "sha256": "00", "created_at": "2026-01-01"}]}',
    '{"format": 1, "named": [{"name": "x", "scope": "chat", "sha256": "' + "0" * 64 + '", "created_at": "then"}]}',
    "[" * 100_000,
    "\ufeff{}",
]


@pytest.mark.parametrize("text", DAMAGED)
def test_a_damaged_file_opens_nothing_is_kept_and_told(
    tokens: Tokens, file: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    old = tokens.own()
    assert tokens.bearer(old)
    file.write_text(text)
    with caplog.at_level(logging.WARNING):
        assert tokens.bearer(old) is None
        assert tokens.bearer(old) is None
    assert len(caplog.records) == 1
    new = tokens.own()
    assert new != old
    assert tokens.bearer(new)
    assert tokens.problem is not None
    (kept,) = file.parent.glob("tokens-damaged-*.json")
    assert kept.read_text() == text
    assert kept.name in tokens.problem.hint


def test_bytes_that_are_no_text_are_set_aside(tokens: Tokens, file: Path) -> None:
    file.parent.mkdir()
    file.write_bytes(b'{"format": 1, "own": "\xff\xfe"}')
    assert tokens.bearer("x") is None
    assert tokens.bearer(tokens.own())
    assert len(list(file.parent.glob("tokens-damaged-*.json"))) == 1


def test_a_file_that_was_removed_opens_nothing(tokens: Tokens, file: Path) -> None:
    own = tokens.own()
    assert tokens.bearer(own)
    file.unlink()
    assert tokens.bearer(own) is None


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="needs permissions that hold")
def test_a_file_that_cannot_be_read_opens_nothing_and_is_left_alone(tokens: Tokens, file: Path) -> None:
    own = tokens.own()
    file.chmod(0)
    with pytest.raises(SettingsError, match="tokens cannot be used"):
        tokens.own()
    assert tokens.bearer(own) is None
    file.chmod(0o600)
    assert Tokens(file).own() == own


def test_a_folder_in_its_place_is_told(tokens: Tokens, file: Path) -> None:
    file.mkdir(parents=True)
    with pytest.raises(SettingsError, match="tokens cannot be used"):
        tokens.own()
    assert tokens.bearer("x") is None


def test_what_a_newer_version_wrote_beside_is_kept(tokens: Tokens, file: Path) -> None:
    tokens.own()
    document = json.loads(file.read_text())
    file.write_text(json.dumps({**document, "later": [1]}))
    tokens.add("phone", "chat")
    assert json.loads(file.read_text())["later"] == [1]


def test_programs_that_add_tokens_at_once_lose_none(tokens: Tokens, file: Path) -> None:
    own = tokens.own()
    names = ("one", "two")
    with running(ADD, str(file), names[0]) as first, running(ADD, str(file), names[1]) as second:
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(lambda number: tokens.add(f"own {number}", "manage"), range(5)))
        assert (said(first), said(second)) == ("done", "done")
    assert len(tokens.named()) == 15
    assert tokens.own() == own
