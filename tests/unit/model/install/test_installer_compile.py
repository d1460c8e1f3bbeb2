"""A model in the model folders gets its library, for this processor or another one, and its packed copy."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.helpers.installed import NAME, InstalledModel
from tests.helpers.scripted_models import write_scripted_model
from tests.helpers.tiny_model import TinyConfig, write_tiny_gguf
from tether_desktop.errors import InstallError, ModelBroken, ModelNotFound
from tether_desktop.model.cpu import ISA_TITLES, supported_isas
from tether_desktop.model.discovery.catalog import Catalog
from tether_desktop.model.discovery.library import read_metadata
from tether_desktop.model.discovery.model_folder import read_config
from tether_desktop.model.install.compile_job import BuildReport
from tether_desktop.model.install.installer import Installer
from tether_desktop.model.install.progress import Checked, InstallProgress

SOURCE = "mine"


def silent(_: InstallProgress) -> None:
    """Nobody watches."""


def left_in(folder: Path) -> list[Path]:
    """What lies in a folder, without the lock that stays there."""
    return sorted(path for path in folder.iterdir() if path.name != ".install.lock")


@pytest.fixture
def root(tmp_path: Path, installed_model: InstalledModel) -> Path:
    """A model folder with a source in it, and a library that fits what becomes of it."""
    root = installed_model.library_to(tmp_path / "dist")
    shutil.copy(installed_model.gguf, root / f"{SOURCE}.gguf")
    return root


async def test_a_missing_library_is_compiled(tmp_path: Path, installed_model: InstalledModel) -> None:
    shutil.copytree(installed_model.folder, tmp_path / "inner" / NAME)
    seen: list[InstallProgress] = []
    assert await Installer([tmp_path]).compile(NAME, on_progress=seen.append) == NAME
    assert Catalog([tmp_path]).get(NAME).usable
    assert {now.stage for now in seen} == {"compiling", "finishing"}


async def test_a_library_for_another_processor_is_made_beside_the_one_that_is_there(
    tmp_path: Path, installed_model: InstalledModel
) -> None:
    root = installed_model.copy_to(tmp_path)
    other = next(isa for isa in reversed(ISA_TITLES) if isa != supported_isas()[0])
    await Installer([root]).compile(NAME, isa=other, on_progress=silent)
    libraries = [read_metadata(path) for path in left_in(root / "libs")]
    assert {library.isa for library in libraries if library} == {other, supported_isas()[0]}
    assert all(library and library.shape == read_config(root / NAME).shape for library in libraries)


async def test_source_weights_get_a_packed_copy_and_stay_as_they_are(root: Path) -> None:
    content = (root / f"{SOURCE}.gguf").read_bytes()
    news: list[Checked | BuildReport] = []
    assert await Installer([root]).compile(SOURCE, on_progress=silent, on_news=news.append) == SOURCE
    entry = Catalog([root]).get(SOURCE)
    assert (entry.path, entry.model_dir) == (root / f"{SOURCE}.gguf", root / "packed" / SOURCE)
    assert (root / f"{SOURCE}.gguf").read_bytes() == content
    checked, report = news
    assert isinstance(checked, Checked)
    assert isinstance(report, BuildReport)
    assert (checked.name, len(report.mappings)) == (SOURCE, 5)


async def test_a_source_that_has_changed_is_packed_again_and_another_one_is_not(root: Path) -> None:
    await Installer([root]).compile(SOURCE, on_progress=silent)
    write_tiny_gguf(root / f"{SOURCE}.gguf", TinyConfig(seed=1))
    os.utime(root / f"{SOURCE}.gguf", (2_000_000_000, 2_000_000_000))
    assert [entry.usable for entry in Catalog([root]).list()] == [False]
    await Installer([root]).compile(SOURCE, on_progress=silent)
    assert Catalog([root]).get(SOURCE).usable
    assert left_in(root / "packed") == [root / "packed" / SOURCE]


async def test_a_source_that_is_removed_while_it_is_prepared_leaves_no_copy(root: Path) -> None:
    def remove(now: InstallProgress) -> None:
        if now.stage == "finishing":
            Catalog([root]).remove(SOURCE)

    with pytest.raises(InstallError, match="was removed while it was being prepared"):
        await Installer([root]).compile(SOURCE, on_progress=remove)
    assert Catalog([root]).list() == []
    assert left_in(root / "packed") == []


async def test_a_source_that_cannot_be_read_is_told_and_leaves_nothing(root: Path) -> None:
    (root / f"{SOURCE}.gguf").write_bytes(b"GGUF but not really")
    with pytest.raises(ModelBroken):
        await Installer([root]).compile(SOURCE, on_progress=silent)
    assert left_in(root) == [root / "libs", root / f"{SOURCE}.gguf"]


async def test_what_needs_no_library_is_told(tmp_path: Path) -> None:
    write_scripted_model(tmp_path, "Script")
    with pytest.raises(InstallError, match="needs no library"):
        await Installer([tmp_path]).compile("Script", on_progress=silent)


async def test_a_model_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match="Nobody"):
        await Installer([tmp_path]).compile("Nobody", on_progress=silent)


async def test_an_instruction_set_that_we_do_not_know_is_told(tmp_path: Path) -> None:
    with pytest.raises(InstallError, match="avx2"):
        await Installer([tmp_path]).compile("Any", isa="mmx", on_progress=silent)
