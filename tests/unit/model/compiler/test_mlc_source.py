"""MLC's weights stand for what MLC's own formula says, and damaged ones are refused."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gguf import GGMLQuantizationType
from gguf.quants import dequantize
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.helpers.hf_writer import to_bfloat16
from tests.helpers.mlc_writer import Format, write_shards
from tether_desktop.errors import ModelBroken, TetherError
from tether_desktop.model.compiler.mlc_source import QUANTIZATIONS, plus, read_mlc_weights
from tether_desktop.model.compiler.source import SourceTensor

ROWS, GROUPS = 3, 2
LEVELS = (np.arange(ROWS * GROUPS * 32) * 7 % 15).reshape(ROWS, GROUPS * 32)
SCALES = np.float32([[0.5, 2.0], [0.25, 0.0], [1 / 3, 1e-5]])

Record = tuple[str, NDArray[Any], str]


def packed(levels: NDArray[np.int64]) -> NDArray[np.uint32]:
    """Eight levels to a uint32, the first in the lowest bits; one at a time."""
    result = np.zeros((levels.shape[0], levels.shape[1] // 8), np.uint32)
    for row, column in np.ndindex(*levels.shape):
        result[row, column // 8] |= np.uint32(int(levels[row, column]) << (column % 8 * 4))
    return result


def meant(levels: NDArray[np.int64], scales: NDArray[np.float32]) -> NDArray[np.float32]:
    result = np.empty(levels.shape, np.float32)
    for row, column in np.ndindex(*levels.shape):
        result[row, column] = np.float32(levels[row, column] - 7) * scales[row, column // 32]
    return result


def matrix(levels: NDArray[np.int64] = LEVELS, scales: NDArray[np.float32] = SCALES) -> list[Record]:
    return [("m.q_weight", packed(levels), "uint32"), ("m.q_scale", scales.astype("<f2"), "float16")]


def floats(tensor: SourceTensor) -> NDArray[np.float32]:
    return dequantize(tensor.read(), tensor.encoding).reshape(tensor.shape)


def read(folder: Path, records: list[Record], quantization: str = "q4f16_1", form: Format = "raw") -> SourceTensor:
    write_shards(folder, records, encode_format=form)
    return read_mlc_weights(folder, quantization)["m.weight"]


def change(folder: Path, **changes: Any) -> None:
    """Change the description of the first tensor."""
    index = folder / "tensor-cache.json"
    document = json.loads(index.read_text())
    document["records"][0]["records"][0].update(changes)
    index.write_text(json.dumps(document))


def test_levels_and_scales_are_delivered_as_the_blocks_of_q4_0(tmp_path: Path) -> None:
    tensor = read(tmp_path, matrix())
    assert (tensor.name, tensor.encoding, tensor.shape) == ("m.weight", GGMLQuantizationType.Q4_0, (3, 64))
    np.testing.assert_array_equal(floats(tensor), meant(LEVELS, SCALES.astype(np.float16).astype(np.float32)))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_the_transposed_layout_means_the_same(tmp_path: Path, dtype: str) -> None:
    scales = SCALES.astype("<f2") if dtype == "float16" else to_bfloat16(SCALES)
    records = [
        ("m.q_weight", np.ascontiguousarray(packed(LEVELS).T), "uint32"),
        ("m.q_scale", np.ascontiguousarray(scales.T), dtype),
    ]
    transposed = read(tmp_path, records, "q4f16_0" if dtype == "float16" else "q4bf16_0").read().copy()
    plain = read(tmp_path, [("m.q_weight", packed(LEVELS), "uint32"), ("m.q_scale", scales, dtype)], "q4bf16_1")
    np.testing.assert_array_equal(transposed, plain.read())


def test_an_embedding_is_not_transposed(tmp_path: Path) -> None:
    records = [(name.replace("m.", "model.embed_tokens."), array, dtype) for name, array, dtype in matrix()]
    write_shards(tmp_path, records)
    tensor = read_mlc_weights(tmp_path, "q4f16_0")["model.embed_tokens.weight"]
    np.testing.assert_array_equal(floats(tensor), meant(LEVELS, SCALES.astype(np.float16).astype(np.float32)))


@pytest.mark.parametrize("quantization", ["q4f16_1", "q4f16_0"])
def test_some_rows_are_those_of_the_whole(tmp_path: Path, quantization: str) -> None:
    records = matrix()
    if quantization == "q4f16_0":
        records = [(name, np.ascontiguousarray(array.T), dtype) for name, array, dtype in records]
    tensor = read(tmp_path, records, quantization)
    for rows in (slice(1), slice(1, 2), slice(2, 99), slice(1, 1)):
        np.testing.assert_array_equal(tensor.read(rows), tensor.read()[rows])


def test_scales_that_float16_cannot_hold_make_numbers_of_the_matrix(tmp_path: Path) -> None:
    tensor = read(tmp_path, [matrix()[0], ("m.q_scale", SCALES, "float32")], "q4f32_1")
    assert tensor.encoding == GGMLQuantizationType.F32
    np.testing.assert_array_equal(floats(tensor), meant(LEVELS, SCALES))
    np.testing.assert_array_equal(tensor.read(slice(1, 2)), tensor.read()[1:2])
    assert tensor.read(slice(1, 1)).shape == (0, 256)


def test_float32_that_is_stored_as_bfloat16_is_delivered_as_such(tmp_path: Path) -> None:
    values = np.float32([1.0, -0.15625, 3e38])
    tensor = read(tmp_path, [("m.weight", to_bfloat16(values), "float32")], "q0f32", "f32-to-bf16")
    assert tensor.encoding == GGMLQuantizationType.BF16
    np.testing.assert_array_equal(floats(tensor), (to_bfloat16(values).astype("<u4") << 16).view("<f4"))


@pytest.mark.parametrize(("dtype", "stored"), [("float16", "<f2"), ("float32", "<f4")])
def test_plain_weights_are_delivered_as_they_are(tmp_path: Path, dtype: str, stored: str) -> None:
    values = np.arange(12).reshape(3, 4).astype(stored)
    tensor = read(tmp_path, [("m.weight", values, dtype)], "q0f16")
    assert tensor.read().tobytes() == values.tobytes()


def test_a_number_is_added_to_vectors_alone(tmp_path: Path) -> None:
    vector = read(tmp_path, [("m.weight", np.array([1.5, 0.25], "<f2"), "float16")], "q0f16")
    assert plus(vector, -1.0).read().view("<f4").tolist() == [[0.5, -0.75]]
    assert (plus(vector, -1.0).name, plus(vector, -1.0).shape) == ("m.weight", (2,))
    blocks = read(tmp_path, matrix())
    assert plus(blocks, -1.0) is blocks


@pytest.mark.parametrize("column", [0, 1, 17, 63])
def test_a_level_that_mlc_never_writes_is_damage(tmp_path: Path, column: int) -> None:
    levels = LEVELS.copy()
    levels[1, column] = 15
    tensor = read(tmp_path, matrix(levels))
    tensor.read(slice(0, 1))
    with pytest.raises(ModelBroken, match="levels that MLC does not write"):
        tensor.read(slice(1, 2))


@pytest.mark.parametrize("scale", [np.nan, np.inf, -np.inf, 1e6])
def test_a_scale_that_is_no_number_or_too_large_is_damage(tmp_path: Path, scale: float) -> None:
    scales = to_bfloat16(np.where(SCALES == 2.0, np.float32(scale), SCALES))
    tensor = read(tmp_path, [matrix()[0], ("m.q_scale", scales, "bfloat16")], "q4bf16_1")
    with pytest.raises(ModelBroken, match="no numbers or too large"):
        tensor.read()


@pytest.mark.parametrize("quantization", ["q3f16_1", "q4f16_autoawq", "e4m3_e4m3_f16", "q4_1t16", "", "q" * 999])
def test_other_quantizations_are_refused_with_what_to_do(tmp_path: Path, quantization: str) -> None:
    assert quantization not in QUANTIZATIONS
    write_shards(tmp_path, matrix())
    with pytest.raises(ModelBroken, match=r"cannot be used.*q4f16_1.*GGUF"):
        read_mlc_weights(tmp_path, quantization)


def test_weights_in_pieces_for_several_devices_are_refused_with_what_to_do(tmp_path: Path) -> None:
    write_shards(tmp_path, [(f"{name}_shard-0", array, dtype) for name, array, dtype in matrix()])
    with pytest.raises(ModelBroken, match=r"cut into pieces.*for one device"):
        read_mlc_weights(tmp_path, "q4f16_1")


def test_a_tensor_of_another_type_is_refused_only_when_it_is_needed(tmp_path: Path) -> None:
    write_shards(tmp_path, [*matrix(), ("odd", np.zeros(4, np.int8), "int8")])
    tensors = read_mlc_weights(tmp_path, "q4f16_1")
    with pytest.raises(ModelBroken, match="'odd' has the type int8"):
        tensors["odd"].read()


@pytest.mark.parametrize(
    ("records", "words"),
    [
        (matrix()[:1], "has no scales"),
        ([matrix()[0], ("m.q_scale", SCALES.astype("<u4"), "uint32")], "of other types"),
        ([("m.q_weight", SCALES, "float32"), matrix()[1]], "of other types"),
        ([matrix()[0], ("m.q_scale", SCALES.T.astype("<f2"), "float16")], "scales of the shape"),
        ([matrix()[0], ("m.q_scale", SCALES[0].astype("<f2"), "float16")], "not quantized as"),
        (matrix(LEVELS[:, :40], SCALES), "scales of the shape"),
        ([*matrix(), ("m.weight", SCALES, "float32")], "both quantized and not"),
        ([*matrix(), matrix()[0]], "'m.q_weight' twice"),
    ],
)
def test_a_matrix_that_does_not_fit_together_is_refused(tmp_path: Path, records: list[Record], words: str) -> None:
    write_shards(tmp_path, records)
    with pytest.raises(ModelBroken) as failure:
        read_mlc_weights(tmp_path, "q4f16_1")
    assert words in failure.value.message


def test_a_quantized_matrix_in_a_folder_that_says_otherwise_is_refused(tmp_path: Path) -> None:
    write_shards(tmp_path, matrix())
    with pytest.raises(ModelBroken, match="not quantized as the configuration says"):
        read_mlc_weights(tmp_path, "q0f16")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": 5}, "no usable name"),
        ({"name": "n" * 401}, "no usable name"),
        ({"dtype": None}, "no usable name or type"),
        ({"shape": 3}, "no usable shape"),
        ({"shape": [1] * 9}, "no usable shape"),
        ({"shape": [3, 8.0]}, "cannot be"),
        ({"shape": [3, -8]}, "cannot be"),
        ({"shape": [3, 9]}, "does not fit"),
        ({"shape": [2**62, 2**62]}, "does not fit"),
        ({"nbytes": 95}, "does not fit"),
        ({"byteOffset": -1}, "cannot be"),
        ({"byteOffset": True}, "cannot be"),
        ({"byteOffset": 4}, "overlap"),
        ({"byteOffset": 2**62}, "beyond its end"),
        ({"format": "gzip"}, "unknown format"),
        ({"format": []}, "unknown format"),
    ],
)
def test_a_tensor_that_is_described_wrongly_is_refused(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    write_shards(tmp_path, matrix())
    change(tmp_path, **changes)
    with pytest.raises(ModelBroken) as failure:
        read_mlc_weights(tmp_path, "q4f16_1")
    assert words in failure.value.message
    assert len(failure.value.message) < 400
    assert failure.value.hint


def test_a_tensor_that_is_not_described_is_refused(tmp_path: Path) -> None:
    write_shards(tmp_path, matrix())
    index = tmp_path / "tensor-cache.json"
    document = json.loads(index.read_text())
    for listed in ([5], [{"name": "m"}], ["text"], [[]]):
        document["records"][0]["records"] = listed
        index.write_text(json.dumps(document))
        with pytest.raises(ModelBroken, match="not described as it should be"):
            read_mlc_weights(tmp_path, "q4f16_1")


def test_missing_and_truncated_files_are_told(tmp_path: Path) -> None:
    write_shards(tmp_path, matrix())
    shard = tmp_path / "params_shard_0.bin"
    content = shard.read_bytes()
    shard.write_bytes(content[:-1])
    with pytest.raises(ModelBroken, match="are expected"):
        read_mlc_weights(tmp_path, "q4f16_1")
    shard.unlink()
    with pytest.raises(ModelBroken, match=r"params_shard_0\.bin is missing"):
        read_mlc_weights(tmp_path, "q4f16_1")
    (tmp_path / "tensor-cache.json").unlink()
    with pytest.raises(ModelBroken, match=r"tensor-cache\.json is missing"):
        read_mlc_weights(tmp_path, "q4f16_1")


@pytest.mark.parametrize(
    ("index", "words"),
    [
        (b"{" + b" " * 5_000_000 + b"}", "over 5,000,000 bytes"),
        (b'{"records": ' + b"[" * 100_000, "nested too deeply"),
        (b'{"records": 5}', "not a list of weight files"),
        (b'{"records": [{"dataPath": "../x", "nbytes": 1, "records": []}]}', "not the name of a file"),
        (b'{"records": [{"dataPath": "x", "nbytes": Infinity, "records": []}]}', "not a list of weight files"),
        (b'{"records": [{"dataPath": "x", "nbytes": 1, "records": []}]}', "x is missing"),
    ],
)
def test_a_hostile_index_is_refused(tmp_path: Path, index: bytes, words: str) -> None:
    (tmp_path / "tensor-cache.json").write_bytes(index)
    with pytest.raises(ModelBroken) as failure:
        read_mlc_weights(tmp_path, "q4f16_1")
    assert words in failure.value.message


def test_a_link_may_not_lead_out_of_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    write_shards(folder, matrix())
    shard = folder / "params_shard_0.bin"
    shard.rename(tmp_path / "elsewhere")
    try:
        shard.symlink_to(tmp_path / "elsewhere")
    except OSError:
        pytest.skip("no links on this system")
    with pytest.raises(ModelBroken, match="leads out of the folder"):
        read_mlc_weights(folder, "q4f16_1")


PLACES = st.sampled_from([("nbytes",), ("dataPath",), ("md5sum",), ("records",), ("records", 0), ("records", 1)])
ANYTHING = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=6)
    | st.lists(st.integers(0, 99), max_size=3)
    | st.dictionaries(
        st.sampled_from(["name", "dtype", "shape", "format", "nbytes", "byteOffset"]), st.integers() | st.text()
    )
)


@given(PLACES, st.sampled_from(["name", "dtype", "shape", "format", "nbytes", "byteOffset", None]), ANYTHING)
@settings(deadline=None, max_examples=200, derandomize=True)
def test_no_index_leads_to_anything_but_tensors_or_a_clear_error(
    tmp_path_factory: pytest.TempPathFactory, place: tuple[Any, ...], key: str | None, value: Any
) -> None:
    folder = tmp_path_factory.getbasetemp() / "mutated"
    folder.mkdir(exist_ok=True)
    write_shards(folder, matrix())
    index = folder / "tensor-cache.json"
    document = json.loads(index.read_text())
    parent = document["records"][0]
    for step in place[:-1]:
        parent = parent[step]
    if key is not None and isinstance(parent[place[-1]], dict):
        parent = parent[place[-1]]
        parent[key] = value
    else:
        parent[place[-1]] = value
    index.write_text(json.dumps(document))
    with suppress(TetherError):
        for tensor in read_mlc_weights(folder, "q4f16_1").values():
            tensor.read()
