"""Where the compiler is, and what is said where it is not."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.helpers.frozen import pretend_installed
from tests.helpers.packed_models import SHAPE, write_library
from tether_desktop import paths
from tether_desktop.errors import InstallError
from tether_desktop.model.install import compiler_package
from tether_desktop.model.install.compiler_package import NOTE_NAME, check_compilable, compiler_there, use_compiler


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an installed program; the path of imports is its own afterwards."""
    pretend_installed(tmp_path / "program", monkeypatch)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return tmp_path / "program"


def put_compiler(folder: Path, **changes: str) -> Path:
    folder.mkdir(parents=True)
    note = {**compiler_package.expected_note(), **changes}
    (folder / NOTE_NAME).write_text(json.dumps(note), encoding="utf-8")
    return folder


def test_from_source_the_compiler_is_simply_there() -> None:
    before = list(sys.path)
    assert compiler_there()
    use_compiler()
    assert sys.path == before


def test_an_installed_program_without_it_says_what_to_install(program: Path) -> None:
    assert not compiler_there()
    with pytest.raises(InstallError, match="not installed") as error:
        use_compiler()
    assert "tether-desktop-compiler" in error.value.hint


@pytest.mark.parametrize("beside", [True, False])
def test_it_is_found_beside_the_program_and_in_the_data_folder(program: Path, *, beside: bool) -> None:
    folder = put_compiler((program if beside else paths.data_dir()) / "compiler")
    use_compiler()
    use_compiler()
    assert sys.path.count(str(folder)) == 1


@pytest.mark.parametrize("changes", [{"apache-tvm": "0.1"}, {"python": "2.7"}, {"system": "amiga"}])
def test_one_for_another_version_is_not_used(program: Path, changes: dict[str, str]) -> None:
    put_compiler(program / "compiler", **changes)
    with pytest.raises(InstallError, match="another version"):
        use_compiler()


def test_a_damaged_note_is_none(program: Path) -> None:
    (put_compiler(program / "compiler") / NOTE_NAME).write_text("{", encoding="utf-8")
    assert not compiler_there()


def test_a_model_is_refused_early_unless_its_library_came_along(program: Path) -> None:
    with pytest.raises(InstallError):
        check_compilable(SHAPE, "avx2")
    models = program / "_internal/models"
    models.mkdir()
    write_library(models, trusted=False)
    check_compilable(SHAPE, "avx2")
    with pytest.raises(InstallError):
        check_compilable(SHAPE, "avx_vnni")
