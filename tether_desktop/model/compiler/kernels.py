"""Kernels of a decoder as emitters: each writes one step into the function that is being built.

Buffers are TVM buffers or views of one layer; activations are quantized to int8 per group of 32
columns. ``Quantized`` holds such a matrix, ``Matrix`` a weight matrix in tiles.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tvm import tirx
from tvm.tirx.script import builder as T  # noqa: N812  (TVM's own name for it)

from tether_desktop.model.compiler import vector_ir as v
from tether_desktop.model.compiler.isa import Isa
from tether_desktop.model.decoder_shape import GROUP, TILE_ROWS, Activation, TileFormat

PREFETCH_BYTES = 2048
"""How far ahead of its use a weight tile is asked for."""

_FIFTH_BITS = 256
"""Where a tile of 5 bits has the highest bit of each level."""


@dataclass(frozen=True)
class Matrix:
    """Weights in tiles of 16 rows x 32 columns.

    Attributes:
        tiles: uint8[..., rows / 16, columns / 32, tile bytes].
        form: how the weights of a tile are stored.
        at: indices before the last three, that is the layer or nothing.
    """

    tiles: Any
    form: TileFormat
    at: tuple[Any, ...] = ()

    @property
    def tile_rows(self) -> int:
        """Number of rows of tiles."""
        return int(self.tiles.shape[-3])

    @property
    def groups(self) -> int:
        """Number of groups of 32 columns."""
        return int(self.tiles.shape[-2])

    def bytes_at(self, tile_row: Any, group: Any, first: Any, count: int) -> Any:
        """``count`` consecutive bytes of a tile."""
        return self.tiles[(*self.at, tile_row, group, v.lanes(first, count))]

    def halves_at(self, tile_row: Any, group: Any, first: int, count: int) -> Any:
        """``count`` float16 values of a tile, from byte ``first``, as float32."""
        raw = self.bytes_at(tile_row, group, first, 2 * count)
        return v.to_float(tirx.reinterpret(f"float16x{count}", raw), count)


@dataclass(frozen=True)
class Quantized:
    """Activations: value[t, k] = levels[t, k] * scales[t, k / 32].

    Attributes:
        levels: int8[tokens, columns].
        scales: float32[tokens, columns / 32].
        sums: float32[tokens, columns / 32], the sum of the group's values.
    """

    levels: Any
    scales: Any
    sums: Any


def quantized_scratch(tokens: int, columns: int) -> Quantized:
    """Memory for quantized activations."""
    groups = columns // GROUP
    return Quantized(v.scratch((tokens, columns), "int8"), v.scratch((tokens, groups)), v.scratch((tokens, groups)))


def quantize_group(out: Quantized, token: Any, group: Any, low: Any, high: Any) -> None:
    """Write 32 float values, given as two vectors, as one int8 group: scale = max |x| / 127."""
    peak = v.bind(v.largest(tirx.max(tirx.abs(low), tirx.abs(high))))
    scale = v.bind(peak * v.f32(1 / 127))
    inverse = v.bind(v.f32(127.0) / tirx.max(peak, v.f32(1e-20)))
    levels = [v.bind(tirx.nearbyint(half * v.splat(inverse)).astype("int32x16")) for half in (low, high)]
    for index, half in enumerate(levels):
        v.store(out.levels, half.astype("int8x16"), token, v.lanes(group * GROUP + 16 * index))
    v.store(out.scales, scale, token, group)
    v.store(out.sums, scale * v.total_int(levels[0] + levels[1]).astype("float32"), token, group)


@dataclass(frozen=True)
class Norm:
    """RMSNorm over ``columns`` columns, with the weights of one layer or of the whole model.

    Attributes:
        weight: float32[..., columns].
        at: indices before the last one, that is the layer or nothing.
        eps: added to the mean square.
    """

    weight: Any
    columns: int
    eps: float
    at: tuple[Any, ...] = ()

    def factor(self, x: Any, token: Any, first: Any = 0) -> Any:
        """1 / the root of the mean square of ``x[token, first:first + columns]``, computed here."""
        squares = v.Register(v.floats(0.0))
        with T.serial(0, self.columns // v.WIDTH) as i:
            value = v.bind(x[token, v.lanes(first + i * v.WIDTH)])
            squares.add(value * value)
        mean = v.total(squares.get()) * v.f32(1.0 / self.columns)
        return v.bind(tirx.rsqrt(mean + v.f32(self.eps)))

    def weights(self, column: Any) -> Any:
        """Sixteen weights from a column on."""
        return self.weight[(*self.at, v.lanes(column))]

    def quantize(self, x: Any, token: Any, out: Quantized) -> None:
        """Quantize the norm of ``x[token]`` into row ``token`` of ``out``."""
        factor = self.factor(x, token)
        with T.serial(0, self.columns // GROUP) as group:
            halves = [
                v.bind(x[token, v.lanes(at)] * v.splat(factor) * self.weights(at))
                for at in (group * GROUP, group * GROUP + v.WIDTH)
            ]
            quantize_group(out, token, group, *halves)

    def add(self, x: Any, token: Any, sums: Any) -> None:
        """Add the norm of ``x[token]`` to ``sums[token]``."""
        factor = self.factor(x, token)
        with T.serial(0, self.columns // v.WIDTH) as i:
            at = v.lanes(i * v.WIDTH)
            v.store(sums, sums[token, at] + x[token, at] * v.splat(factor) * self.weights(i * v.WIDTH), token, at)


def silu(x: Any) -> Any:
    """SiLU of a float vector: x * sigmoid(x)."""
    return x / (v.floats(1.0) + v.exp(v.floats(0.0) - x))


def gelu_tanh(x: Any) -> Any:
    """GELU of a float vector by its approximation with tanh, which is x * sigmoid(2 u)."""
    u = x * (v.floats(math.sqrt(2 / math.pi)) + x * x * v.floats(0.044715 * math.sqrt(2 / math.pi)))
    return x / (v.floats(1.0) + v.exp(u * v.floats(-2.0)))


ACTIVATIONS: dict[Activation, Callable[[Any], Any]] = {"silu": silu, "gelu_tanh": gelu_tanh}


def multiply_tile_row(
    isa: Isa, w: Matrix, tile_row: Any, x: Quantized, first: Any, tokens: int, write: Callable[[int, int, Any], None]
) -> None:
    """Sixteen rows of W @ x for ``tokens`` tokens from ``first``, kept in registers.

    Args:
        write: called with the token (from 0), the row within the tile and the float32[isa.rows] result.
    """
    for row in range(0, TILE_ROWS, isa.rows):
        sums = [v.Register(v.splat(v.f32(0.0), isa.rows), isa.rows) for _ in range(tokens)]
        with T.serial(0, w.groups) as group:
            _multiply_group(isa, w, tile_row, group, row, x, first, sums)
        for token in range(tokens):
            write(token, row, sums[token].get())


def _multiply_group(
    isa: Isa, w: Matrix, tile_row: Any, group: Any, row: int, x: Quantized, first: Any, sums: list[v.Register]
) -> None:
    if row == 0:
        for line in range(0, w.form.tile_bytes, 64):
            v.prefetch(w.tiles, *w.at, tile_row, group, PREFETCH_BYTES + line)
    weights = _unpack_tile(isa, w, tile_row, group, row)
    scale, offset = _scale_and_offset(isa, w, tile_row, group, row)
    for token, total in enumerate(sums):
        at = first + token
        quads = [_repeat_quad(isa, x.levels, at, group * GROUP + 4 * j) for j in range(8)]
        product = isa.dot(weights, quads, w.form.bits).astype(f"float32x{isa.rows}")
        total.add(product * (scale * v.splat(x.scales[at, group], isa.rows)))
        if offset is not None:
            total.add(offset * v.splat(x.sums[at, group], isa.rows))


def _unpack_tile(isa: Isa, w: Matrix, tile_row: Any, group: Any, row: int) -> list[Any]:
    """Eight vectors uint8[isa.rows * 4] of the tile's rows from ``row``: columns 4j..4j+3 of each."""
    count = isa.rows * 4
    lines = 8 if w.form.bits == 8 else 4
    loaded = [v.bind(w.bytes_at(tile_row, group, 64 * j + 4 * row, count)) for j in range(lines)]
    if w.form.bits == 8:
        return loaded
    mask, shift = (v.splat(v.u8(value), count) for value in (15, 4))
    nibbles = [v.bind(x & mask) for x in loaded] + [v.bind(x >> shift) for x in loaded]
    if w.form.bits == 4:
        return nibbles
    plane = v.bind(w.bytes_at(tile_row, group, _FIFTH_BITS + 4 * row, count))
    return [v.bind(nibble | _fifth_bit(plane, j, count)) for j, nibble in enumerate(nibbles)]


def _fifth_bit(plane: Any, place: int, count: int) -> Any:
    """16 where the bit at ``place`` is set, else 0."""
    bit = v.splat(v.u8(16), count)
    distance = v.splat(v.u8(abs(4 - place)), count)
    return ((plane << distance) if place < 4 else (plane >> distance)) & bit


def _scale_and_offset(isa: Isa, w: Matrix, tile_row: Any, group: Any, row: int) -> tuple[Any, Any]:
    """Per row: what a level is worth, and what each unit of activation adds besides (or None)."""
    scale = v.bind(w.halves_at(tile_row, group, w.form.level_bytes + 2 * row, isa.rows))
    if w.form.has_minimum:
        return scale, v.bind(w.halves_at(tile_row, group, w.form.level_bytes + 2 * TILE_ROWS + 2 * row, isa.rows))
    zero_point = isa.zero_point_8bit if w.form.bits == 8 else w.form.zero_point
    if zero_point == 0:
        return scale, None
    return scale, v.bind(scale * v.splat(v.f32(-float(zero_point)), isa.rows))


def _repeat_quad(isa: Isa, levels: Any, token: Any, column: Any) -> Any:
    """Four neighbouring int8 activations, repeated for every row."""
    quad = tirx.reinterpret("int32", levels[token, v.lanes(column, 4)])
    return tirx.reinterpret(f"int8x{isa.rows * 4}", v.splat(quad, isa.rows))


def embed(table: Matrix, token_id: Any, scale: float, out: Any, row: Any) -> None:
    """Write the embedding of a token, times ``scale``, as float32 into ``out[row]``."""
    tile_row = v.bind(tirx.indexdiv(token_id, TILE_ROWS))
    lane = v.bind(tirx.indexmod(token_id, TILE_ROWS))
    with T.serial(0, table.groups) as group:
        step, offset = _row_scale(table, tile_row, group, lane)
        with T.serial(0, 8) as quad:
            levels = _row_levels(table, tile_row, group, lane, quad)
            values = v.to_float(levels, 4) * v.splat(step, 4) + v.splat(offset, 4)
            v.store(out, values * v.splat(v.f32(scale), 4), row, v.lanes(group * GROUP + quad * 4, 4))


def _row_scale(table: Matrix, tile_row: Any, group: Any, lane: Any) -> tuple[Any, Any]:
    """What a level of one row of a tile is worth, and what level 0 stands for."""
    at = table.form.level_bytes + 2 * lane
    scale = v.bind(_half(table, tile_row, group, at))
    if table.form.has_minimum:
        return scale, v.bind(_half(table, tile_row, group, at + 2 * TILE_ROWS))
    return scale, v.bind(scale * v.f32(-float(table.form.zero_point)))


def _half(table: Matrix, tile_row: Any, group: Any, first: Any) -> Any:
    return tirx.reinterpret("float16", table.bytes_at(tile_row, group, first, 2)).astype("float32")


def _row_levels(table: Matrix, tile_row: Any, group: Any, lane: Any, quad: Any) -> Any:
    """int32[4]: the levels of columns 4 * quad to 4 * quad + 3 of one row of a tile."""
    if table.form.bits == 8:
        return table.bytes_at(tile_row, group, quad * 64 + lane * 4, 4).astype("int32x4")
    line, shift = v.bind(tirx.indexmod(quad, 4)), v.bind(tirx.indexdiv(quad, 4) * 4)
    raw = table.bytes_at(tile_row, group, line * 64 + lane * 4, 4).astype("int32x4")
    levels = v.bind((raw >> v.splat(shift, 4)) & v.splat(v.i32(15), 4))
    if table.form.bits == 4:
        return levels
    plane = table.bytes_at(tile_row, group, _FIFTH_BITS + lane * 4, 4).astype("int32x4")
    return levels | (((plane >> v.splat(quad, 4)) & v.splat(v.i32(1), 4)) << v.splat(v.i32(4), 4))
