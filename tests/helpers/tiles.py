"""The inverse of packing: tiles back to levels and to floats, written from the format's definition."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tether_desktop.model.decoder_shape import TILE_FORMATS, TileFormat

_FORMATS = {form.tile_bytes: form for form in TILE_FORMATS.values()}


def tile_format(tiles: NDArray[np.uint8]) -> TileFormat:
    """The format of tiles, which the bytes of one tell."""
    return _FORMATS[tiles.shape[-1]]


def unpack_levels(tiles: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Tiles ``[..., N/16, G, tile bytes]`` as levels ``[..., N, G*32]``."""
    form, outer = tile_format(tiles), tiles.shape[:-1]
    if form.bits == 8:
        return _rows(tiles[..., :512].reshape(*outer, 8, 16, 4))
    quads = tiles[..., :256].reshape(*outer, 4, 16, 4)
    columns = np.concatenate([quads & 15, quads >> 4], axis=-3)
    if form.bits == 5:
        fifths = tiles[..., 256:320].reshape(*outer, 1, 16, 4) >> np.arange(8, dtype=np.uint8)[:, None, None]
        columns |= (fifths & 1) << 4
    return _rows(columns)


def unpack_halves(tiles: NDArray[np.uint8], first: int) -> NDArray[np.float32]:
    """Sixteen float16 from a byte of each tile on, as ``[..., N, G*32]``, each repeated for its 32 columns."""
    halves = np.ascontiguousarray(tiles[..., first : first + 32]).view(np.float16)
    rows = halves.swapaxes(-1, -2).reshape(*halves.shape[:-3], -1, halves.shape[-2])
    return rows.repeat(32, axis=-1).astype(np.float32)


def dequantize(tiles: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Tiles of any format as floats ``[..., N, K]``."""
    form = tile_format(tiles)
    levels, scale = unpack_levels(tiles).astype(np.float32), unpack_halves(tiles, form.level_bytes)
    if form.has_minimum:
        return np.asarray(levels * scale + unpack_halves(tiles, form.level_bytes + 32))
    return np.asarray((levels - form.zero_point) * scale)


def dequantize_tiles(tensors: dict[str, NDArray[Any]], name: str) -> NDArray[np.float32]:
    """The matrix ``name`` of a model's tensors as floats, whatever its tile format."""
    return dequantize(tensors[f"{name}.tiles"])


def _rows(columns: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """``[..., N/16, G, quads, 16 rows, 4]`` as ``[..., N, G*quads*4]``."""
    ordered = np.moveaxis(columns, -2, -4)
    return ordered.reshape(*ordered.shape[:-5], ordered.shape[-5] * 16, -1)
