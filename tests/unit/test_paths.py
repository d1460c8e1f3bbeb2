"""Where things are kept, and how."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest

from tests.helpers.frozen import pretend_installed
from tether_desktop import paths

POSIX_ONLY = pytest.mark.skipif(sys.platform == "win32", reason="Windows has access lists instead of modes")


def test_one_variable_moves_everything_a_person_owns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TETHER_DATA_DIR", str(tmp_path / "stick"))
    for place in (paths.log_dir(), paths.database_path(), paths.settings_path()):
        assert place.is_relative_to(tmp_path / "stick")
    assert not (tmp_path / "stick").exists()


def test_a_relative_data_folder_does_not_move_with_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TETHER_DATA_DIR", "here")
    assert paths.data_dir() == tmp_path / "here"


def test_without_the_variable_the_systems_own_place_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TETHER_DATA_DIR", "")
    assert paths.data_dir().is_absolute()
    assert paths.data_dir().name == "Tether"


def test_a_checkout_keeps_models_beside_the_program_and_an_installed_program_in_the_data_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert paths.installation_root() == paths.project_root() == Path(__file__).parents[2]
    monkeypatch.setattr(paths, "__file__", str(tmp_path / "site-packages" / "tether_desktop" / "paths.py"))
    assert paths.installation_root() == paths.data_dir()


def test_a_portable_program_keeps_everything_beside_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TETHER_DATA_DIR")
    program = tmp_path / "stick — Übung"
    pretend_installed(program, monkeypatch)
    assert paths.data_dir() == paths.user_data_path("Tether", appauthor=False)
    (program / "portable").touch()
    assert paths.data_dir() == program / "data"
    assert paths.installation_root() == program / "data"
    monkeypatch.setenv("TETHER_DATA_DIR", str(tmp_path / "elsewhere"))
    assert paths.data_dir() == tmp_path / "elsewhere"


def test_the_resources_are_where_the_program_looks_for_them() -> None:
    assert (paths.resources_dir() / "icons").is_dir()


@POSIX_ONLY
def test_a_private_folder_and_its_new_parents_are_their_owners_alone(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    paths.make_private_folder(tmp_path / "a" / "b")
    paths.make_private_folder(tmp_path / "a" / "b")
    modes = [stat.S_IMODE(folder.stat().st_mode) for folder in (tmp_path, tmp_path / "a", tmp_path / "a" / "b")]
    assert modes == [0o755, 0o700, 0o700]


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.json"
    paths.write_private(path, "first\n")
    paths.write_private(path, "zweite Zeile: ü\n")
    assert path.read_bytes() == "zweite Zeile: ü\n".encode()
    assert list(path.parent.iterdir()) == [path]


def test_a_file_that_cannot_be_written_leaves_nothing_half_made(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    paths.write_private(path, "old")
    with pytest.raises(UnicodeEncodeError):
        paths.write_private(path, "\ud83d")
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


@POSIX_ONLY
def test_a_link_to_a_file_stays_a_link(tmp_path: Path) -> None:
    target, link = tmp_path / "kept elsewhere.json", tmp_path / "settings.json"
    target.write_text("old", encoding="utf-8")
    link.symlink_to(target)
    paths.write_private(link, "new")
    assert link.is_symlink()
    assert target.read_text(encoding="utf-8") == "new"
