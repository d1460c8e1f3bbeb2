"""The catalogue: every model folder is listed, and one that cannot be used says why and what to do."""

from __future__ import annotations

import json
import os
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
    write_packed_model,
)
from tests.helpers.scripted_models import write_scripted_model
from tests.helpers.source_weights import only, prepare, write_gguf
from tether_desktop.errors import (
    LibraryMismatch,
    ModelBroken,
    ModelError,
    ModelNotFound,
    ModelUnprepared,
)
from tether_desktop.model.decoder_shape import shape_json
from tether_desktop.model.discovery.catalog import Catalog, ModelEntry

pytestmark = pytest.mark.usefixtures("avx2_computer")
WEIGHT_BYTES = 5472


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
        (damage_config(quantization="q4/../../elsewhere"), "wrong kind"),
        (damage_config(model_type="../../elsewhere"), "wrong kind"),
        (damage_config(model_type="\x1b[2J"), "wrong kind"),
        (damage_config(context_window_size=1 << 40), "a context window of 1099511627776 tokens"),
        (damage_config(prefill_chunk_size=1 << 31), "prompts that are read 2147483648 tokens at once"),
        (damage_config(prefill_chunk_size=63), "prompts that are read 63 tokens at once"),
        (drop_from_config("prefill_chunk_size"), "does not say prefill_chunk_size"),
        (damage_config(rope={"scale": float("nan"), "original_context": 0}), "wrong kind"),
        (damage_config(rope={"scale": 10**400, "original_context": 0}), "wrong kind"),
        (damage_config(decoder={**shape_json(SHAPE), "norm_eps": 10**400}), "is no number"),
        (damage_config(decoder={**shape_json(SHAPE), "attention_scale": float("nan")}), "cannot be computed with"),
        (damage_config(packed_from=3), "wrong kind"),
        (damage_config(decoder=[]), "description of its decoder"),
        (damage_config(decoder={}), "does not say 'layers'"),
        (damage_config(decoder={**shape_json(SHAPE), "hidden": 33}), "hidden is not a multiple"),
        (
            damage_config(decoder={**shape_json(SHAPE), "hidden": 64}),
            "embed.tiles is uint8[1, 1, 544]; uint8[1, 2, 544]",
        ),
        (damage_config(decoder={**shape_json(SHAPE), "qkv_bias": True}), "lack layers.qkv.bias"),
        (damage_config(decoder={**shape_json(SHAPE), "layers": 10**15}), "absurdly large"),
        (damage_config(rope={"scale": 1.0, "original_context": 4096}), "lack rope.long_inv_freq"),
        (damage_config(rope={"scale": 1.0, "original_context": "far"}), "wrong kind"),
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
        (tensors_changed(lambda tensors: tensors[0].update(nbytes=1)), "does not lie within params_shard_0.bin"),
        (tensors_changed(lambda tensors: tensors[0].update(byteOffset=1)), "does not lie within params_shard_0.bin"),
        (tensors_changed(lambda tensors: tensors[0].update(byteOffset="0")), "does not lie within params_shard_0.bin"),
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
