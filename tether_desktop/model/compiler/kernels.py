"""Kernels of a decoder as emitters: each writes one step into the function that is being built.

Buffers are TVM buffers or views of one layer; activations are quantized to int8 per group of 32
columns. ``Quantized`` holds such a matrix, ``Matrix`` a weight matrix in tiles.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tvm import tirx
from tvm.tirx.script import builder as T  # noqa: N812  (TVM's own name for it)

from tether_desktop.model.compiler import vector_ir as v
from tether_desktop.model.compiler.isa import Isa
from tether_desktop.model.compiler.shape import GROUP, TILE_ROWS

PREFETCH_BYTES = 2048
"""How far ahead of its use a weight tile is asked for."""


@dataclass(frozen=True)
class Matrix:
    """Weights in tiles of 16 rows x 32 columns.

    Attributes:
        tiles: uint8[..., rows / 16, columns / 32, tile bytes]; see docs/adr on the weight format.
        at: indices before the last three, that is the layer or nothing.
        bits: 4 or 8.
    """

    tiles: Any
    rows: int
    columns: int
    bits: int
    at: tuple[Any, ...] = ()

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


def rms_norm(x: Any, token: Any, weight: Any, layer: tuple[Any, ...], columns: int, eps: float, out: Quantized) -> None:
    """Quantize RMSNorm(x[token]) * weight[layer] into row ``token`` of ``out``."""
    squares = v.Register(v.floats(0.0))
    with T.serial(0, columns // v.WIDTH) as i:
        value = v.bind(x[token, v.lanes(i * v.WIDTH)])
        squares.add(value * value)
    mean = v.total(squares.get()) * v.f32(1.0 / columns)
    factor = v.bind(tirx.rsqrt(mean + v.f32(eps)))
    with T.serial(0, columns // GROUP) as group:
        halves = [
            v.bind(x[token, v.lanes(at)] * v.splat(factor) * weight[(*layer, v.lanes(at))])
            for at in (group * GROUP, group * GROUP + v.WIDTH)
        ]
        quantize_group(out, token, group, *halves)


def silu(x: Any) -> Any:
    """SiLU of a float vector: x * sigmoid(x)."""
    return x / (v.floats(1.0) + v.exp(v.floats(0.0) - x))


def multiply_tile_row(
    isa: Isa, w: Matrix, tile_row: Any, x: Quantized, first: Any, tokens: int, write: Callable[[int, int, Any], None]
) -> None:
    """Sixteen rows of W @ x for ``tokens`` tokens from ``first``, kept in registers.

    Args:
        write: called with the token (from 0), the row within the tile and the float32[isa.rows] result.
    """
    for row in range(0, TILE_ROWS, isa.rows):
        sums = [v.Register(v.splat(v.f32(0.0), isa.rows), isa.rows) for _ in range(tokens)]
        with T.serial(0, w.columns // GROUP) as group:
            _multiply_group(isa, w, tile_row, group, row, x, first, sums)
        for token in range(tokens):
            write(token, row, sums[token].get())


def _multiply_group(
    isa: Isa, w: Matrix, tile_row: Any, group: Any, row: int, x: Quantized, first: Any, sums: list[v.Register]
) -> None:
    if row == 0:
        tile_bytes = int(w.tiles.shape[-1])
        for line in range(0, tile_bytes, 64):
            v.prefetch(w.tiles, *w.at, tile_row, group, PREFETCH_BYTES + line)
    weights = _unpack_tile(isa, w, tile_row, group, row)
    scale, offset = _scale_and_offset(isa, w, tile_row, group, row)
    for token, total in enumerate(sums):
        at = first + token
        quads = [_repeat_quad(isa, x.levels, at, group * GROUP + 4 * j) for j in range(8)]
        product = isa.dot(weights, quads, w.bits).astype(f"float32x{isa.rows}")
        total.add(product * (scale * v.splat(x.scales[at, group], isa.rows)))
        if offset is not None:
            total.add(offset * v.splat(x.sums[at, group], isa.rows))


def _unpack_tile(isa: Isa, w: Matrix, tile_row: Any, group: Any, row: int) -> list[Any]:
    """Eight vectors uint8[isa.rows * 4] of the tile's rows from ``row``: columns 4j..4j+3 of each."""
    count = isa.rows * 4
    vectors = 4 if w.bits == 4 else 8
    loaded = [v.bind(w.bytes_at(tile_row, group, 64 * j + 4 * row, count)) for j in range(vectors)]
    if w.bits == 8:
        return loaded
    mask, shift = (v.splat(tirx.const(value, "uint8"), count) for value in (15, 4))
    return [v.bind(x & mask) for x in loaded] + [v.bind(x >> shift) for x in loaded]


def _scale_and_offset(isa: Isa, w: Matrix, tile_row: Any, group: Any, row: int) -> tuple[Any, Any]:
    """Per row: what a level is worth, and what each unit of activation adds besides (or None)."""
    nibbles = 256 if w.bits == 4 else 512
    scale = v.bind(w.halves_at(tile_row, group, nibbles + 2 * row, isa.rows))
    if w.bits == 4:
        return scale, v.bind(w.halves_at(tile_row, group, nibbles + 32 + 2 * row, isa.rows))
    if isa.zero_point_8bit == 0:
        return scale, None
    return scale, v.bind(scale * v.splat(v.f32(-float(isa.zero_point_8bit)), isa.rows))


def _repeat_quad(isa: Isa, levels: Any, token: Any, column: Any) -> Any:
    """Four neighbouring int8 activations, repeated for every row."""
    quad = tirx.reinterpret("int32", levels[token, v.lanes(column, 4)])
    return tirx.reinterpret(f"int8x{isa.rows * 4}", v.splat(quad, isa.rows))


def embed(table: Matrix, token_id: Any, out: Any, row: Any) -> None:
    """Write the embedding of a token as float32 into ``out[row]``."""
    tile_row = v.bind(tirx.indexdiv(token_id, TILE_ROWS))
    lane = v.bind(tirx.indexmod(token_id, TILE_ROWS))
    with T.serial(0, table.columns // GROUP) as group:
        raw = table.bytes_at(tile_row, group, 512 + 2 * lane, 2)
        scale = v.bind(tirx.reinterpret("float16", raw).astype("float32"))
        with T.serial(0, 8) as quad:
            levels = table.bytes_at(tile_row, group, quad * 64 + lane * 4, 4).astype("int32x4")
            values = v.to_float(levels - v.splat(v.i32(128), 4), 4) * v.splat(scale, 4)
            v.store(out, values, row, v.lanes(group * GROUP + quad * 4, 4))
