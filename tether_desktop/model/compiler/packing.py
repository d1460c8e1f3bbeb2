"""Rows of weights to the tiles that the kernels read; :class:`TileFormat` says how a tile is laid out.

All of a tile lies together because decoding is bound by memory: one stream is prefetched better than three.
"""

from __future__ import annotations

import numpy as np
from gguf import GGMLQuantizationType
from numpy.typing import NDArray

from tether_desktop.model.compiler.ggml_blocks import Bytes, Floats, Levels
from tether_desktop.model.compiler.mapping import Deviation, map_rows
from tether_desktop.model.decoder_shape import TILE_ROWS, TileFormat

Tiles = NDArray[np.uint8]


def pack_rows(
    rows: Bytes, encoding: GGMLQuantizationType, form: TileFormat, *, measured: bool = False
) -> tuple[Tiles, Deviation]:
    """Rows ``[N, bytes per row]`` as tiles ``[N/16, columns/32, tile bytes]``, with zero rows for what lacks of 16.

    Arguments and errors are those of :func:`~tether_desktop.model.compiler.mapping.map_rows`.
    """
    missing = -len(rows) % TILE_ROWS
    if missing:
        rows = np.pad(rows, ((0, missing), (0, 0)))
    levels, deviation = map_rows(rows, encoding, form, measured=measured)
    return pack_levels(levels, form), deviation


def pack_levels(weights: Levels, form: TileFormat) -> Tiles:
    """Levels ``[N, G, 32]`` of that format as tiles ``[N/16, G, tile bytes]``."""
    rows, groups, _ = weights.levels.shape
    tiles = np.empty((rows // TILE_ROWS, groups, form.tile_bytes), np.uint8)
    parts = [_quads(part) for part in _stored_levels(weights.levels, form.bits)]
    halves = [weights.scale] if weights.minimum is None else [weights.scale, weights.minimum]
    parts += [_halves(values) for values in halves]
    np.concatenate(parts, axis=-1, out=tiles)
    return tiles


def interleave_tiles(first: Tiles, second: Tiles) -> Tiles:
    """Rows of tiles of two matrices, one of each in turn: ``[2 * N/16, G, tile bytes]``."""
    return np.stack([first, second], axis=1).reshape(-1, *first.shape[1:])


def _stored_levels(levels: Bytes, bits: int) -> list[Bytes]:
    """The bytes of each row, ``[N, G, 4 * quads]``, in the order in which a tile has their quads."""
    if bits == 8:
        return [levels]
    low = levels & np.uint8(15)
    packed = [low[..., :16] | (low[..., 16:] << np.uint8(4))]
    if bits == 5:
        fifth = (levels >> np.uint8(4)).reshape(*levels.shape[:2], 8, 4)
        packed.append(np.packbits(fifth.swapaxes(-1, -2), axis=-1, bitorder="little")[..., 0])
    return packed


def _quads(bytes_of_rows: Bytes) -> Tiles:
    """Quads of each row ``[N, G, 4 * q]`` as ``[N/16, G, q * 64]``, quad major and row minor."""
    quads = np.ascontiguousarray(bytes_of_rows).view(np.uint32)
    rows, groups, per_row = quads.shape
    ordered = quads.reshape(rows // TILE_ROWS, TILE_ROWS, groups, per_row).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(ordered).reshape(rows // TILE_ROWS, groups, -1).view(np.uint8)


def _halves(values: Floats) -> Tiles:
    """A number of each group ``[N, G]`` as sixteen float16 of each tile, ``[N/16, G, 32]``."""
    rows, groups = values.shape
    halves = values.astype("<f2").reshape(rows // TILE_ROWS, TILE_ROWS, groups).transpose(0, 2, 1)
    return np.ascontiguousarray(halves).view(np.uint8)
