"""The catalogue: every model folder is listed, and one that cannot be used says why and what to do."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.packed_models import (
    SHAPE,
    config_fields,
    mlc_config_fields,
    write_json,
    write_library,
    write_mlc_model,
    write_official_library,
    write_packed_model,
)
from tests.helpers.scripted_models import write_scripted_model
from tether_desktop.errors import (
    LibraryMismatch,
    LibraryUntrusted,
    ModelBroken,
    ModelError,
    ModelNotFound,
    ModelUnprepared,
)
from tether_desktop.model import catalog as catalog_module
from tether_desktop.model import model_search, trust
from tether_desktop.model.catalog import Catalog, ModelEntry
from tether_desktop.model.decoder_shape import shape_json


@pytest.fixture(autouse=True)
def avx2_computer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog_module, "supported_isas", lambda: ("avx2",))
    monkeypatch.setattr(catalog_module, "official_engine_there", lambda: False)


@pytest.fixture
def official_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A computer with MLC-LLM."""
    monkeypatch.setattr(catalog_module, "official_engine_there", lambda: True)


WEIGHT_BYTES = 5472


def only(root: Path) -> ModelEntry:
    (entry,) = Catalog([root]).list()
    return entry


def test_a_complete_model_is_usable_and_described(tmp_path: Path) -> None:
    folder, library = write_packed_model(tmp_path), write_library(tmp_path)
    assert Catalog([tmp_path]).get("Tiny-q4_1-MLC") == only(tmp_path)
    assert only(tmp_path) == ModelEntry(
        name="Tiny-q4_1-MLC",
        path=folder,
        kind="tvm",
        model_type="llama",
        quantization="q4_1t16",
        context_window=2048,
        size_bytes=WEIGHT_BYTES,
        library=library,
    )


def test_the_older_name_of_the_index_is_known(tmp_path: Path) -> None:
    folder = write_packed_model(tmp_path)
    write_library(tmp_path)
    (folder / "tensor-cache.json").rename(folder / "ndarray-cache.json")
    assert only(tmp_path).usable


def test_a_scripted_model_needs_no_weights(tmp_path: Path) -> None:
    write_scripted_model(tmp_path, context_window=99)
    entry = only(tmp_path)
    assert (entry.usable, entry.kind, entry.context_window, entry.library) == (True, "scripted", 99, None)


def test_folders_that_are_not_there_hold_no_models(tmp_path: Path) -> None:
    assert Catalog([tmp_path / "nowhere"]).list() == []
    assert Catalog([]).list() == []


def test_models_are_found_down_to_the_eighth_level(tmp_path: Path) -> None:
    write_scripted_model(tmp_path / "1" / "2" / "3" / "4" / "5" / "6" / "7", "Deep")
    write_scripted_model(tmp_path / "1" / "2" / "3" / "4" / "5" / "6" / "7" / "8", "Too deep")
    write_scripted_model(tmp_path, "High")
    assert [entry.name for entry in Catalog([tmp_path]).list()] == ["Deep", "High"]


def test_models_inside_a_model_half_made_ones_and_plain_folders_are_not_listed(tmp_path: Path) -> None:
    folder = write_scripted_model(tmp_path, "Outer")
    write_scripted_model(folder, "Inner")
    write_scripted_model(tmp_path, ".Half-made")
    (tmp_path / "notes").mkdir()
    (tmp_path / "README.md").write_text("not a folder")
    assert [entry.name for entry in Catalog([tmp_path]).list()] == ["Outer"]


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links need a privilege there")
def test_a_loop_of_links_is_not_followed(tmp_path: Path) -> None:
    write_scripted_model(tmp_path / "models", "One")
    (tmp_path / "models" / "back").symlink_to(tmp_path, target_is_directory=True)
    assert [entry.name for entry in Catalog([tmp_path]).list()] == ["One"]


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links need a privilege there")
def test_a_linked_model_is_listed(tmp_path: Path) -> None:
    write_scripted_model(tmp_path / "elsewhere", "Linked")
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "Linked").symlink_to(tmp_path / "elsewhere" / "Linked", target_is_directory=True)
    assert only(tmp_path / "dist").usable


def test_models_of_the_same_name_are_told_apart_by_their_path(tmp_path: Path) -> None:
    folders = [write_scripted_model(tmp_path / where, "Same") for where in ("one", "one/more", "two", "two/more")]
    catalog = Catalog([tmp_path / "one", tmp_path / "two"])
    names = {entry.name: entry.path for entry in catalog.list()}
    assert sorted(names.values()) == sorted(folders)
    assert names["Same"] == folders[0]
    assert all(catalog.get(name).path == path for name, path in names.items())


def damage_config(**changes: Any) -> Callable[[Path], None]:
    return lambda folder: write_json(folder / "mlc-chat-config.json", {**config_fields(), **changes})


def drop_from_config(key: str) -> Callable[[Path], None]:
    fields = {name: value for name, value in config_fields().items() if name != key}
    return lambda folder: write_json(folder / "mlc-chat-config.json", fields)


def overwrite(name: str, content: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / name).write_text(content)

    return write


def remove(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def index_of(records: str) -> Callable[[Path], None]:
    return overwrite("tensor-cache.json", f'{{"records": {records}}}')


def tensors_changed(change: Callable[[list[dict[str, Any]]], None]) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        index = json.loads((folder / "tensor-cache.json").read_text())
        change(index["records"][0]["records"])
        write_json(folder / "tensor-cache.json", index)

    return damage


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (remove("mlc-chat-config.json"), "mlc-chat-config.json is missing"),
        (overwrite("mlc-chat-config.json", "{"), "mlc-chat-config.json is not JSON"),
        (overwrite("mlc-chat-config.json", "[]"), "mlc-chat-config.json is not a JSON object"),
        (drop_from_config("model_type"), "does not say model_type"),
        (drop_from_config("quantization"), "does not say quantization"),
        (drop_from_config("context_window_size"), "does not say context_window_size"),
        (drop_from_config("rope"), "does not say rope"),
        (damage_config(context_window_size="wide"), "wrong kind"),
        (damage_config(context_window_size=0), "of no tokens"),
        (damage_config(context_window_size=-1), "wrong kind"),
        (damage_config(context_window_size=float("inf")), "wrong kind"),
        (damage_config(model_type=[]), "wrong kind"),
        (damage_config(quantization="q" * 1000), "wrong kind"),
        (damage_config(packed_from=3), "wrong kind"),
        (damage_config(decoder=[]), "description of its decoder"),
        (damage_config(decoder={}), "does not say 'layers'"),
        (damage_config(decoder={**shape_json(SHAPE), "hidden": 33}), "hidden is not a multiple"),
        (
            damage_config(decoder={**shape_json(SHAPE), "hidden": 64}),
            "embed.tiles is uint8[1, 1, 544]; uint8[1, 2, 544]",
        ),
        (damage_config(decoder={**shape_json(SHAPE), "qkv_bias": True}), "lack layers.qkv.bias"),
        (damage_config(decoder={**shape_json(SHAPE), "layers": 10**15}), "is expected"),
        (damage_config(rope={"original_context": 4096}), "lack rope.long_inv_freq"),
        (damage_config(rope={"original_context": "far"}), "wrong kind"),
        (overwrite("mlc-chat-config.json", "[" * 200_000), "nested too deeply"),
        (overwrite("mlc-chat-config.json", '{"a": ' + "9" * 10_000 + "}"), "is not JSON"),
        (overwrite("mlc-chat-config.json", '{"model_type": "\\ud800", "quantization": ""}'), "wrong kind"),
        (index_of('[{"dataPath": "a", "nbytes": -1, "records": []}]'), "not a list of weight files"),
        (index_of('[{"dataPath": "a", "nbytes": 1e400, "records": []}]'), "not a list of weight files"),
        (index_of('[{"dataPath": "/etc/passwd", "nbytes": 1, "records": []}]'), "not the name of a file"),
        (index_of('[{"dataPath": "C:x", "nbytes": 1, "records": []}]'), "not the name of a file"),
        (index_of('[{"dataPath": "..\\\\x", "nbytes": 1, "records": []}]'), "not the name of a file"),
        (
            index_of('[{"dataPath": "params_shard_0.bin", "nbytes": 544, "records": [{"name": 1}]}]'),
            "not a list of tensors",
        ),
        (tensors_changed(lambda tensors: tensors.append(tensors[0])), "lists a tensor twice"),
        (tensors_changed(lambda tensors: tensors[0].update(name="spare")), "lack embed.tiles"),
        (tensors_changed(lambda tensors: tensors[0].update(shape=[10**30, 1, 544])), "not a list of tensors"),
        (tensors_changed(lambda tensors: tensors[0].update(dtype="float64")), "embed.tiles is float64[1, 1, 544]"),
        (tensors_changed(lambda tensors: tensors.append({**tensors[0], "name": "spare"})), "which its decoder has not"),
        (remove("tensor-cache.json"), "tensor-cache.json is missing"),
        (overwrite("tensor-cache.json", '{"records": 3}'), "not a list of weight files"),
        (
            overwrite("tensor-cache.json", '{"records": [{"dataPath": "../x", "nbytes": 1, "records": []}]}'),
            "not the name of a file in the folder",
        ),
        (remove("params_shard_1.bin"), "params_shard_1.bin is missing"),
        (overwrite("params_shard_1.bin", "short"), "params_shard_1.bin has 5 bytes; 4,928 are expected"),
        (remove("tokenizer.json"), "tokenizer.json is missing"),
    ],
)
def test_a_broken_model_is_listed_with_the_reason_and_a_remedy(
    tmp_path: Path, damage: Callable[[Path], None], reason: str
) -> None:
    damage(write_packed_model(tmp_path))
    write_library(tmp_path)
    entry = only(tmp_path)
    assert not entry.usable
    assert reason in entry.reason
    assert entry.remedy
    with pytest.raises(ModelBroken, match="cannot be used") as error:
        Catalog([tmp_path]).get(entry.name)
    assert (error.value.message, error.value.hint) == (entry.reason, entry.remedy)


def test_what_is_known_of_a_broken_model_is_told(tmp_path: Path) -> None:
    (write_packed_model(tmp_path) / "params_shard_0.bin").unlink()
    entry = only(tmp_path)
    assert (entry.model_type, entry.quantization, entry.context_window) == ("llama", "q4_1t16", 2048)
    assert entry.size_bytes == WEIGHT_BYTES


def test_a_broken_script_is_listed_with_the_reason(tmp_path: Path) -> None:
    folder = write_scripted_model(tmp_path)
    (folder / "script.json").write_text("{}")
    assert "script.json" in only(tmp_path).reason


@pytest.mark.parametrize(
    "script",
    ["[" * 200_000, '{"replies": [{"match": "((", "steps": []}]}', '{"replies": [{"steps": [{"die": 1e999}]}]}'],
)
def test_a_script_that_cannot_be_is_a_reason_as_well(tmp_path: Path, script: str) -> None:
    (write_scripted_model(tmp_path) / "script.json").write_text(script)
    assert not only(tmp_path).usable
    assert "script.json" in only(tmp_path).reason


def test_a_model_without_a_library_asks_to_be_compiled(tmp_path: Path) -> None:
    write_packed_model(tmp_path)
    entry = only(tmp_path)
    assert (entry.usable, entry.library) == (False, None)
    assert "no compiled library" in entry.reason
    assert "models compile" in entry.remedy
    with pytest.raises(LibraryMismatch):
        Catalog([tmp_path]).get(entry.name)


def test_a_library_for_another_instruction_set_is_a_reason_with_a_remedy(tmp_path: Path) -> None:
    write_packed_model(tmp_path)
    write_library(tmp_path, isa="avx512_vnni")
    entry = only(tmp_path)
    assert entry.reason == "Its library is made for AVX512-VNNI; this processor has AVX2."
    assert "models compile" in entry.remedy


def test_an_unknown_model_is_told_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match="no models yet") as error:
        Catalog([tmp_path]).get("Nobody")
    assert "models add starter" in error.value.hint
    write_scripted_model(tmp_path, "Somebody")
    with pytest.raises(ModelNotFound, match="Somebody"):
        Catalog([tmp_path]).get("Nobody")


def test_every_look_is_a_fresh_one(tmp_path: Path) -> None:
    catalog = Catalog([tmp_path])
    folder = write_packed_model(tmp_path)
    assert not catalog.list()[0].usable
    write_library(tmp_path)
    assert catalog.list()[0].usable
    (folder / "params_shard_0.bin").write_bytes(b"")
    assert not catalog.list()[0].usable


def test_verifying_reads_every_byte(tmp_path: Path) -> None:
    folder = write_packed_model(tmp_path)
    catalog, seen = Catalog([tmp_path]), list[float]()
    catalog.verify(folder.name, seen.append)
    assert seen[-1] == 1.0
    (folder / "params_shard_1.bin").write_bytes(b"\x01" * 4927 + b"\x02")
    assert "damaged" not in catalog.list()[0].reason
    with pytest.raises(ModelBroken, match="is damaged: its MD5"):
        catalog.verify(folder.name)


def test_verifying_finds_a_truncated_file_before_reading(tmp_path: Path) -> None:
    folder = write_packed_model(tmp_path)
    (folder / "params_shard_0.bin").write_bytes(b"\x00" * 100)
    with pytest.raises(ModelBroken, match="has 100 bytes; 544 are expected"):
        Catalog([tmp_path]).verify(folder.name)


def test_an_index_without_checksums_can_still_be_verified_by_size(tmp_path: Path) -> None:
    folder = write_packed_model(tmp_path)
    index = json.loads((folder / "tensor-cache.json").read_text())
    for record in index["records"]:
        del record["md5sum"]
    write_json(folder / "tensor-cache.json", index)
    catalog = Catalog([tmp_path])
    catalog.verify(folder.name)
    shard = folder / index["records"][0]["dataPath"]
    shard.write_bytes(shard.read_bytes()[:-1])
    with pytest.raises(ModelBroken, match=shard.name):
        catalog.verify(folder.name)


def test_a_scripted_model_has_no_weights_to_verify(tmp_path: Path) -> None:
    fractions: list[float] = []
    Catalog([tmp_path]).verify(write_scripted_model(tmp_path).name, fractions.append)
    assert fractions == []


def write_checkpoint(root: Path, name: str = "Qwen", **weights: int) -> Path:
    """Write a Hugging Face folder of files with so many bytes."""
    folder = root / name
    folder.mkdir(parents=True)
    write_json(folder / "config.json", {"model_type": "qwen2"})
    for file, size in (weights or {"model": 10}).items():
        (folder / f"{file}.safetensors").write_bytes(bytes(size))
    return folder


def write_gguf(path: Path, size: int = 10) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(size))
    return path


def prepare(root: Path, name: str) -> Path:
    """Make the copy of source weights that compiling them makes."""
    source = Catalog([root]).source(name)
    assert source is not None
    return write_packed_model(source.prepared.parent, source.prepared.name, packed_from=source.packed_from)


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


def test_every_gguf_file_of_a_folder_is_a_model(tmp_path: Path) -> None:
    for name in ("Tiny-Q4_0.gguf", "Tiny-Q8_0.gguf"):
        write_gguf(tmp_path / "Tiny" / name)
    write_gguf(tmp_path / "Tiny" / "sub" / "Other.gguf")
    assert [entry.name for entry in Catalog([tmp_path]).list()] == ["Other", "Tiny-Q4_0", "Tiny-Q8_0"]


def test_a_split_gguf_is_one_model_and_all_its_parts_must_be_there(tmp_path: Path) -> None:
    parts = [write_gguf(tmp_path / f"Big-{number:05}-of-00003.gguf", number) for number in (1, 2, 3)]
    assert (only(tmp_path).name, only(tmp_path).path, only(tmp_path).size_bytes) == ("Big", parts[0], 6)
    parts[0].unlink()
    assert only(tmp_path).reason == f"{parts[0].name} is missing or empty."


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


def test_snapshots_in_the_cache_of_the_hub_are_called_as_their_repository(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "models--Qwen--Qwen2.5-0.5B" / "snapshots", "0123abc")
    assert only(tmp_path).name == "Qwen2.5-0.5B"


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


def test_models_that_lie_elsewhere_are_listed_with_those_here(tmp_path: Path) -> None:
    write_scripted_model(tmp_path, "Same")
    there = [ModelEntry("Same", tmp_path / "s.json", "remote"), ModelEntry("A", tmp_path / "a.json", "remote")]
    lost = ModelEntry("Lost", tmp_path, "remote", usable=False, reason="It is away.", remedy="Wait.")
    catalog = Catalog([tmp_path], others=[lambda: there, lambda: [lost]])
    assert [(entry.name, entry.kind) for entry in catalog.list()] == [
        ("A", "remote"),
        ("Lost", "remote"),
        ("Same", "scripted"),
        ("Same (2)", "remote"),
    ]
    assert catalog.get("Same (2)").path == tmp_path / "s.json"
    with pytest.raises(ModelError, match="It is away") as error:
        catalog.get("Lost")
    assert error.value.hint == "Wait."
    with pytest.raises(ModelNotFound):
        catalog.remove("A")


def test_verifying_looks_at_the_prepared_copy_of_source_weights(tmp_path: Path) -> None:
    write_gguf(tmp_path / "Tiny.gguf")
    catalog = Catalog([tmp_path])
    with pytest.raises(ModelUnprepared, match="no checksums"):
        catalog.verify("Tiny")
    copy = prepare(tmp_path, "Tiny")
    catalog.verify("Tiny")
    (copy / "params_shard_0.bin").write_bytes(b"\x07" * 544)
    with pytest.raises(ModelBroken, match="is damaged"):
        catalog.verify("Tiny")


def test_verifying_an_mlc_folder_compares_its_own_weights(tmp_path: Path) -> None:
    folder = write_mlc_model(tmp_path)
    Catalog([tmp_path]).verify(folder.name)
    (folder / "params_shard_0.bin").write_bytes(bytes([9]) * 256)
    with pytest.raises(ModelBroken, match="is damaged"):
        Catalog([tmp_path]).verify(folder.name)


def test_removing_source_weights_takes_their_parts_and_their_copy(tmp_path: Path) -> None:
    kept = write_gguf(tmp_path / "Kept.gguf")
    parts = {write_gguf(tmp_path / f"Big-{number:05}-of-00002.gguf") for number in (1, 2)}
    catalog, copy = Catalog([tmp_path]), prepare(tmp_path, "Big")
    assert {*catalog.paths("Big")} == {copy, *parts}
    catalog.remove("Big")
    assert only(tmp_path).path == kept
    assert not copy.exists()
    assert not any(part.exists() for part in parts)


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links need a privilege there")
def test_links_that_lead_nowhere_are_listed_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "gone").symlink_to(tmp_path / "not there")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    gone, loop = Catalog([tmp_path]).list()
    assert gone.reason == f"It is a link to {tmp_path / 'not there'}, which is not there."
    assert loop.reason == "It is a link that leads to itself."
    assert all(entry.remedy and not entry.usable for entry in (gone, loop))
    with pytest.raises(ModelBroken, match="leads to itself"):
        Catalog([tmp_path]).verify("loop")
    Catalog([tmp_path]).remove("loop")
    assert only(tmp_path) == gone


def test_a_folder_that_cannot_be_read_is_listed_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret, scandir = tmp_path / "secret", os.scandir
    secret.mkdir()

    def refused(path: Path) -> Any:
        if Path(path) == secret:
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refused)
    assert (only(tmp_path).name, only(tmp_path).reason) == ("secret", "It cannot be read: Permission denied.")


def test_a_model_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "dist").write_text("not a folder")
    assert "cannot be read" in only(tmp_path / "dist").reason


def test_a_model_that_is_named_as_the_model_folder_is_found(tmp_path: Path) -> None:
    folder = write_scripted_model(tmp_path, "Direct")
    assert (only(folder).name, only(folder).usable) == ("Direct", True)


def test_folders_named_twice_or_inside_each_other_give_each_model_once(tmp_path: Path) -> None:
    write_scripted_model(tmp_path / "sub", "One")
    roots = [tmp_path, tmp_path, tmp_path / "sub", tmp_path / "sub"]
    assert [entry.name for entry in Catalog(roots).list()] == ["One"]


def test_a_whole_disk_is_not_read_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_search, "MOST_FOLDERS", 5)
    for number in range(9):
        (tmp_path / str(number)).mkdir()
    write_scripted_model(tmp_path, "9")
    assert "more than 5 folders" in only(tmp_path).reason


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are none here")
@pytest.mark.parametrize("name", ["mlc-chat-config.json", "tensor-cache.json"])
def test_a_pipe_in_place_of_a_file_is_not_waited_for(tmp_path: Path, name: str) -> None:
    folder = write_packed_model(tmp_path)
    write_library(tmp_path)
    os.mkfifo(tmp_path / "libs" / "pipe.so")
    assert only(tmp_path).usable
    (folder / name).unlink()
    os.mkfifo(folder / name)
    assert only(tmp_path).reason == f"{name} is missing."


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have only names that are text")
def test_a_name_that_is_no_text_can_be_shown(tmp_path: Path) -> None:
    os.mkdir(os.fsencode(tmp_path) + b"/bad\xff")  # noqa: PTH102  (a path of bytes)
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff/model.gguf")).write_bytes(b"x")
    write_scripted_model(Path(os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff")), "S\udcff")
    names = [entry.name for entry in Catalog([tmp_path]).list()]
    assert names == ["S?", "model"]
    assert Catalog([tmp_path]).get("S?").usable


def test_looking_never_loads_anything_native(tmp_path: Path) -> None:
    write_packed_model(tmp_path)
    library = write_library(tmp_path)
    library.write_bytes(library.read_bytes() + b"no code at all")
    trust.add(library)
    loaded = {*sys.modules}
    assert only(tmp_path).usable
    assert not {name for name in sys.modules.keys() - loaded if name.split(".")[0] in {"tvm", "tvm_ffi", "mlc_llm"}}


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(data=st.data())
@settings(max_examples=60, derandomize=True, deadline=None)
def test_no_configuration_or_index_whatsoever_makes_listing_fail(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    root = tmp_path_factory.mktemp("fuzzed")
    write, fields = data.draw(
        st.sampled_from([(write_packed_model, config_fields), (write_mlc_model, mlc_config_fields)])
    )
    folder = write(root)
    config = fields()
    target = data.draw(
        st.sampled_from(
            [config, config["model_config"], *([config["decoder"], config["rope"]] if "rope" in config else [])]
        )
    )
    if target:
        target[data.draw(st.sampled_from(sorted(target)))] = data.draw(JSON_VALUES)
    index = json.loads((folder / "tensor-cache.json").read_text())
    shard = data.draw(st.sampled_from(index["records"]))
    record = data.draw(st.sampled_from([index, shard, *shard["records"]]))
    record[data.draw(st.sampled_from(sorted(record)))] = data.draw(JSON_VALUES)
    write_json(folder / "mlc-chat-config.json", config)
    write_json(folder / "tensor-cache.json", index)
    entry = only(root)
    assert entry.usable or (entry.reason and entry.remedy)
