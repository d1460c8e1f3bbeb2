"""Weights are mapped, not read, and only when index and files agree."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.tiny_model import make_tiny_model
from tether_desktop.errors import ModelBroken
from tether_desktop.model.tvm.weights import open_weights


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_tiny_model(tmp_path).folder


def edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = folder / "tensor-cache.json"
    index = json.loads(path.read_text())
    change(index)
    path.write_text(json.dumps(index))


def test_every_tensor_starts_on_a_cache_line_and_can_be_written_without_changing_the_file(folder: Path) -> None:
    before = (folder / "params_shard_0.bin").read_bytes()
    weights = open_weights(folder)
    for array in weights.values():
        assert array.ctypes.data % 64 == 0
        assert array.flags.writeable
        assert array.flags.c_contiguous
    weights["final_norm"][:] = 0
    assert (folder / "params_shard_0.bin").read_bytes() == before


def test_the_older_name_of_the_index_is_known(folder: Path) -> None:
    names = open_weights(folder).keys()
    (folder / "tensor-cache.json").rename(folder / "ndarray-cache.json")
    assert open_weights(folder).keys() == names


def test_a_truncated_shard_is_named_with_both_sizes(folder: Path) -> None:
    shard = folder / "params_shard_0.bin"
    size = shard.stat().st_size
    with shard.open("r+b") as file:
        file.truncate(size - 1)
    with pytest.raises(ModelBroken) as failure:
        open_weights(folder)
    assert failure.value.message == f"params_shard_0.bin has {size - 1:,} bytes; {size:,} are expected."
    assert failure.value.hint


def test_a_missing_shard_is_named(folder: Path) -> None:
    (folder / "params_shard_0.bin").unlink()
    with pytest.raises(ModelBroken, match=r"params_shard_0\.bin is missing"):
        open_weights(folder)


def test_a_missing_index_is_named(folder: Path) -> None:
    (folder / "tensor-cache.json").unlink()
    with pytest.raises(ModelBroken, match=r"tensor-cache\.json is missing"):
        open_weights(folder)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"records": 3}', '{"records": [3]}', '{"records": [{}]}'])
def test_an_index_that_cannot_be_understood_is_told(folder: Path, content: str) -> None:
    (folder / "tensor-cache.json").write_text(content)
    with pytest.raises(ModelBroken, match=r"tensor-cache\.json"):
        open_weights(folder)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("byteOffset", 2**40, "does not lie within"),
        ("byteOffset", -64, "does not lie within"),
        ("byteOffset", 1, "no multiple of 64"),
        ("nbytes", 8, "does not lie within"),
        ("shape", [-1, -64, 2, 544], "does not lie within"),
        ("shape", [10**9], "does not lie within"),
        ("shape", "many", "cannot be understood"),
        ("dtype", "object", "does not run"),
        ("format", "f32-to-bf16", "does not run"),
    ],
)
def test_a_tensor_that_the_file_cannot_hold_is_refused(folder: Path, field: str, value: object, words: str) -> None:
    edit(folder, lambda index: index["records"][0]["records"][0].update({field: value}))
    with pytest.raises(ModelBroken, match=words):
        open_weights(folder)


@pytest.mark.parametrize("name", ["../params_shard_0.bin", "/etc/passwd", "..", "", 3])
def test_an_index_cannot_lead_out_of_the_folder(folder: Path, name: object) -> None:
    edit(folder, lambda index: index["records"][0].update(dataPath=name))
    with pytest.raises(ModelBroken, match=r"tensor-cache\.json is not a list of weight files"):
        open_weights(folder)


def test_an_empty_model_is_empty(tmp_path: Path) -> None:
    (tmp_path / "tensor-cache.json").write_text('{"records": []}')
    assert open_weights(tmp_path) == {}
