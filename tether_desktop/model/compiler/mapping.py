"""Source weights to the levels of a tile format, and what that changes about them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from gguf import GGMLQuantizationType

from tether_desktop.model.compiler.ggml_blocks import (
    LEVEL_FORMS,
    SUPERBLOCKS,
    Bytes,
    Floats,
    Levels,
    read_floats,
    read_levels,
    read_q6,
)
from tether_desktop.model.compiler.quantization import as_half, quantize, quantize_q6
from tether_desktop.model.decoder_shape import GROUP, TileFormat


@dataclass(frozen=True, slots=True)
class Mapping:
    """What became of a kind of matrix, or of those of its layers that are stored in one format.

    Attributes:
        matrix: one of :data:`tether_desktop.model.decoder_shape.MATRICES`.
        encodings: of its rows in the source, by name.
        tile_format: name of the format they have now.
        exact: whether every weight is what it was.
        relative_rms: root of the squared differences by the squared weights, over all rows; 0 where exact.
    """

    matrix: str
    encodings: tuple[str, ...]
    tile_format: str
    exact: bool
    relative_rms: float


@dataclass(frozen=True, slots=True)
class Deviation:
    """By how much weights were changed: sums of squares, of the differences and of the weights."""

    squared_error: float = 0.0
    squared_weights: float = 0.0

    def __add__(self, other: Deviation) -> Deviation:
        return Deviation(
            self.squared_error + other.squared_error,
            self.squared_weights + other.squared_weights,
        )

    @property
    def relative_rms(self) -> float:
        """See :class:`Mapping`."""
        return (self.squared_error / self.squared_weights) ** 0.5 if self.squared_weights else 0.0


def keeps_levels(encoding: GGMLQuantizationType, form: TileFormat) -> bool:
    """Whether tiles of that format can hold the very levels of an encoding."""
    source = LEVEL_FORMS.get(encoding)
    return source is not None and source.bits <= form.bits and (form.has_minimum or not source.has_minimum)


def is_exact(encoding: GGMLQuantizationType, form: TileFormat) -> bool:
    """Whether nothing is lost, whatever the weights are."""
    return keeps_levels(encoding, form) and encoding not in SUPERBLOCKS


def map_rows(
    rows: Bytes, encoding: GGMLQuantizationType, form: TileFormat, *, measured: bool
) -> tuple[Levels, Deviation]:
    """Rows as levels of a tile format.

    Args:
        rows: uint8[rows, bytes per row].
        encoding: of the rows, one of LEVEL_FORMS or FLOAT_ENCODINGS.
        form: of the tiles they go into.
        measured: whether to tell the deviation, which takes longer than an exact mapping itself.

    Raises:
        BadWeights: some weights are not finite, or too large for the scales of tiles.
    """
    if keeps_levels(encoding, form):
        source = read_levels(rows, encoding)
        mapped = _moved(source, form)
        return mapped, _deviation(source.floats(), mapped) if measured else Deviation()
    weights = read_floats(rows, encoding).reshape(len(rows), -1, GROUP)
    if encoding is GGMLQuantizationType.Q6_K and form.bits == 8:
        mapped = quantize_q6(*read_q6(rows), form.zero_point)
    else:
        mapped = quantize(weights, form)
    return mapped, _deviation(weights, mapped) if measured else Deviation()


def _moved(source: Levels, form: TileFormat) -> Levels:
    """The same levels, counted from the format's zero point, with scales and minimums as float16 has them."""
    scale = as_half(source.scale)
    if not form.has_minimum:
        moved = source.levels + np.uint8(form.zero_point - source.zero_point)
        return Levels(moved, scale, zero_point=form.zero_point)
    minimum = source.minimum if source.minimum is not None else scale * np.float32(-source.zero_point)
    return replace(source, scale=scale, minimum=as_half(minimum), zero_point=0)


def _deviation(weights: Floats, mapped: Levels) -> Deviation:
    return Deviation(_sum_of_squares(mapped.floats() - weights), _sum_of_squares(weights))


def _sum_of_squares(values: Floats) -> float:
    exact = values.astype(np.float64).reshape(-1)
    return float(np.einsum("i,i->", exact, exact))
