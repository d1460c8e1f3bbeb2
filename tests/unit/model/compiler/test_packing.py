"""Rows of every encoding become tiles of every format; what can be kept is kept bit by bit."""

from __future__ import annotations

import numpy as np
import pytest
from gguf import GGMLQuantizationType
from gguf.quants import dequantize

from tests.helpers import tiles
from tests.helpers.ggml_encoders import encode
from tether_desktop.model.compiler import packing
from tether_desktop.model.compiler.formats import choose_format
from tether_desktop.model.compiler.ggml_blocks import FLOAT_ENCODINGS, LEVEL_FORMS, Levels
from tether_desktop.model.decoder_shape import TILE_FORMATS, TileFormat

ENCODINGS = (*LEVEL_FORMS, *FLOAT_ENCODINGS)
FORMATS = tuple(TILE_FORMATS.values())
EXACT = {
    ("Q4_0", "q4_0"), ("Q4_0", "q4_1"), ("Q4_0", "q5_0"), ("Q4_0", "q5_1"), ("Q4_0", "q8_0"),
    ("Q4_1", "q4_1"), ("Q4_1", "q5_1"),
    ("Q5_0", "q5_0"), ("Q5_0", "q5_1"), ("Q5_0", "q8_0"),
    ("Q5_1", "q5_1"),
    ("Q8_0", "q8_0"),
}  # fmt: skip


def random_rows(encoding: GGMLQuantizationType, rows: int = 32, columns: int = 256) -> np.ndarray:
    values = np.random.default_rng(rows * columns).standard_normal((rows, columns)).astype(np.float32)
    return encode(values, encoding)


def by_name(kind: GGMLQuantizationType | TileFormat) -> str:
    return kind.name


@pytest.mark.parametrize("form", FORMATS, ids=by_name)
@pytest.mark.parametrize("encoding", ENCODINGS, ids=by_name)
def test_tiles_stand_for_the_rows_and_the_deviation_is_told(encoding: GGMLQuantizationType, form: TileFormat) -> None:
    rows = random_rows(encoding)
    packed, deviation = packing.pack_rows(rows, encoding, form, measured=True)
    assert packed.shape == (2, 8, form.tile_bytes)
    kept, source = tiles.dequantize(packed), dequantize(rows, encoding)
    if (encoding.name, form.name) in EXACT:
        np.testing.assert_array_equal(kept, source)
    relative = np.sqrt(np.square(kept - source).sum(dtype=float) / np.square(source).sum(dtype=float))
    assert deviation.relative_rms == pytest.approx(relative, rel=1e-5)
    assert relative < {4: 0.1, 5: 0.05, 8: 0.006}[form.bits]


@pytest.mark.parametrize("name", ["Q4_K", "Q5_K"])
def test_superblocks_keep_their_levels_and_lose_only_the_rounding_of_scales(name: str) -> None:
    rows, encoding = random_rows(GGMLQuantizationType[name]), GGMLQuantizationType[name]
    form = choose_format([encoding])
    assert form.name == {"Q4_K": "q4_1", "Q5_K": "q5_1"}[name]
    packed, deviation = packing.pack_rows(rows, encoding, form, measured=True)
    kept, source = tiles.dequantize(packed), dequantize(rows, encoding)
    step = tiles.unpack_halves(packed, form.level_bytes)
    assert np.abs(kept - source).max() < 0.02 * step.max()
    assert 0 < deviation.relative_rms < 1e-3


def test_the_smallest_8_bit_number_which_ggml_does_not_write_is_kept() -> None:
    rows = random_rows(GGMLQuantizationType.Q8_0)
    rows.reshape(32, 8, 34)[:, :, 2] = 0x80
    packed, _ = packing.pack_rows(rows, GGMLQuantizationType.Q8_0, TILE_FORMATS["q8_0"])
    np.testing.assert_array_equal(tiles.dequantize(packed), dequantize(rows, GGMLQuantizationType.Q8_0))


@pytest.mark.parametrize("form", FORMATS, ids=by_name)
def test_every_level_and_scale_lies_where_the_format_says(form: TileFormat) -> None:
    random = np.random.default_rng(5)
    levels = random.integers(0, 2**form.bits, (32, 2, 32), np.uint8)
    scale, minimum = (random.random((32, 2)).astype(np.float16).astype(np.float32) for _ in range(2))
    packed = packing.pack_levels(Levels(levels, scale, minimum if form.has_minimum else None), form)
    row, group, j, b = 21, 1, 2, 3
    tile, lane = packed[row // 16, group], row % 16
    byte, low, high = tile[j * 64 + lane * 4 + b], levels[row, group, 4 * j + b], levels[row, group, 16 + 4 * j + b]
    assert byte == (low if form.bits == 8 else low % 16 + high % 16 * 16)
    if form.bits == 5:
        assert tile[256 + lane * 4 + b] >> j & 1 == low >> 4
        assert tile[256 + lane * 4 + b] >> (j + 4) & 1 == high >> 4
    halves = tile[form.level_bytes :].view(np.float16)
    assert halves[lane] == scale[row, group]
    assert not form.has_minimum or halves[16 + lane] == minimum[row, group]


@pytest.mark.parametrize("encoding", ENCODINGS, ids=by_name)
def test_rows_are_padded_with_weights_of_zero_up_to_a_whole_tile(encoding: GGMLQuantizationType) -> None:
    rows = random_rows(encoding, rows=17)
    kept = tiles.dequantize(packing.pack_rows(rows, encoding, choose_format([encoding]))[0])
    assert kept.shape == (32, 256)
    assert kept[16].any()
    assert not kept[17:].any()


def test_tiles_of_two_matrices_alternate() -> None:
    first, second = np.full((2, 3, 5), 1, np.uint8), np.full((2, 3, 5), 2, np.uint8)
    assert packing.interleave_tiles(first, second)[:, 0, 0].tolist() == [1, 2, 1, 2]
