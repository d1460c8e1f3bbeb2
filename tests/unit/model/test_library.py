"""Libraries: they say themselves what they are for, and nothing of them runs before."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.packed_models import PARAMS, write_library
from tether_desktop.errors import LibraryMismatch
from tether_desktop.model.library import (
    ModelShape,
    Param,
    choose_library,
    find_libraries,
    parse_params,
    read_metadata,
)

SHAPE = ModelShape("llama", "q4_1", 64, 16, 2, 2, 1, 8, 1e-5, parse_params(PARAMS))
BEST_FIRST = ("avx512_vnni", "avx_vnni", "avx2")


def test_the_metadata_is_read_from_among_native_code(tmp_path: Path) -> None:
    metadata = read_metadata(write_library(tmp_path))
    assert metadata is not None
    assert metadata.shape == SHAPE
    assert (metadata.isa, metadata.prefill_chunk_size) == ("avx2", 64)
    assert metadata.arguments == tuple(param["name"] for param in PARAMS)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x7fELF no metadata",
        b'{"tether_library"',
        b'{"tether_library":1}',
        b'{"tether_library":99,"isa":"avx2"}',
        b'{"tether_library":1,"params":[1,2]',
        (
            b'{"tether_library":1,"model_type":"llama","quantization":"q","vocab_size":"many","hidden_size":1,'
            b'"num_layers":1,"params":[]}'
        ),
    ],
)
def test_a_file_without_metadata_we_understand_is_not_a_library(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.so").write_bytes(content)
    assert read_metadata(tmp_path / "x.so") is None


def test_a_marker_that_begins_no_metadata_does_not_hide_what_follows(tmp_path: Path) -> None:
    library = write_library(tmp_path)
    library.write_bytes(b'{"tether_library" is how it begins\xff\x00' + library.read_bytes())
    assert read_metadata(library) is not None


def test_libraries_of_all_systems_are_found_under_every_root(tmp_path: Path) -> None:
    names = ["a.so", "b.dll", "c.dylib"]
    for name in [*names, "d.txt", "e.so.part"]:
        write_library(tmp_path / "one", name)
    other = write_library(tmp_path / "two", "z.so")
    roots = [tmp_path / "one", tmp_path / "nowhere", tmp_path / "two"]
    assert find_libraries(roots) == [*(tmp_path / "one" / "libs" / name for name in names), other]


def test_the_best_instruction_set_of_this_processor_is_taken(tmp_path: Path) -> None:
    libraries = [write_library(tmp_path, f"{isa}.so", isa=isa) for isa in ("avx2", "avx512_vnni", "avx_vnni")]
    assert choose_library(SHAPE, libraries, BEST_FIRST).name == "avx512_vnni.so"
    assert choose_library(SHAPE, libraries, BEST_FIRST[1:]).name == "avx_vnni.so"
    assert choose_library(SHAPE, libraries, ("avx2",)).name == "avx2.so"


@pytest.mark.parametrize(
    "change",
    [
        {"quantization": "q8_0"},
        {"model_type": "qwen2"},
        {"vocab_size": 65},
        {"hidden_size": 17},
        {"num_layers": 3},
        {"params": PARAMS[:1]},
        {"params": [{**PARAMS[0], "dtype": "int8"}, PARAMS[1]]},
        {"params": [{**PARAMS[0], "shape": [4, 32]}, PARAMS[1]]},
    ],
)
def test_a_library_that_differs_in_anything_is_not_taken_whatever_its_name(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    library = write_library(tmp_path, "Tiny-q4_1-MLC.so", **change)
    with pytest.raises(LibraryMismatch, match="no compiled library") as error:
        choose_library(SHAPE, [library], BEST_FIRST)
    assert "Compile" in error.value.hint


def test_a_library_for_another_processor_is_named_as_such(tmp_path: Path) -> None:
    library = write_library(tmp_path, isa="avx512_vnni")
    with pytest.raises(LibraryMismatch, match="made for AVX512-VNNI; this processor has AVX2") as error:
        choose_library(SHAPE, [library], ("avx2",))
    assert "Compile" in error.value.hint


def test_a_processor_we_do_not_compile_for_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(LibraryMismatch, match="none of the instruction sets"):
        choose_library(SHAPE, [write_library(tmp_path)], ())


def test_the_order_of_the_tensors_does_not_matter() -> None:
    assert parse_params(reversed(PARAMS)) == SHAPE.params
    assert replace(SHAPE, params=frozenset({Param("x", (1,), "uint8")})) != SHAPE
