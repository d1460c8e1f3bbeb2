"""Quantized rows to the tiles that the kernels read: 16 rows by 32 columns, rows in vector lanes.

Sources are GGML blocks, ``uint8[rows, groups * bytes_per_block]``, one block per 32 columns:

- Q4_1: ``float16 scale, float16 minimum, uint8[16]``; byte ``i`` holds column ``i`` in its low nibble and
  column ``16 + i`` in its high one; ``w = q * scale + minimum``.
- Q8_0: ``float16 scale, int8[32]``; ``w = q * scale``.

Tiles keep the same numbers in another order, so packing loses nothing:

- 4 bits, 320 bytes: byte ``j*64 + row*4 + b`` holds column ``4*j + b`` in its low nibble and column
  ``16 + 4*j + b`` in its high one, for j and b in 0..3; then ``float16 scale[16]``, ``float16 minimum[16]``.
- 8 bits, 544 bytes: byte ``j*64 + row*4 + b`` holds column ``4*j + b`` as ``q + 128``, for j in 0..7, b in 0..3;
  then ``float16 scale[16]``.

All of a tile lies together because decoding is bound by memory: one stream is prefetched better than three.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tether_desktop.model.compiler.shape import TILE_ROWS

Q4_1_BYTES = 20
Q8_0_BYTES = 34

Blocks = NDArray[np.uint8]
Tiles = NDArray[np.uint8]


def pack_q4(blocks: Blocks) -> Tiles:
    """Q4_1 blocks ``[N, G*20]`` as tiles ``[N/16, G, 320]``."""
    split = blocks.reshape(len(blocks), -1, Q4_1_BYTES)
    quads = np.ascontiguousarray(split[..., 4:]).view(np.uint32)
    return np.concatenate([_tiles(quads), _tile_halves(split[..., 0:2]), _tile_halves(split[..., 2:4])], axis=-1)


def pack_q8(blocks: Blocks) -> Tiles:
    """Q8_0 blocks ``[N, G*34]`` as tiles ``[N/16, G, 544]``; bytes are offset by 128 to be unsigned."""
    split = blocks.reshape(len(blocks), -1, Q8_0_BYTES)
    quads = np.ascontiguousarray(split[..., 2:] ^ np.uint8(0x80)).view(np.uint32)
    return np.concatenate([_tiles(quads), _tile_halves(split[..., 0:2])], axis=-1)


def unpermute_rope_rows(rows: Blocks, heads: int) -> Blocks:
    """Undo GGUF's interleaved RoPE row order, for kernels that rotate halves.

    Within each head, GGUF's row ``2*i`` is row ``i`` of the first half and ``2*i + 1`` row ``i`` of the second.
    """
    pairs = rows.reshape(heads, len(rows) // heads // 2, 2, rows.shape[1])
    return pairs.swapaxes(1, 2).reshape(rows.shape)


def interleave_tiles(first: Blocks, second: Blocks) -> Blocks:
    """Rows of two matrices ``[N, bytes]``, taking 16 from each in turn: ``[2*N, bytes]``."""
    halves = [rows.reshape(-1, TILE_ROWS, rows.shape[1]) for rows in (first, second)]
    return np.stack(halves, axis=1).reshape(-1, first.shape[1])


def pad_rows(rows: Blocks) -> Blocks:
    """Rows followed by zero rows up to a multiple of 16; a block of zeros means 32 weights of 0."""
    missing = -len(rows) % TILE_ROWS
    return np.pad(rows, ((0, missing), (0, 0))) if missing else rows


def _tiles(quads: NDArray[np.uint32]) -> Tiles:
    """Column quads ``[N, G, q]`` as bytes ``[N/16, G, q*64]``, quad major and row minor."""
    rows, groups, per_row = quads.shape
    ordered = quads.reshape(rows // TILE_ROWS, TILE_ROWS, groups, per_row).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(ordered).reshape(rows // TILE_ROWS, groups, -1).view(np.uint8)


def _tile_halves(pairs: Blocks) -> Tiles:
    """Byte pairs ``[N, G, 2]``, each a float16, as bytes ``[N/16, G, 32]``."""
    rows, groups, _ = pairs.shape
    halves = np.ascontiguousarray(pairs).view(np.uint16).reshape(rows // TILE_ROWS, TILE_ROWS, groups)
    return np.ascontiguousarray(halves.transpose(0, 2, 1)).view(np.uint8)
