"""The inverse of packing: tiles back to rows and to floats, written from the format's definition."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def unpack_q4(tiles: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Tiles ``[..., N/16, G, 320]`` as 4-bit numbers ``[..., N, G*32]``."""
    quads = tiles[..., :256].reshape(*tiles.shape[:-1], 4, 16, 4)
    columns = np.concatenate([quads & 15, quads >> 4], axis=-3)
    return _rows(columns)


def unpack_q8(tiles: NDArray[np.uint8]) -> NDArray[np.int16]:
    """Tiles ``[..., N/16, G, 544]`` as signed numbers ``[..., N, G*32]``."""
    return _rows(tiles[..., :512].reshape(*tiles.shape[:-1], 8, 16, 4)).astype(np.int16) - 128


def unpack_scales(raw: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Sixteen float16 of each tile ``[..., N/16, G, 32]`` as ``[..., N, G*32]``, each repeated for its 32 columns."""
    scale = np.ascontiguousarray(raw).view(np.float16)
    rows = scale.swapaxes(-1, -2).reshape(*scale.shape[:-3], -1, scale.shape[-2])
    return rows.repeat(32, axis=-1).astype(np.float32)


def dequantize_q4(tiles: NDArray[np.uint8]) -> NDArray[np.float32]:
    """A 4-bit matrix as floats ``[..., N, K]``."""
    return unpack_q4(tiles) * unpack_scales(tiles[..., 256:288]) + unpack_scales(tiles[..., 288:320])


def dequantize_q8(tiles: NDArray[np.uint8]) -> NDArray[np.float32]:
    """An 8-bit matrix as floats ``[..., N, K]``."""
    return unpack_q8(tiles) * unpack_scales(tiles[..., 512:544])


def dequantize_tiles(tensors: dict[str, NDArray[Any]], name: str) -> NDArray[np.float32]:
    """The matrix ``name`` of a model's tensors as floats, whichever its number of bits."""
    tiles = tensors[f"{name}.tiles"]
    return dequantize_q4(tiles) if tiles.shape[-1] == 320 else dequantize_q8(tiles)


def _rows(columns: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """``[..., N/16, G, quads, 16 rows, 4]`` as ``[..., N, G*quads*4]``."""
    ordered = np.moveaxis(columns, -2, -4)
    tiles, rows = ordered.shape[-5], 16
    return ordered.reshape(*ordered.shape[:-5], tiles * rows, -1)
