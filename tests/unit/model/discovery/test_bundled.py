"""What came with an installed program can be used at once, and stays as it is."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.helpers.frozen import pretend_installed
from tests.helpers.packed_models import SHAPE, write_library, write_packed_model
from tether_desktop.errors import LibraryUntrusted, ModelError
from tether_desktop.model.discovery import trust
from tether_desktop.model.discovery.bundled import bundled_library, is_bundled
from tether_desktop.model.discovery.catalog import Catalog
from tether_desktop.model.install.removal import plan_removal, remove
from tether_desktop.settings import Settings

NAME = "Tiny-q4_1-MLC"


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, avx2_computer: None) -> Path:
    """The bundled models of an installed program: one, with its library."""
    models = pretend_installed(tmp_path / "program", monkeypatch)
    models.mkdir()
    write_packed_model(models)
    trust.write_list(models, [write_library(models, trusted=False)])
    return models


def catalog() -> Catalog:
    return Catalog(Settings().dist_roots)


def test_a_bundled_model_is_usable_without_a_question(bundle: Path) -> None:
    entry = catalog().get(NAME)
    assert entry.usable
    assert entry.library == bundle / "libs/tiny.so"
    assert catalog().for_loading(NAME) == entry
    assert not trust.trusted_path().exists()


def test_new_models_go_into_the_persons_own_folder(bundle: Path) -> None:
    roots = Settings().dist_roots
    assert roots[-1] == bundle
    assert not is_bundled(roots[0])


def test_the_same_library_elsewhere_is_asked_about(bundle: Path, tmp_path: Path) -> None:
    stranger = shutil.copy(bundle / "libs/tiny.so", tmp_path / "tiny.so")
    assert not trust.is_trusted(Path(stranger))
    with pytest.raises(LibraryUntrusted):
        trust.check(Path(stranger))


def test_a_library_that_did_not_come_with_the_program_is_asked_about_in_its_folder_too(bundle: Path) -> None:
    with (bundle / "libs/tiny.so").open("ab") as file:
        file.write(b"changed")
    assert not trust.is_trusted(bundle / "libs/tiny.so")
    assert catalog().find(NAME).code == LibraryUntrusted.code


def test_a_link_out_of_the_bundle_is_not_of_the_bundle(bundle: Path, tmp_path: Path) -> None:
    stranger = shutil.move(bundle / "libs/tiny.so", tmp_path / "tiny.so")
    (bundle / "libs/tiny.so").symlink_to(stranger)
    assert not trust.is_trusted(bundle / "libs/tiny.so")


def test_a_bundled_library_serves_a_model_of_the_persons_own(bundle: Path) -> None:
    own = Settings().dist_roots[0]
    write_packed_model(own, "Mine-q4_1-MLC")
    assert catalog().get("Mine-q4_1-MLC").library == bundle / "libs/tiny.so"


def test_a_model_that_the_person_has_under_the_same_name_is_listed_once_and_is_theirs(bundle: Path) -> None:
    own = write_packed_model(Settings().dist_roots[0])
    assert [entry.path for entry in catalog().list()] == [own]


def test_a_bundled_model_cannot_be_removed(bundle: Path) -> None:
    for attempt in (catalog().remove, lambda name: plan_removal(catalog(), name)):
        with pytest.raises(ModelError, match="came with Tether"):
            attempt(NAME)
    assert catalog().get(NAME).usable


def test_removing_a_model_of_ones_own_leaves_the_bundled_library(bundle: Path) -> None:
    shutil.rmtree(bundle / NAME)
    write_packed_model(Settings().dist_roots[0], "Mine-q4_1-MLC")
    plan = plan_removal(catalog(), "Mine-q4_1-MLC")
    assert plan.library is None
    remove(catalog(), plan)
    assert (bundle / "libs/tiny.so").is_file()


def test_a_bundled_library_is_found_by_what_it_was_made_for(bundle: Path) -> None:
    assert bundled_library(SHAPE, "avx2") == bundle / "libs/tiny.so"
    assert bundled_library(SHAPE, "avx_vnni") is None


def test_a_checkout_has_no_bundle() -> None:
    assert bundled_library(SHAPE, "avx2") is None
    assert not is_bundled(Path(__file__))
