"""What may not be handed out is found."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("_internal/libtvm_compiler.so", "the compiler"),
        ("_internal/package/tests/data.json", "tests"),
        ("_internal/package/__pycache__/module.pyc", "a cache"),
        ("_internal/a.dist-info/direct_url.json", "a leftover"),
    ],
)
def test_files_that_no_edition_may_have_are_found(tmp_path: Path, name: str, what: str) -> None:
    from artefacts.checks import forbidden_files

    (tmp_path / "_internal/attestation").mkdir(parents=True)
    assert list(forbidden_files(tmp_path)) == []
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).touch()
    assert f"{name}: {what}" in list(forbidden_files(tmp_path))


def test_the_folder_of_the_build_is_found_wherever_it_stands(tmp_path: Path) -> None:
    from artefacts.checks import machine_paths

    (tmp_path / "clean").write_bytes(b"\0" * 100)
    assert list(machine_paths(tmp_path, ["/home/somebody/tether"])) == []
    # Across the border of two blocks that are read.
    (tmp_path / "module").write_bytes(b"\0" * ((1 << 22) - 5) + b"/home/somebody/tether/x.py")
    assert list(machine_paths(tmp_path, ["/home/somebody/tether"])) == ["module: /home/somebody/tether"]


def test_links_out_of_the_folder_and_into_nothing_are_found(tmp_path: Path) -> None:
    from artefacts.checks import dead_links, machine_paths

    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "good").symlink_to("there")
    (folder / "there").touch()
    assert list(dead_links(folder)) == []
    (folder / "out").symlink_to("../elsewhere")
    (folder / "dead").symlink_to("nowhere")
    (folder / "absolute").symlink_to(folder / "there")
    assert sorted(dead_links(folder)) == ["dead: leads nowhere", "out: leads out of the folder"]
    assert list(machine_paths(folder, [])) == [f"absolute: a link to {folder / 'there'}"]


def test_a_package_that_is_too_large_is_found(tmp_path: Path) -> None:
    from artefacts import checks

    package = tmp_path / "a.deb"
    with package.open("wb") as file:
        file.truncate(checks.LARGEST["lite"] - 1)
        assert list(checks.too_large("lite", package)) == []
        file.truncate(checks.LARGEST["lite"])
    assert list(checks.too_large("lite", package)) == ["a.deb: 90.0 MB, and must be under 90"]
    assert list(checks.too_large("full", package)) == []
