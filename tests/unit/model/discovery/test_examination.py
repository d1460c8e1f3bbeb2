"""How a model is run: source weights by their copy, MLC folders by either engine, and libraries that may run."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.packed_models import (
    write_json,
    write_library,
    write_mlc_model,
    write_official_library,
    write_packed_model,
)
from tests.helpers.scripted_models import write_scripted_model
from tests.helpers.source_weights import only, prepare, write_checkpoint, write_gguf
from tether_desktop.errors import (
    LibraryUntrusted,
    ModelError,
    ModelUnprepared,
)
from tether_desktop.model.discovery import trust
from tether_desktop.model.discovery.catalog import Catalog, ModelEntry

pytestmark = pytest.mark.usefixtures("avx2_computer")
WEIGHT_BYTES = 5472

SOURCES = [
    (lambda root: write_gguf(root / "Tiny-Q4_1.gguf"), "Tiny-Q4_1"),
    (lambda root: write_gguf(root / "org" / "repository" / "Tiny-Q4_1.gguf"), "Tiny-Q4_1"),
    (write_checkpoint, "Qwen"),
    (write_mlc_model, "Tiny-q4f16_1-MLC"),
]


@pytest.mark.parametrize(("write", "name"), SOURCES)
def test_source_weights_are_listed_as_not_prepared(tmp_path: Path, write: Callable[[Path], Path], name: str) -> None:
    path = write(tmp_path)
    entry = only(tmp_path)
    assert (entry.name, entry.path, entry.model_dir, entry.usable) == (name, path, path, False)
    assert entry.size_bytes > 0
    assert "not prepared for this computer" in entry.reason
    assert f"`tether models compile {name}`" in entry.remedy
    with pytest.raises(ModelUnprepared) as error:
        Catalog([tmp_path]).get(name)
    assert entry.code == error.value.code == "model_unprepared"


@pytest.mark.parametrize(("write", "name"), SOURCES)
def test_source_weights_are_loaded_from_their_prepared_copy(
    tmp_path: Path, write: Callable[[Path], Path], name: str
) -> None:
    path, library = write(tmp_path), write_library(tmp_path)
    copy = prepare(tmp_path, name)
    assert only(tmp_path) == Catalog([tmp_path]).get(name)
    assert only(tmp_path) == ModelEntry(
        name=name,
        path=path,
        model_type="llama",
        quantization="q4_1t16",
        context_window=2048,
        size_bytes=WEIGHT_BYTES,
        library=library,
        prepared=copy,
    )
    assert only(tmp_path).model_dir == copy == tmp_path / "packed" / name


@pytest.mark.parametrize(("write", "name"), SOURCES)
def test_source_weights_that_changed_are_to_be_prepared_again(
    tmp_path: Path, write: Callable[[Path], Path], name: str
) -> None:
    path = write(tmp_path)
    write_library(tmp_path)
    prepare(tmp_path, name)
    weights = (
        path if path.is_file() else next(file for file in path.iterdir() if file.suffix in {".bin", ".safetensors"})
    )
    times = weights.stat()
    os.utime(weights, ns=(times.st_atime_ns, times.st_mtime_ns + 10**9))
    assert only(tmp_path).reason == "Its weights have changed since they were prepared."
    assert "models compile" in only(tmp_path).remedy


def test_notes_beside_the_weights_change_nothing(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path)
    write_library(tmp_path)
    prepare(tmp_path, "Qwen")
    (folder / "README.md").write_text("A note.")
    assert only(tmp_path).usable


def test_a_model_folder_may_be_moved_with_its_prepared_copies(tmp_path: Path) -> None:
    write_gguf(tmp_path / "here" / "Tiny.gguf")
    write_library(tmp_path / "here")
    prepare(tmp_path / "here", "Tiny")
    (tmp_path / "here").rename(tmp_path / "there")
    assert only(tmp_path / "there").usable


def test_a_damaged_copy_is_to_be_prepared_again(tmp_path: Path) -> None:
    write_gguf(tmp_path / "Tiny.gguf")
    copy = prepare(tmp_path, "Tiny")
    (copy / "tokenizer.json").unlink()
    entry = only(tmp_path)
    assert "damaged: tokenizer.json is missing" in entry.reason
    assert "Prepare it again" in entry.remedy


def test_a_copy_without_a_library_asks_to_be_compiled(tmp_path: Path) -> None:
    write_gguf(tmp_path / "Tiny.gguf")
    prepare(tmp_path, "Tiny")
    assert (only(tmp_path).usable, only(tmp_path).code) == (False, "library_mismatch")


def test_sources_of_the_same_name_have_copies_of_their_own(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        write_gguf(tmp_path / folder / "Tiny.gguf")
    catalog = Catalog([tmp_path])
    copies = [prepare(tmp_path, entry.name) for entry in catalog.list()]
    assert len({*copies}) == 2
    assert all(copy.parent == tmp_path / "packed" for copy in copies)
    assert [entry.prepared for entry in catalog.list()] == copies


def test_a_copy_of_something_else_is_left_alone(tmp_path: Path) -> None:
    write_gguf(tmp_path / "Tiny.gguf")
    write_packed_model(tmp_path / "packed", "Tiny", packed_from={"path": "../../elsewhere.gguf"})
    source = Catalog([tmp_path]).source("Tiny")
    assert source is not None
    assert source.prepared.parent == tmp_path / "packed"
    assert not source.prepared.exists()
    assert not only(tmp_path).usable


def test_what_is_loaded_as_it_is_has_no_source(tmp_path: Path) -> None:
    write_packed_model(tmp_path)
    write_scripted_model(tmp_path)
    assert [Catalog([tmp_path]).source(name) for name in ("Tiny-q4_1-MLC", "Scripted")] == [None, None]


def test_a_checkpoint_without_its_configuration_or_a_weight_file_says_so(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path, one=3, two=4)
    index = {"weight_map": {"a": "one.safetensors", "b": "two.safetensors", "c": "two.safetensors"}}
    write_json(folder / "model.safetensors.index.json", index)
    assert (only(tmp_path).model_type, only(tmp_path).size_bytes) == ("qwen2", 7)
    (folder / "two.safetensors").unlink()
    assert only(tmp_path).reason == "two.safetensors is missing or empty."
    (folder / "config.json").unlink()
    assert only(tmp_path).reason == "config.json is missing."


@pytest.mark.parametrize("index", [{}, {"weight_map": ["a"]}, {"weight_map": {"a": "../b"}}, {"weight_map": {"a": 1}}])
def test_an_index_of_a_checkpoint_that_cannot_be_is_a_reason(tmp_path: Path, index: dict[str, Any]) -> None:
    write_json(write_checkpoint(tmp_path) / "model.safetensors.index.json", index)
    assert "is not an index of weight files" in only(tmp_path).reason


@pytest.mark.usefixtures("official_engine")
def test_an_official_library_runs_an_mlc_folder_as_it_is(tmp_path: Path) -> None:
    folder, library = write_mlc_model(tmp_path), write_official_library(tmp_path)
    trust.add(library)
    assert only(tmp_path) == ModelEntry(
        name=folder.name,
        path=folder,
        kind="mlc",
        model_type="llama",
        quantization="q4f16_1",
        context_window=4096,
        size_bytes=352,
        library=library,
    )


@pytest.mark.usefixtures("official_engine")
@pytest.mark.parametrize(
    "place", [lambda folder: folder.parent / "libs" / "Tiny" / "a.so", lambda folder: folder / "b.dll"]
)
def test_official_libraries_lie_in_folders_of_their_own_or_beside_the_weights(
    tmp_path: Path, place: Callable[[Path], Path]
) -> None:
    library, wanted = write_official_library(tmp_path), place(write_mlc_model(tmp_path))
    wanted.parent.mkdir(exist_ok=True)
    trust.add(library.rename(wanted))
    assert only(tmp_path).library == wanted


def test_without_mlc_llm_its_library_is_no_use_and_compiling_is(tmp_path: Path) -> None:
    folder = write_mlc_model(tmp_path)
    trust.add(write_official_library(tmp_path))
    entry = only(tmp_path)
    assert (entry.kind, entry.usable, entry.code) == ("tvm", False, "model_unprepared")
    assert "MLC-LLM's own engine, which is not installed" in entry.reason
    assert "Install mlc_llm" in entry.remedy
    assert f"`tether models compile {folder.name}`" in entry.remedy
    write_library(tmp_path)
    prepare(tmp_path, folder.name)
    assert only(tmp_path).usable


@pytest.mark.usefixtures("official_engine")
def test_an_official_library_that_nobody_allowed_does_not_stand_in_the_way_of_a_prepared_copy(tmp_path: Path) -> None:
    folder, official = write_mlc_model(tmp_path), write_official_library(tmp_path)
    entry = only(tmp_path)
    assert (entry.kind, entry.library, entry.code) == ("mlc", official, "library_untrusted")
    own = write_library(tmp_path)
    prepare(tmp_path, folder.name)
    assert (only(tmp_path).kind, only(tmp_path).library, only(tmp_path).usable) == ("tvm", own, True)
    trust.add(official)
    assert (only(tmp_path).kind, only(tmp_path).library, only(tmp_path).prepared) == ("mlc", official, None)


def test_a_library_that_was_not_compiled_here_asks_first(tmp_path: Path) -> None:
    folder = write_packed_model(tmp_path)
    library = write_library(tmp_path, trusted=False)
    catalog, entry = Catalog([tmp_path]), only(tmp_path)
    path, sha256 = catalog.library_in_question(folder.name)
    assert (entry.usable, entry.code, entry.library) == (False, "library_untrusted", library)
    assert "was not compiled on this computer" in entry.reason
    assert str(path) in entry.reason
    assert sha256 in entry.reason
    with pytest.raises(LibraryUntrusted):
        catalog.get(folder.name)
    catalog.trust_library(folder.name, sha256)
    assert catalog.for_loading(folder.name).library == library
    with pytest.raises(ModelError, match="no library that waits"):
        catalog.library_in_question(folder.name)


def test_a_library_that_is_exchanged_behind_the_scenes_is_not_loaded(tmp_path: Path) -> None:
    folder, library = write_packed_model(tmp_path), write_library(tmp_path)
    catalog, times = Catalog([tmp_path]), library.stat()
    assert catalog.get(folder.name).usable
    library.write_bytes(library.read_bytes().replace(b" code", b" evil"))
    os.utime(library, ns=(times.st_atime_ns, times.st_mtime_ns))
    with pytest.raises(LibraryUntrusted):
        catalog.for_loading(folder.name)


def test_a_library_that_may_run_is_preferred_to_a_better_one_that_asks(tmp_path: Path) -> None:
    write_packed_model(tmp_path)
    write_library(tmp_path, "a.so", trusted=False, arguments=["of another build"])
    allowed = write_library(tmp_path, "b.so")
    assert (only(tmp_path).usable, only(tmp_path).library) == (True, allowed)


def test_a_model_that_needs_no_library_has_none_to_allow(tmp_path: Path) -> None:
    write_scripted_model(tmp_path)
    with pytest.raises(ModelError, match="can be loaded as it is"):
        Catalog([tmp_path]).library_in_question("Scripted")
    with pytest.raises(ModelError, match="none that fits"):
        Catalog([tmp_path]).trust_library("Scripted", "")
