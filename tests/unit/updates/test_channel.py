"""Where a copy of the program asks for releases."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tether_desktop.errors import UpdateCheckFailed
from tether_desktop.updates import channel
from tether_desktop.updates.channel import read_channel


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(channel, "channel_folder", lambda: tmp_path)
    return tmp_path


def test_a_build_says_where_and_whose_signatures_count(folder: Path) -> None:
    told = {"url": "https://example.org/updates/", "page": "https://example.org"}
    (folder / "channel.json").write_text(json.dumps(told), encoding="utf-8")
    (folder / "root.json").write_bytes(b"{}")
    assert read_channel() == channel.Channel(told["url"], b"{}", told["page"])


def test_a_checkout_has_none_and_says_so() -> None:
    with pytest.raises(UpdateCheckFailed, match="without an address"):
        read_channel()


@pytest.mark.parametrize("content", ["", "[]", '{"url": "https://example.org"}'])
def test_damaged_files_are_told(folder: Path, content: str) -> None:
    (folder / "channel.json").write_text(content, encoding="utf-8")
    (folder / "root.json").write_bytes(b"{}")
    with pytest.raises(UpdateCheckFailed, match="damaged"):
        read_channel()
