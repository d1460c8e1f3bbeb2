"""Libraries: they say themselves what they are for, and nothing of them runs before."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.packed_models import SHAPE, write_library
from tether_desktop.errors import LibraryMismatch
from tether_desktop.model.decoder_shape import shape_json
from tether_desktop.model.discovery.library import fitting_libraries, read_metadata

BEST_FIRST = ("avx512_vnni", "avx_vnni", "avx2")


def test_the_metadata_is_read_from_among_native_code(tmp_path: Path) -> None:
    metadata = read_metadata(write_library(tmp_path))
    assert metadata is not None
    assert metadata.shape == SHAPE
    assert (metadata.model_type, metadata.isa, metadata.prefill_chunk_size) == ("llama", "avx2", 64)
    assert metadata.arguments == tuple(SHAPE.parameters())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x7fELF no metadata",
        b'{"tether_library"',
        b'{"tether_library":2}',
        b'{"tether_library":1,"isa":"avx2"}',
        b'{"tether_library":2,"arguments":[1,2]',
        b'{"tether_library":' + b"[" * 200_000,
        b'{"tether_library":' + b"9" * 10_000 + b"}",
    ],
)
def test_a_file_without_metadata_we_understand_is_not_a_library(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.so").write_bytes(content)
    assert read_metadata(tmp_path / "x.so") is None


@pytest.mark.parametrize(
    "change",
    [
        {"isa": 7},
        {"isa": "a" * 1000},
        {"model_type": None},
        {"prefill_chunk_size": 0},
        {"prefill_chunk_size": "64"},
        {"prefill_chunk_size": 1 << 40},
        {"arguments": 3},
        {"decoder": []},
        {"decoder": {}},
        {"decoder": {**shape_json(SHAPE), "hidden": -32}},
        {"decoder": {**shape_json(SHAPE), "hidden": 32.5}},
    ],
)
def test_metadata_that_cannot_be_true_is_none(tmp_path: Path, change: dict[str, Any]) -> None:
    assert read_metadata(write_library(tmp_path, **change)) is None


def test_a_marker_that_begins_no_metadata_does_not_hide_what_follows(tmp_path: Path) -> None:
    library = write_library(tmp_path)
    library.write_bytes(b'{"tether_library" is how it begins\xff\x00' + library.read_bytes())
    assert read_metadata(library) is not None


@pytest.mark.parametrize("before", [(1 << 20) - 3, 1 << 20, (2 << 20) - 20])
def test_metadata_is_found_wherever_it_lies_in_the_file(tmp_path: Path, before: int) -> None:
    library = write_library(tmp_path)
    library.write_bytes(bytes(before) + library.read_bytes())
    assert read_metadata(library) is not None


def test_a_file_full_of_markers_is_given_up(tmp_path: Path) -> None:
    library = write_library(tmp_path)
    library.write_bytes(b'{"tether_library"' * 33 + library.read_bytes())
    assert read_metadata(library) is None


def test_a_file_that_is_no_library_by_its_size_is_not_read(tmp_path: Path) -> None:
    library = write_library(tmp_path)
    with library.open("r+b") as file:
        file.truncate(2 << 30)
    assert read_metadata(library) is None


def test_the_best_instruction_set_of_this_processor_comes_first(tmp_path: Path) -> None:
    libraries = [write_library(tmp_path, f"{isa}.so", isa=isa) for isa in ("avx2", "avx512_vnni", "avx_vnni")]
    for isas in (BEST_FIRST, BEST_FIRST[1:], ("avx2",)):
        fitting = fitting_libraries(SHAPE, libraries, isas)
        assert [path.stem for path in fitting] == list(isas)


@pytest.mark.parametrize(
    "change",
    [
        {"hidden": 64},
        {"vocab": 32},
        {"layers": 2},
        {"norm_eps": 1e-6},
        {"qkv_bias": True},
        {"formats": {**SHAPE.formats, "o": "q4_0"}},
    ],
)
def test_a_library_that_differs_in_anything_is_not_taken_whatever_its_name(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    library = write_library(tmp_path, "Tiny-q4_1-MLC.so", decoder=shape_json(replace(SHAPE, **change)))
    with pytest.raises(LibraryMismatch, match="no compiled library") as error:
        fitting_libraries(SHAPE, [library], BEST_FIRST)
    assert "models compile" in error.value.hint


def test_models_of_the_same_shape_share_a_library(tmp_path: Path) -> None:
    library = write_library(tmp_path, model_type="mistral")
    assert fitting_libraries(SHAPE, [library], BEST_FIRST) == [library]


def test_a_library_for_another_processor_is_named_as_such(tmp_path: Path) -> None:
    library = write_library(tmp_path, isa="avx512_vnni")
    with pytest.raises(LibraryMismatch, match="made for AVX512-VNNI; this processor has AVX2") as error:
        fitting_libraries(SHAPE, [library], ("avx2",))
    assert "models compile" in error.value.hint


def test_a_processor_we_do_not_compile_for_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(LibraryMismatch, match="none of the instruction sets"):
        fitting_libraries(SHAPE, [write_library(tmp_path)], ())


def test_what_was_read_of_a_library_is_kept_until_the_file_changes(tmp_path: Path) -> None:
    library = write_library(tmp_path)
    assert fitting_libraries(SHAPE, [library], BEST_FIRST) == [library]
    content = library.read_bytes()
    library.write_bytes(content.replace(json.dumps("avx2").encode(), json.dumps("amx_int8").encode()))
    with pytest.raises(LibraryMismatch, match="made for amx_int8"):
        fitting_libraries(SHAPE, [library], BEST_FIRST)


def test_a_library_that_is_gone_is_passed_over(tmp_path: Path) -> None:
    library = write_library(tmp_path)
    assert fitting_libraries(SHAPE, [tmp_path / "libs" / "gone.so", library], BEST_FIRST) == [library]
