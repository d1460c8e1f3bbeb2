"""Safetensors are read strictly: whatever a folder holds ends in tensors or in a clear error."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gguf.quants import dequantize
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.helpers.hf_writer import Dtype, write_json, write_safetensors, write_safetensors_bytes
from tether_desktop.errors import ModelBroken, TetherError
from tether_desktop.model.compiler.safetensors_source import INDEX_NAME, read_safetensors, read_safetensors_folder

ONE = {"t": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}


def numbers() -> dict[str, np.ndarray]:
    """Tensors whose values every type holds exactly."""
    return {"m.weight": np.arange(24, dtype=np.float32).reshape(6, 4), "v.bias": np.float32([1, -2, 0.5])}


def entry(**changes: Any) -> dict[str, Any]:
    return {"t": {**ONE["t"], **changes}}


def write(path: Path, header: object, content: bytes = bytes(4), length: int | None = None) -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    write_safetensors_bytes(path, text, content, length=length)
    return path


@pytest.mark.parametrize("dtype", ["F32", "F16", "BF16"])
def test_tensors_come_back_as_they_were_written(tmp_path: Path, dtype: Dtype) -> None:
    write_safetensors(tmp_path / "model.safetensors", numbers(), dtype)
    tensors = read_safetensors_folder(tmp_path)
    assert tensors.keys() == numbers().keys()
    for name, values in numbers().items():
        assert (tensors[name].encoding.name, tensors[name].shape) == (dtype, values.shape)
        np.testing.assert_array_equal(dequantize(tensors[name].read(), tensors[name].encoding).reshape(-1), values.flat)


def test_some_rows_are_those_of_the_whole(tmp_path: Path) -> None:
    write_safetensors(tmp_path / "model.safetensors", numbers(), "BF16")
    matrix = read_safetensors_folder(tmp_path)["m.weight"]
    for rows in (slice(1, 3), slice(4, 99), slice(2), slice(3, 3)):
        np.testing.assert_array_equal(matrix.read(rows), matrix.read()[rows])


def test_the_index_says_in_which_file_a_tensor_is(tmp_path: Path) -> None:
    write_safetensors(tmp_path / "a.safetensors", {"m.weight": numbers()["m.weight"], "old": np.float32([1])})
    write_safetensors(tmp_path / "b.safetensors", {"v.bias": numbers()["v.bias"], "m.weight": np.zeros((1, 1), "f4")})
    write_json(tmp_path / INDEX_NAME, {"weight_map": {"m.weight": "a.safetensors", "v.bias": "b.safetensors"}})
    tensors = read_safetensors_folder(tmp_path)
    assert {name: tensor.shape for name, tensor in tensors.items()} == {"m.weight": (6, 4), "v.bias": (3,)}


def test_numbered_files_need_no_index_when_all_are_there(tmp_path: Path) -> None:
    for number, (name, values) in enumerate(numbers().items(), 1):
        write_safetensors(tmp_path / f"model-0000{number}-of-00002.safetensors", {name: values})
    assert read_safetensors_folder(tmp_path).keys() == numbers().keys()
    (tmp_path / "model-00002-of-00002.safetensors").rename(tmp_path / "model-00003-of-00003.safetensors")
    with pytest.raises(ModelBroken, match=f"{INDEX_NAME} is missing"):
        read_safetensors_folder(tmp_path)


def test_numbered_files_that_hold_the_same_tensor_are_refused(tmp_path: Path) -> None:
    for number in (1, 2):
        write_safetensors(tmp_path / f"model-0000{number}-of-00002.safetensors", numbers())
    with pytest.raises(ModelBroken, match=r"several of its files hold 'm\.weight'"):
        read_safetensors_folder(tmp_path)


@pytest.mark.parametrize(("dtype", "size"), [("I64", 16), ("F8_E4M3", 2), ("F4", 1), ("X9", 5)])
def test_a_tensor_of_another_type_is_refused_only_when_it_is_needed(tmp_path: Path, dtype: str, size: int) -> None:
    header = {**ONE, "odd": {"dtype": dtype, "shape": [2], "data_offsets": [4, 4 + size]}}
    tensors = read_safetensors(write(tmp_path / "x.safetensors", header, bytes(4 + size)))
    assert tensors["t"].read().tolist() == [[0, 0, 0, 0]]
    with pytest.raises(ModelBroken, match=f"'odd' has the type {dtype}"):
        _ = tensors["odd"].encoding
    with pytest.raises(ModelBroken, match=f"'odd' has the type {dtype}"):
        tensors["odd"].read()


def test_an_empty_tensor_is_refused_only_when_it_is_needed(tmp_path: Path) -> None:
    header = {**ONE, "none": {"dtype": "F32", "shape": [0, 3], "data_offsets": [4, 4]}}
    tensors = read_safetensors(write(tmp_path / "x.safetensors", header))
    with pytest.raises(ModelBroken, match="'none' has no elements"):
        tensors["none"].read()


@pytest.mark.parametrize(
    ("header", "content", "words"),
    [
        (b"", b"", "not a safetensors file"),
        (b"PK\3\4 a zip file", b"", "not a safetensors file"),
        (b"{", b"", "not JSON"),
        (b'{"a": \xff}', b"", "not JSON"),
        (b'{"a": 1, "a": 2}', b"", "'a' is there twice"),
        (b'{"a": ' + b"9" * 5000 + b"}", b"", "not JSON"),
        (b'{"a": ' * 200_000, b"", "nested too deeply"),
        (b'{"a":' + b" " * 5_000_000 + b"1}", b"", "over 5,000,000 bytes"),
        ({"t": 5}, b"", "not described"),
        ({"t": {"dtype": "F32", "shape": [1]}}, bytes(4), "not described"),
        (entry(data_offsets=[0, 2, 4]), bytes(4), "not described"),
        (entry(data_offsets=4), bytes(4), "not described"),
        (entry(dtype=7), bytes(4), "no usable name, shape or type"),
        (entry(shape=1), bytes(4), "no usable name, shape or type"),
        (entry(shape=[1] * 9), bytes(4), "no usable name, shape or type"),
        ({"t" * 401: ONE["t"]}, bytes(4), "no usable name, shape or type"),
        (entry(shape=[True]), bytes(4), "cannot be"),
        (entry(shape=[1.0]), bytes(4), "cannot be"),
        (entry(shape=[-1]), bytes(4), "cannot be"),
        (entry(shape=[2**63]), bytes(4), "cannot be"),
        (entry(data_offsets=[4, 0]), bytes(4), "cannot be"),
        (entry(data_offsets=[-4, 0]), bytes(4), "cannot be"),
        (entry(data_offsets=["0", "4"]), bytes(4), "cannot be"),
        (entry(shape=[2]), bytes(4), "does not fit F32"),
        (entry(shape=[2**62, 2**62]), bytes(4), "does not fit F32"),
        (entry(dtype="I64"), bytes(4), "does not fit I64"),
        (entry(), b"", "truncated"),
        (entry(), bytes(9), "5 bytes that belong to no tensor"),
        (entry(data_offsets=[4, 8]), bytes(8), "overlap or leave gaps"),
        ({**ONE, "u": {"dtype": "F16", "shape": [2], "data_offsets": [2, 6]}}, bytes(6), "overlap or leave gaps"),
        ({**ONE, "u": ONE["t"]}, bytes(4), "overlap or leave gaps"),
        (entry(data_offsets=[2**62, 2**62 + 4]), bytes(4), "overlap or leave gaps"),
    ],
)
def test_a_malformed_file_is_refused_with_the_reason(
    tmp_path: Path, header: object, content: bytes, words: str
) -> None:
    path = write(tmp_path / "bad.safetensors", header, content)
    with pytest.raises(ModelBroken) as failure:
        read_safetensors(path)
    assert words in failure.value.message
    assert len(failure.value.message) < 400
    assert failure.value.hint


@pytest.mark.parametrize("length", [2**63, 2**64 - 1, 70, 10**6])
def test_a_header_that_lies_about_its_length_is_refused(tmp_path: Path, length: int) -> None:
    with pytest.raises(ModelBroken, match=r"truncated|not JSON"):
        read_safetensors(write(tmp_path / "bad.safetensors", ONE, bytes(40), length=length))


def test_every_truncation_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "cut.safetensors"
    write_safetensors(path, numbers())
    content = path.read_bytes()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(ModelBroken, match=r"cut\.safetensors"):
            read_safetensors(path)


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=4))
@settings(deadline=None, max_examples=150, derandomize=True)
@example([(0, 255)])
@example([(8, 0x5B)])
def test_no_changed_byte_leads_to_anything_but_tensors_or_a_clear_error(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]]
) -> None:
    path = tmp_path_factory.getbasetemp() / "changed.safetensors"
    write_safetensors(path, numbers())
    content = bytearray(path.read_bytes())
    for place, value in changes:
        content[place % len(content)] = value
    path.write_bytes(content)
    with suppress(TetherError):
        for tensor in read_safetensors(path).values():
            assert tensor.read().nbytes <= len(content)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["F32", "BF16"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["dtype", "shape"]), inner, max_size=2),
    max_leaves=4,
)


@given(st.dictionaries(st.text(max_size=5), VALUES, max_size=3), VALUES, VALUES, VALUES)
@settings(deadline=None, max_examples=150, derandomize=True)
def test_no_header_leads_to_anything_but_tensors_or_a_clear_error(
    tmp_path_factory: pytest.TempPathFactory, others: dict[str, Any], dtype: Any, shape: Any, offsets: Any
) -> None:
    path = tmp_path_factory.getbasetemp() / "odd.safetensors"
    write(path, {**others, "t": {"dtype": dtype, "shape": shape, "data_offsets": offsets}})
    with suppress(TetherError):
        read_safetensors(path)


@pytest.mark.parametrize("name", ["../x.safetensors", "/etc/passwd", "a/b", "..", "", "C:x", "a\\b", "a\0b"])
def test_an_index_cannot_name_files_elsewhere(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    write_safetensors(tmp_path / "x.safetensors", numbers())
    write_json(folder / INDEX_NAME, {"weight_map": {"m.weight": name}})
    with pytest.raises(ModelBroken, match="not the name of a file"):
        read_safetensors_folder(folder)


@pytest.mark.parametrize(
    ("index", "words"),
    [
        ({}, "does not say where"),
        ({"weight_map": []}, "does not say where"),
        ({"weight_map": {"m.weight": 3}}, "does not say where"),
        ({"weight_map": {"m.weight": "gone.safetensors"}}, "gone.safetensors is missing"),
        ({"weight_map": {"lost": "model.safetensors"}}, "'lost' is not in model.safetensors"),
    ],
)
def test_an_index_that_does_not_fit_the_files_is_refused(tmp_path: Path, index: object, words: str) -> None:
    write_safetensors(tmp_path / "model.safetensors", numbers())
    write_json(tmp_path / INDEX_NAME, index)
    with pytest.raises(ModelBroken) as failure:
        read_safetensors_folder(tmp_path)
    assert words in failure.value.message


def link(path: Path, target: Path) -> None:
    try:
        path.symlink_to(target)
    except OSError:
        pytest.skip("no links on this system")


def test_a_link_may_not_lead_out_of_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    write_safetensors(tmp_path / "elsewhere.safetensors", numbers())
    link(folder / "model.safetensors", tmp_path / "elsewhere.safetensors")
    with pytest.raises(ModelBroken, match=r"leads out of the folder.*Copy the file"):
        read_safetensors_folder(folder)


def test_a_link_in_a_hubs_cache_leads_to_its_content(tmp_path: Path) -> None:
    snapshot, blobs = tmp_path / "models--org--name" / "snapshots" / "abc", tmp_path / "models--org--name" / "blobs"
    snapshot.mkdir(parents=True)
    blobs.mkdir()
    write_safetensors(blobs / "0123", numbers())
    link(snapshot / "model.safetensors", Path("..") / ".." / "blobs" / "0123")
    assert read_safetensors_folder(snapshot).keys() == numbers().keys()
    (snapshot / "model.safetensors").unlink()
    write_safetensors(tmp_path / "outside", numbers())
    link(snapshot / "model.safetensors", tmp_path / "outside")
    with pytest.raises(ModelBroken, match="leads out of the folder"):
        read_safetensors_folder(snapshot)


def test_a_link_to_itself_is_refused(tmp_path: Path) -> None:
    link(tmp_path / "model.safetensors", tmp_path / "model.safetensors")
    with pytest.raises(ModelBroken, match=r"model\.safetensors (cannot be opened|is missing)"):
        read_safetensors_folder(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes on this system")
def test_a_pipe_is_no_file_of_weights(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "model.safetensors")
    with pytest.raises(ModelBroken, match=r"model\.safetensors is missing"):
        read_safetensors_folder(tmp_path)


def test_pickled_weights_are_not_opened(tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x02")
    with pytest.raises(ModelBroken, match="could run code"):
        read_safetensors_folder(tmp_path)


def test_an_empty_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelBroken, match="holds no safetensors files"):
        read_safetensors_folder(tmp_path)


def test_a_file_that_shrinks_after_it_was_opened_is_told(tmp_path: Path) -> None:
    write_safetensors(tmp_path / "model.safetensors", numbers())
    tensor = read_safetensors_folder(tmp_path)["m.weight"]
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(ModelBroken, match="cannot be read"):
        tensor.read()


def test_a_file_may_be_replaced_while_no_rows_of_it_are_held(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    write_safetensors(path, numbers())
    tensor = read_safetensors_folder(tmp_path)["m.weight"]
    first = tensor.read(slice(0, 1)).copy()
    path.rename(tmp_path / "older.safetensors")
    write_safetensors(path, numbers())
    np.testing.assert_array_equal(tensor.read(slice(0, 1)), first)
