"""Rows of weights to the tiles that the kernels read; :class:`TileFormat` says how a tile is laid out.

All of a tile lies together because decoding is bound by memory: one stream is prefetched better than three.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from gguf import GGMLQuantizationType
from numpy.typing import NDArray

from tether_desktop.errors import ModelBroken
from tether_desktop.model.compiler.ggml_blocks import FLOAT_ENCODINGS, LEVEL_FORMS, Bytes, Floats, Levels
from tether_desktop.model.compiler.mapping import Deviation, map_rows
from tether_desktop.model.compiler.source import ModelSource
from tether_desktop.model.decoder_shape import MATRICES, TILE_FORMATS, TILE_ROWS, TileFormat

Tiles = NDArray[np.uint8]

PARTS = {
    "embed": ("embed",),
    "qkv": ("q", "k", "v"),
    "o": ("o",),
    "gate_up": ("gate", "up"),
    "down": ("down",),
    "lm_head": ("lm_head",),
}
"""Which matrices of the source make up each of MATRICES."""

LAYERLESS = ("embed", "lm_head")
"""The matrices that are not of a layer; they keep 8 bits even where fewer are asked for."""

_FORMS = {(form.bits, form.has_minimum): form for form in TILE_FORMATS.values()}
_BITS = (4, 5, 8)


def choose_formats(source: ModelSource, bits: int | None = None) -> dict[str, str]:
    """Name of the tile format of each of MATRICES that the model has.

    Args:
        source: the model.
        bits: see :func:`choose_format`; it is for the matrices of the layers.

    Raises:
        ModelBroken: weights are of a type that cannot be packed.
    """
    matrices = [matrix for matrix in MATRICES if matrix != "lm_head" or not source.config.tied]
    return {
        matrix: choose_format(encodings_of(source, matrix), None if matrix in LAYERLESS else bits).name
        for matrix in matrices
    }


def encodings_of(source: ModelSource, matrix: str) -> tuple[GGMLQuantizationType, ...]:
    """The encodings that a kind of matrix has in its parts and layers, each once."""
    layers = [None] if matrix in LAYERLESS else range(source.config.layers)
    found = {source.tensor(part, layer).encoding for layer in layers for part in PARTS[matrix]}
    return tuple(sorted(found))


def choose_format(encodings: Iterable[GGMLQuantizationType], bits: int | None = None) -> TileFormat:
    """The smallest format that loses nothing, or as little as any can, of rows in all of these encodings.

    Args:
        encodings: at least one.
        bits: quantize rows of more bits to so many (4, 5 or 8); None keeps what can be kept.

    Raises:
        ModelBroken: rows of such an encoding, or with so many bits, cannot be packed.
    """
    if bits is not None and bits not in _BITS:
        raise _refused(f"Weights can have 4, 5 or 8 bits, not {bits}.", "Ask for another number of bits.")
    forms = [_natural_form(encoding, bits) for encoding in encodings]
    most = max(form.bits for form in forms)
    return _FORMS[most, most < 8 and any(form.has_minimum for form in forms)]


def quantization_name(formats: dict[str, str]) -> str:
    """How the mix of formats is called in names of folders."""
    layers = {name for matrix, name in formats.items() if matrix not in LAYERLESS}
    return f"{layers.pop()}t16" if len(layers) == 1 else "mixed_t16"


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


def check_encoding(encoding: GGMLQuantizationType) -> None:
    """Make sure that rows of an encoding can be read.

    Raises:
        ModelBroken: they cannot.
    """
    if encoding not in LEVEL_FORMS and encoding not in FLOAT_ENCODINGS:
        known = ", ".join(kind.name for kind in (*LEVEL_FORMS, *FLOAT_ENCODINGS))
        raise _refused(
            f"It has weights of the type {encoding.name}; only {known} can be packed.",
            "Choose the model in another quantization, such as Q4_K_M or Q8_0.",
        )


def _natural_form(encoding: GGMLQuantizationType, bits: int | None) -> TileFormat:
    """The format in which an encoding loses least, or the best of ``bits`` when that has fewer."""
    check_encoding(encoding)
    source = LEVEL_FORMS.get(encoding)
    form = TILE_FORMATS["q8_0"] if source is None else _FORMS[source.bits, source.has_minimum]
    return form if bits is None or form.bits <= bits else _FORMS[bits, True]


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


def _refused(reason: str, hint: str) -> ModelBroken:
    return ModelBroken("The model cannot be packed", reason, hint)
