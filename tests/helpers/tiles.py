"""The inverse of packing: tiles back to rows and to floats, written from the format's definition."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def unpack_q4(weight: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Tiles ``[..., N/16, G, 256]`` as 4-bit numbers ``[..., N, G*32]``."""
    quads = weight.reshape(*weight.shape[:-1], 4, 16, 4)
    columns = np.concatenate([quads & 15, quads >> 4], axis=-3)
    return _rows(columns)


def unpack_q8(weight: NDArray[np.uint8]) -> NDArray[np.int16]:
    """Tiles ``[..., N/16, G, 512]`` as signed numbers ``[..., N, G*32]``."""
    return _rows(weight.reshape(*weight.shape[:-1], 8, 16, 4)).astype(np.int16) - 128


def unpack_scales(scale: NDArray[np.float16]) -> NDArray[np.float32]:
    """Scales ``[..., N/16, G, 16]`` as ``[..., N, G*32]``, each repeated for its 32 columns."""
    rows = scale.swapaxes(-1, -2).reshape(*scale.shape[:-3], -1, scale.shape[-2])
    return rows.repeat(32, axis=-1).astype(np.float32)


def dequantize_q4(
    weight: NDArray[np.uint8], scale: NDArray[np.float16], minimum: NDArray[np.float16]
) -> NDArray[np.float32]:
    """A 4-bit matrix as floats ``[..., N, K]``."""
    return unpack_q4(weight) * unpack_scales(scale) + unpack_scales(minimum)


def dequantize_q8(weight: NDArray[np.uint8], scale: NDArray[np.float16]) -> NDArray[np.float32]:
    """An 8-bit matrix as floats ``[..., N, K]``."""
    return unpack_q8(weight) * unpack_scales(scale)


def dequantize_tiles(tensors: dict[str, NDArray[np.float16]], name: str) -> NDArray[np.float32]:
    """The matrix ``name`` of a model's tensors as floats, whichever its number of bits."""
    weight, scale = tensors[f"{name}.weight"].view(np.uint8), tensors[f"{name}.scale"]
    if f"{name}.minimum" in tensors:
        return dequantize_q4(weight, scale, tensors[f"{name}.minimum"])
    return dequantize_q8(weight, scale)


def _rows(columns: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """``[..., N/16, G, quads, 16 rows, 4]`` as ``[..., N, G*quads*4]``."""
    ordered = np.moveaxis(columns, -2, -4)
    tiles, rows = ordered.shape[-5], 16
    return ordered.reshape(*ordered.shape[:-5], tiles * rows, -1)
