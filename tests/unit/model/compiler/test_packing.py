"""Packing loses nothing: tiles hold the very numbers of the GGML blocks."""

from __future__ import annotations

import numpy as np
import pytest
from gguf import GGMLQuantizationType
from gguf.quants import dequantize, quantize

from tests.helpers import tiles
from tether_desktop.model.compiler import packing

Q4_1, Q8_0 = GGMLQuantizationType.Q4_1, GGMLQuantizationType.Q8_0


def random_blocks(rows: int, columns: int, kind: GGMLQuantizationType) -> np.ndarray:
    values = np.random.default_rng(rows * columns).standard_normal((rows, columns)).astype(np.float32)
    return quantize(values, kind)


@pytest.mark.parametrize(("rows", "columns"), [(16, 32), (48, 64), (192, 576)])
def test_packed_4_bit_tiles_dequantize_to_exactly_what_the_source_does(rows: int, columns: int) -> None:
    blocks = random_blocks(rows, columns, Q4_1)
    packed = packing.pack_q4(blocks)
    assert packed.shape == (rows // 16, columns // 32, 320)
    np.testing.assert_array_equal(tiles.dequantize_q4(packed), dequantize(blocks, Q4_1))


@pytest.mark.parametrize(("rows", "columns"), [(16, 32), (48, 64), (192, 576)])
def test_packed_8_bit_tiles_dequantize_to_exactly_what_the_source_does(rows: int, columns: int) -> None:
    blocks = random_blocks(rows, columns, Q8_0)
    packed = packing.pack_q8(blocks)
    assert packed.shape == (rows // 16, columns // 32, 544)
    np.testing.assert_array_equal(tiles.dequantize_q8(packed), dequantize(blocks, Q8_0))


def test_a_4_bit_byte_holds_the_two_columns_that_the_kernels_expect() -> None:
    blocks = random_blocks(32, 64, Q4_1)
    weight = packing.pack_q4(blocks)
    row, group, j, b = 21, 1, 2, 3
    source = blocks.reshape(32, 2, 20)[row, group, 4 + 4 * j + b]
    assert weight[row // 16, group, j * 64 + row % 16 * 4 + b] == source


def test_an_8_bit_byte_holds_the_column_that_the_kernels_expect_offset_by_128() -> None:
    blocks = random_blocks(32, 64, Q8_0)
    weight = packing.pack_q8(blocks)
    row, group, j, b = 21, 1, 6, 3
    source = int(blocks.reshape(32, 2, 34)[row, group, 2 + 4 * j + b : 3 + 4 * j + b].view(np.int8)[0])
    assert weight[row // 16, group, j * 64 + row % 16 * 4 + b] == source + 128


def test_rope_rows_are_put_back_into_halves() -> None:
    heads, half = 3, 4
    wanted = np.arange(heads * 2 * half * 5, dtype=np.uint8).reshape(-1, 5)
    interleaved = wanted.reshape(heads, 2, half, 5).swapaxes(1, 2).reshape(-1, 5)
    assert not np.array_equal(interleaved, wanted)
    np.testing.assert_array_equal(packing.unpermute_rope_rows(interleaved, heads), wanted)


def test_tiles_of_two_matrices_alternate() -> None:
    first, second = np.full((32, 20), 1, np.uint8), np.full((32, 20), 2, np.uint8)
    rows = packing.interleave_tiles(first, second)
    assert rows[:, 0].tolist() == [1] * 16 + [2] * 16 + [1] * 16 + [2] * 16


def test_rows_are_padded_with_weights_of_zero_up_to_a_whole_tile() -> None:
    blocks = packing.pad_rows(random_blocks(17, 32, Q8_0))
    unpacked = tiles.dequantize_q8(packing.pack_q8(blocks))
    assert unpacked.shape == (32, 32)
    assert unpacked[16].any()
    assert not unpacked[17:].any()
