"""The list of unfinished downloads: kept over restarts, damaged, disk full, secrets in addresses."""

from __future__ import annotations

import json
import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tether_desktop import paths
from tether_desktop.model.install.downloads import DownloadLedger


@pytest.fixture
def ledger(tmp_path: Path) -> DownloadLedger:
    return DownloadLedger(tmp_path / "dist")


def put_bytes(tmp_path: Path, key: str, size: int) -> Path:
    folder = tmp_path / "dist" / ".downloads" / key / "files"
    folder.mkdir(parents=True)
    (folder / "model.gguf.part").write_bytes(bytes(size))
    (folder / "model.gguf.part.json").write_text("{}")
    return folder.parent


def test_a_download_is_listed_with_what_is_there_until_it_is_forgotten(tmp_path: Path, ledger: DownloadLedger) -> None:
    ledger.note("abc", "hf:acme/Small", "mine", 4)
    put_bytes(tmp_path, "abc", 700)
    ledger.note_total("abc", 1000)
    ledger.note("abc", "hf:acme/Small")
    (listed,) = DownloadLedger(tmp_path / "dist").list()
    assert (listed.what, listed.name, listed.bits) == ("hf:acme/Small", "mine", 4)
    assert (listed.done_bytes, listed.total_bytes) == (700, 1000)
    ledger.forget("abc")
    assert ledger.list() == []


def test_a_download_is_thrown_away_with_its_files(tmp_path: Path, ledger: DownloadLedger) -> None:
    ledger.note("abc", "hf:acme/Small")
    folder = put_bytes(tmp_path, "abc", 10)
    ledger.discard("abc")
    assert not folder.exists()
    assert ledger.list() == []
    ledger.discard("abc")


def test_downloads_of_another_model_folder_are_not_ours(tmp_path: Path, ledger: DownloadLedger) -> None:
    ledger.note("abc", "hf:acme/Small")
    assert DownloadLedger(tmp_path / "other").list() == []
    assert len(ledger.list()) == 1


def test_what_was_given_up_long_ago_and_has_no_files_is_left_out(tmp_path: Path, ledger: DownloadLedger) -> None:
    ledger.note("abc", "hf:acme/Small")
    ledger.note("def", "hf:acme/Other")
    put_bytes(tmp_path, "def", 5)
    document = json.loads(paths.downloads_path().read_text())
    for entry in document["downloads"].values():
        entry["since"] = (datetime.now(UTC) - timedelta(days=30)).isoformat()
    paths.downloads_path().write_text(json.dumps(document))
    assert [each.key for each in ledger.list()] == ["def"]


def test_only_what_nobody_can_go_on_with_is_tidied_away(tmp_path: Path, ledger: DownloadLedger) -> None:
    ledger.note("listed", "hf:acme/Small")
    folders = {key: put_bytes(tmp_path, key, 5) for key in ("listed", "wanted", "orphan", "recent")}
    for path in (path for key in ("listed", "wanted", "orphan") for path in [folders[key], *folders[key].rglob("*")]):
        os.utime(path, (1_000_000_000, 1_000_000_000))
    ledger.tidy("wanted")
    assert {key for key, folder in folders.items() if folder.exists()} == {"listed", "wanted", "recent"}


def test_where_a_model_came_from_is_remembered(ledger: DownloadLedger) -> None:
    ledger.note_origin("Small-q4_1t16-MLC", "hf:acme/Small")
    assert ledger.origins() == {"Small-q4_1t16-MLC": "hf:acme/Small"}


def test_only_its_owner_may_read_the_list_since_addresses_hold_secrets(ledger: DownloadLedger) -> None:
    ledger.note("abc", "https://example.com/a.gguf?token=secret")
    mode = stat.S_IMODE(paths.downloads_path().stat().st_mode)
    assert mode & 0o077 == 0


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'{"format": 9, "downloads": {}, "origins": {}}',
        b'{"format": 1, "downloads": []}',
        b"\xff",
        b"[" * 100_000,
        b'{"format": 1, "downloads": {"a": 5, "b": {}, "c": {"since": "x"}}, "origins": {}}',
    ],
)
def test_a_damaged_list_is_as_good_as_none(ledger: DownloadLedger, content: bytes) -> None:
    paths.downloads_path().write_bytes(content)
    assert ledger.list() == []
    assert ledger.origins() == {}
    ledger.note("abc", "hf:acme/Small")
    assert [each.key for each in ledger.list()] == ["abc"]


def test_a_list_that_cannot_be_written_keeps_nobody_from_downloading(
    ledger: DownloadLedger, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(paths, "write_private", full)
    ledger.note("abc", "hf:acme/Small")
    assert ledger.list() == []
    assert "cannot be written" in caplog.text
