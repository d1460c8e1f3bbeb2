"""GGUF files are read strictly: whatever is in them ends in values or in a clear error."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from gguf import GGUFReader
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.tiny_model import TinyConfig, write_tiny_gguf
from tether_desktop.errors import ModelBroken
from tether_desktop.model.compiler.gguf_source import GgufFile


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("gguf") / "tiny.gguf"
    write_tiny_gguf(path, TinyConfig(), fields={"general.alignment": 64, "some.number": 7, "some.list": [1, -2, 3]})
    return path


def header(*, version: int = 3, tensors: int = 0, fields: bytes = b"", field_count: int = 0) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", version, tensors, field_count) + fields


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value)) + value.encode()


def test_fields_and_tensors_are_those_that_the_reference_reader_finds(source: Path) -> None:
    file, reference = GgufFile(source), GGUFReader(source)
    for name, field in reference.fields.items():
        if not name.startswith("GGUF."):
            assert file.fields[name] == field.contents()
    assert file.tensors.keys() == {tensor.name for tensor in reference.tensors}
    for tensor in reference.tensors:
        mine = file.tensors[tensor.name]
        assert (mine.encoding, mine.shape) == (tensor.tensor_type, tuple(tensor.shape.tolist()[::-1]))
        np.testing.assert_array_equal(mine.read().reshape(-1), tensor.data.view(np.uint8).reshape(-1))


def test_values_are_asked_for_by_kind(source: Path) -> None:
    file = GgufFile(source)
    assert file.require("some.number", int) == 7
    assert file.require("some.number", float) == 7.0
    assert file.get("not.there", 5) == 5
    with pytest.raises(ModelBroken, match=r"'some.number' is int, not str"):
        file.require("some.number", str)
    with pytest.raises(ModelBroken, match=r"'not.there' is NoneType, not int"):
        file.require("not.there", int)


def test_every_truncation_is_noticed(source: Path, tmp_path: Path) -> None:
    content = source.read_bytes()
    cut = tmp_path / "cut.gguf"
    for length in [*range(0, 2000, 7), *range(2000, len(content), 997), len(content) - 1]:
        cut.write_bytes(content[:length])
        with pytest.raises(ModelBroken, match=r"cut\.gguf"):
            GgufFile(cut)


@given(st.integers(0, 20_000), st.integers(0, 255))
@settings(deadline=None, max_examples=150)
def test_no_changed_byte_leads_to_anything_but_values_or_a_clear_error(
    source: Path, tmp_path_factory: pytest.TempPathFactory, place: int, value: int
) -> None:
    content = bytearray(source.read_bytes())
    content[place % len(content)] = value
    changed = tmp_path_factory.getbasetemp() / "changed.gguf"
    changed.write_bytes(content)
    try:
        file = GgufFile(changed)
    except ModelBroken:
        return
    assert all(tensor.read().nbytes <= len(content) for tensor in file.tensors.values())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "cannot be opened"),
        (b"PK\3\4 a zip file", "not a GGUF file"),
        (header(version=1), "version 1 is not known"),
        (header(version=0x03000000), "big-endian"),
        (header(field_count=2**60), "truncated"),
        (header(tensors=2**60), "truncated"),
        (header(field_count=1, fields=struct.pack("<Q", 2**62)), "truncated"),
        (header(field_count=1, fields=text("a") + struct.pack("<I", 99)), "unknown type 99"),
        (header(field_count=1, fields=text("a") + struct.pack("<IIQ", 9, 0, 2**61)), "truncated"),
        (header(field_count=1, fields=text("a") + struct.pack("<IIQ", 9, 9, 1)), "elements of the type 9"),
        (header(field_count=1, fields=text("a") + struct.pack("<IQ", 8, 1) + b"\xff"), "not UTF-8"),
        (header(field_count=2, fields=2 * (text("a") + struct.pack("<IB", 0, 1))), "'a' twice"),
        (header(field_count=1, fields=text("general.alignment") + struct.pack("<II", 4, 48)), "no power of two"),
        (header(tensors=1, fields=text("t") + struct.pack("<I", 9) + bytes(64)), "9 dimensions"),
        (header(tensors=1, fields=text("t") + struct.pack("<IQIQ", 1, 2**62, 0, 0)), "truncated"),
        (header(tensors=1, fields=text("t") + struct.pack("<IQIQ", 1, 0, 0, 0)), "cannot have the shape"),
        (header(tensors=1, fields=text("t") + struct.pack("<IQIQ", 1, 31, 3, 0)), "type Q4_1 cannot have the shape"),
        (header(tensors=1, fields=text("t") + struct.pack("<IQIQ", 1, 32, 77, 0)), "unknown type 77"),
        (header(tensors=1, fields=text("t") + struct.pack("<IQIQ", 1, 1, 0, 2**63)), "truncated"),
        (header(tensors=2, fields=2 * (text("t") + struct.pack("<IQIQ", 1, 1, 24, 0)) + bytes(64)), "the same name"),
    ],
)
def test_a_malformed_file_is_refused_with_the_reason(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "bad.gguf"
    path.write_bytes(content)
    with pytest.raises(ModelBroken) as failure:
        GgufFile(path)
    assert words in failure.value.message
    assert failure.value.hint


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelBroken, match="cannot be opened"):
        GgufFile(tmp_path / "none.gguf")
