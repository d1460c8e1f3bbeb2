"""The catalogue: every model folder is listed, and one that cannot be used says why and what to do."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.packed_models import config_fields, write_json, write_library, write_packed_model
from tests.helpers.scripted_models import write_scripted_model
from tether_desktop.errors import LibraryMismatch, ModelBroken, ModelNotFound
from tether_desktop.model import catalog as catalog_module
from tether_desktop.model.catalog import Catalog, ModelEntry


@pytest.fixture(autouse=True)
def avx2_computer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog_module, "supported_isas", lambda: ("avx2",))


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
        quantization="q4_1",
        context_window=2048,
        size_bytes=192,
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


def test_models_are_found_down_to_the_fourth_level(tmp_path: Path) -> None:
    write_scripted_model(tmp_path / "a" / "b" / "c", "Deep")
    write_scripted_model(tmp_path / "a" / "b" / "c" / "d", "Too deep")
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


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (remove("mlc-chat-config.json"), "mlc-chat-config.json is missing"),
        (overwrite("mlc-chat-config.json", "{"), "mlc-chat-config.json is not JSON"),
        (overwrite("mlc-chat-config.json", "[]"), "mlc-chat-config.json is not a JSON object"),
        (drop_from_config("model_type"), "does not say model_type"),
        (drop_from_config("quantization"), "does not say quantization"),
        (drop_from_config("context_window_size"), "does not say context_window_size"),
        (drop_from_config("vocab_size"), "does not say vocab_size"),
        (drop_from_config("model_config"), "does not say model_config"),
        (damage_config(context_window_size="wide"), "wrong kind"),
        (damage_config(model_config=[]), "wrong kind"),
        (damage_config(model_config={"hidden_size": 16}), "says num_hidden_layers"),
        (damage_config(model_config={"hidden_size": "wide", "num_hidden_layers": 1}), "wrong kind"),
        (remove("tensor-cache.json"), "tensor-cache.json is missing"),
        (overwrite("tensor-cache.json", '{"records": [{"dataPath": 1}]}'), "not a list of weight files"),
        (overwrite("tensor-cache.json", '{"records": 3}'), "not a list of weight files"),
        (
            overwrite("tensor-cache.json", '{"records": [{"dataPath": "../x", "nbytes": 1, "records": []}]}'),
            "not the name of a file in the folder",
        ),
        (remove("params_shard_1.bin"), "params_shard_1.bin is missing"),
        (overwrite("params_shard_1.bin", "short"), "params_shard_1.bin has 5 bytes; 64 are expected"),
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
    assert (entry.model_type, entry.quantization, entry.context_window) == ("llama", "q4_1", 2048)
    assert entry.size_bytes == 192


@pytest.mark.parametrize("name", ["model.safetensors", "model-Q4_1.gguf"])
def test_source_weights_are_listed_as_not_compiled(tmp_path: Path, name: str) -> None:
    (tmp_path / "Source").mkdir()
    (tmp_path / "Source" / name).write_bytes(b"weights")
    entry = only(tmp_path)
    assert "source weights" in entry.reason
    assert "Compile" in entry.remedy


def test_a_broken_script_is_listed_with_the_reason(tmp_path: Path) -> None:
    folder = write_scripted_model(tmp_path)
    (folder / "script.json").write_text("{}")
    assert "script.json" in only(tmp_path).reason


def test_a_model_without_a_library_asks_to_be_compiled(tmp_path: Path) -> None:
    write_packed_model(tmp_path)
    entry = only(tmp_path)
    assert (entry.usable, entry.library) == (False, None)
    assert "no compiled library" in entry.reason
    assert "Compile" in entry.remedy
    with pytest.raises(LibraryMismatch):
        Catalog([tmp_path]).get(entry.name)


def test_a_library_for_another_instruction_set_is_a_reason_with_a_remedy(tmp_path: Path) -> None:
    write_packed_model(tmp_path)
    write_library(tmp_path, isa="avx512_vnni")
    entry = only(tmp_path)
    assert entry.reason == "Its library is made for AVX512-VNNI; this processor has AVX2."
    assert "Compile" in entry.remedy


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
    (folder / "params_shard_1.bin").write_bytes(b"\x01" * 63 + b"\x02")
    assert "damaged" not in catalog.list()[0].reason
    with pytest.raises(ModelBroken, match="is damaged: its MD5"):
        catalog.verify(folder.name)


def test_verifying_finds_a_truncated_file_before_reading(tmp_path: Path) -> None:
    folder = write_packed_model(tmp_path)
    (folder / "params_shard_0.bin").write_bytes(b"\x00" * 100)
    with pytest.raises(ModelBroken, match="has 100 bytes; 128 are expected"):
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
