"""Folders that are handed out are the same, whoever builds them."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A program with a library, a text, a script and two links."""
    folder = tmp_path / "folder"
    (folder / "inside").mkdir(parents=True)
    (folder / "program").write_bytes(b"\x7fELF program")
    (folder / "inside/lib.so.1").write_bytes(b"\x7fELF library")
    (folder / "text").write_text("words", encoding="utf-8")
    (folder / "script").write_text("#!/bin/sh\n", encoding="utf-8")
    (folder / "lib.so").symlink_to("inside/lib.so.1")
    (folder / "other").symlink_to("inside")
    for path in folder.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o700)
    return folder


def test_permissions_and_times_say_nothing_of_who_built_it(folder: Path) -> None:
    from artefacts.tree import normalize

    normalize(folder, 1_600_000_000)
    modes = {path.name: oct(stat.S_IMODE(path.lstat().st_mode)) for path in folder.rglob("*") if not path.is_symlink()}
    assert modes == {
        "inside": "0o755",
        "lib.so.1": "0o644",
        "program": "0o755",
        "script": "0o755",
        "text": "0o644",
    }
    assert {path.lstat().st_mtime for path in (folder, *folder.rglob("*"))} == {1_600_000_000}


def test_a_copy_by_links_has_everything_and_takes_no_space(folder: Path, tmp_path: Path) -> None:
    from artefacts.tree import file_list, link_tree

    copy = tmp_path / "copy"
    link_tree(folder, copy)
    link_tree(folder, copy)
    assert file_list(copy) == file_list(folder) == ["inside/lib.so.1", "lib.so", "other", "program", "script", "text"]
    assert (copy / "text").samefile(folder / "text")
    assert (copy / "other").is_symlink()


def test_a_folder_weighs_what_its_files_weigh(folder: Path) -> None:
    from artefacts.tree import size_of

    assert size_of(folder) == len(b"\x7fELF program" + b"\x7fELF library" + b"words" + b"#!/bin/sh\n")
