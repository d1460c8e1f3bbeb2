"""The archive holds the folder as it is, and is the same each time."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest

EPOCH = 1_600_000_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "made"
    (folder / "inside").mkdir(parents=True)
    (folder / "b").write_text("second", encoding="utf-8")
    (folder / "a").write_text("first", encoding="utf-8")
    os.link(folder / "a", folder / "inside/twin")
    (folder / "link").symlink_to("inside/twin")
    return folder


def test_the_archive_names_neither_the_builder_nor_the_moment(folder: Path, tmp_path: Path) -> None:
    from artefacts.archives import write_archive

    write_archive(folder, "tether", tmp_path / "a.tar.gz", EPOCH)
    with tarfile.open(tmp_path / "a.tar.gz") as tar:
        members = {member.name: member for member in tar}
        assert list(members) == ["tether", "tether/a", "tether/b", "tether/inside", "tether/inside/twin", "tether/link"]
        assert {(m.uid, m.gid, m.uname, m.gname, m.mtime) for m in members.values()} == {(0, 0, "", "", EPOCH)}
        twin = tar.extractfile("tether/inside/twin")
        assert members["tether/inside/twin"].isreg()
        assert twin is not None
        assert twin.read() == b"first"
        assert members["tether/link"].linkname == "inside/twin"


def test_it_is_the_same_bytes_each_time(folder: Path, tmp_path: Path) -> None:
    from artefacts.archives import write_archive

    write_archive(folder, "tether", tmp_path / "one.tar.gz", EPOCH)
    os.utime(folder / "a", (5, 5))
    folder.rename(tmp_path / "made elsewhere")
    write_archive(tmp_path / "made elsewhere", "tether", tmp_path / "two.tar.gz", EPOCH)
    assert (tmp_path / "one.tar.gz").read_bytes() == (tmp_path / "two.tar.gz").read_bytes()
