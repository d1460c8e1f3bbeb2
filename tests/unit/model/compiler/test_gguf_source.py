"""GGUF files are read strictly: whatever is in them ends in values or in a clear error."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

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
    with pytest.raises(ModelBroken, match=r"'some.number' is a whole number, not a text"):
        file.require("some.number", str)
    with pytest.raises(ModelBroken, match=r"do not say 'not.there'"):
        file.require("not.there", int)


def test_every_truncation_is_noticed(source: Path, tmp_path: Path) -> None:
    content = source.read_bytes()
    cut = tmp_path / "cut.gguf"
    for length in [*range(0, 2000, 7), *range(2000, len(content), 997), len(content) - 1]:
        cut.write_bytes(content[:length])
        with pytest.raises(ModelBroken, match=r"cut\.gguf"):
            GgufFile(cut)


@given(st.integers(0, 20_000), st.integers(0, 255))
@settings(deadline=None, max_examples=150, derandomize=True)
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
        (b"", "it is empty"),
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


def tensors(*entries: tuple[str, int, int], alignment: int = 32) -> bytes:
    """A file with F32 vectors, each of a name, elements and an offset, and 4096 bytes of content."""
    infos = b"".join(text(name) + struct.pack("<IQIQ", 1, count, 0, offset) for name, count, offset in entries)
    head = header(tensors=len(entries), fields=infos)
    return head + bytes(-len(head) % alignment) + bytes(4096)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (tensors(("a", 8, 0), ("b", 8, 16)), "'b' begins where none can"),
        (tensors(("a", 16, 0), ("b", 8, 32)), "'b' begins where none can"),
        (tensors(("a", 8, 0), ("b", 8, 0)), "'b' begins where none can"),
        (tensors(("a", 8, 0), ("b", 1024, 32)), "truncated: its tensor 'b'"),
        (tensors(("a", 8, 0), ("a", 8, 32)), "the same name 'a'"),
    ],
)
def test_tensors_must_lie_apart_and_aligned_in_the_file(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "bad.gguf"
    path.write_bytes(content)
    with pytest.raises(ModelBroken) as failure:
        GgufFile(path)
    assert words in failure.value.message


def test_tensors_may_be_in_any_order_with_gaps_between(tmp_path: Path) -> None:
    path = tmp_path / "odd.gguf"
    path.write_bytes(tensors(("b", 8, 64), ("a", 4, 0)))
    assert {name: tensor.nbytes for name, tensor in GgufFile(path).tensors.items()} == {"b": 32, "a": 16}


ONE_LIST = text("a") + struct.pack("<II", 9, 8)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (header(field_count=1, fields=ONE_LIST + struct.pack("<Q", 10_000_000)), "more than 2000000 elements"),
        (header(field_count=3, fields=ONE_LIST + struct.pack("<Q", 2_000_000)), "has '' twice"),
        (header(field_count=1, fields=struct.pack("<Q", 150 << 20)), "more than 128 MB"),
        (header(field_count=10_000_000), "more than any model"),
        (header(tensors=3_000_000), "more than any model"),
        (header(tensors=1, fields=text("t") + struct.pack("<IQQQQIQ", 4, *[2**63] * 4, 0, 0)), "truncated"),
    ],
)
def test_a_large_file_that_lies_about_its_counts_is_refused_before_they_are_believed(
    tmp_path: Path, content: bytes, words: str
) -> None:
    path = tmp_path / "large.gguf"
    with path.open("wb") as file:
        file.write(content)
        file.truncate(200 << 20)
    with pytest.raises(ModelBroken) as failure:
        GgufFile(path)
    assert words in failure.value.message


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"split.no": 5, "split.count": 2}, "cannot be file 6 of 2"),
        ({"split.no": 0, "split.count": 60_000}, "cannot be file 1 of 60000"),
        ({"split.no": 0, "split.count": 2}, "its name does not say which"),
        ({"split.no": "first"}, "'split.no' is 'first'"),
        ({"general.alignment": "wide"}, "alignment' is 'wide'"),
        ({"general.alignment": 1 << 30}, "alignment 1073741824"),
    ],
)
def test_metadata_about_the_file_itself_are_checked(tmp_path: Path, fields: dict[str, Any], words: str) -> None:
    path = tmp_path / "tiny.gguf"
    write_tiny_gguf(path, TinyConfig(), fields=fields)
    with pytest.raises(ModelBroken) as failure:
        GgufFile(path)
    assert words in failure.value.message


def test_a_file_that_becomes_shorter_while_it_is_open_is_told(tmp_path: Path) -> None:
    path = tmp_path / "tiny.gguf"
    write_tiny_gguf(path, TinyConfig())
    file = GgufFile(path)
    with path.open("r+b") as opened:
        opened.truncate(path.stat().st_size // 2)
    last = max(file.tensors.values(), key=lambda tensor: tensor.offset)
    with pytest.raises(ModelBroken, match="has become shorter"):
        last.read()
    path.unlink()
    with pytest.raises(ModelBroken, match="cannot be read"):
        last.read()


def test_rows_are_read_by_themselves(source: Path) -> None:
    tensor = GgufFile(source).tensors["token_embd.weight"]
    whole = tensor.read()
    assert whole.shape == (512, tensor.row_bytes)
    for rows in (slice(5, 9), slice(-3, None), slice(None, None, -100), slice(600, 700), slice(9, 5)):
        np.testing.assert_array_equal(tensor.read(rows), whole[rows])


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelBroken, match="it is missing"):
        GgufFile(tmp_path / "none.gguf")
