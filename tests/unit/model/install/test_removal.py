"""Removing models: what goes, what stays, and how much is freed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.helpers.packed_models import write_library, write_packed_model
from tests.helpers.scripted_models import write_scripted_model
from tether_desktop.errors import ModelNotFound
from tether_desktop.model.discovery import catalog as discovery
from tether_desktop.model.discovery.catalog import Catalog
from tether_desktop.model.install.removal import plan_removal, remove


@pytest.fixture(autouse=True)
def processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "supported_isas", lambda: ("avx2",))


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_the_last_model_of_its_kind_takes_its_library_along(tmp_path: Path) -> None:
    folder, library = write_packed_model(tmp_path, "A"), write_library(tmp_path)
    catalog = Catalog([tmp_path])
    removal = plan_removal(catalog, "A")
    assert removal.library == library
    assert removal.freed_bytes == size_of(folder) + library.stat().st_size
    remove(catalog, removal)
    assert not folder.exists()
    assert not library.exists()


def test_a_library_that_another_model_uses_stays(tmp_path: Path) -> None:
    write_packed_model(tmp_path, "A")
    write_packed_model(tmp_path, "B")
    library = write_library(tmp_path)
    catalog = Catalog([tmp_path])
    removal = plan_removal(catalog, "A")
    assert removal.library is None
    remove(catalog, removal)
    assert library.exists()
    assert catalog.get("B").library == library


def test_a_library_that_another_model_uses_by_the_time_it_is_agreed_to_stays(tmp_path: Path) -> None:
    write_packed_model(tmp_path, "A")
    library = write_library(tmp_path)
    catalog = Catalog([tmp_path])
    removal = plan_removal(catalog, "A")
    assert removal.library == library
    write_packed_model(tmp_path, "B")
    remove(catalog, removal)
    assert catalog.get("B").library == library
    assert [entry.name for entry in catalog.list()] == ["B"]


def test_what_an_earlier_removal_left_is_in_nobodys_way(tmp_path: Path) -> None:
    folder = write_packed_model(tmp_path, "A")
    left = tmp_path / ".A.removed"
    left.mkdir()
    (left / "params_shard_0.bin").write_bytes(b"half")
    catalog = Catalog([tmp_path])
    remove(catalog, plan_removal(catalog, "A"))
    assert not folder.exists()


def test_a_library_that_a_damaged_model_may_need_again_stays(tmp_path: Path) -> None:
    write_packed_model(tmp_path, "A")
    broken = write_packed_model(tmp_path, "B")
    next(broken.glob("params_shard_*.bin")).unlink()
    write_library(tmp_path)
    assert plan_removal(Catalog([tmp_path]), "A").library is None


def test_what_has_no_library_frees_what_it_is(tmp_path: Path) -> None:
    folder = write_scripted_model(tmp_path, "Scripted")
    removal = plan_removal(Catalog([tmp_path]), "Scripted")
    assert (removal.library, removal.freed_bytes) == (None, size_of(folder))


def test_what_is_gone_already_is_told(tmp_path: Path) -> None:
    folder = write_scripted_model(tmp_path, "Scripted")
    catalog = Catalog([tmp_path])
    removal = plan_removal(catalog, "Scripted")
    shutil.rmtree(folder)
    with pytest.raises(ModelNotFound):
        remove(catalog, removal)
    with pytest.raises(ModelNotFound):
        plan_removal(catalog, "Scripted")
