"""Attention over the KV cache as emitters: rotary positions, appending, and the softmax itself.

The cache holds 16 positions to a vector for keys and one position to a row for values:
``k`` is float16[layers, kv_heads, blocks, head_dim, 16] and ``v`` float16[layers, kv_heads, blocks * 16, head_dim].
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tvm import tirx
from tvm.tirx.script import builder as T  # noqa: N812  (TVM's own name for it)

from tether_desktop.model.compiler import vector_ir as v
from tether_desktop.model.compiler.isa import Isa
from tether_desktop.model.compiler.kernels import Norm
from tether_desktop.model.decoder_shape import DecoderShape

BLOCK = 16
"""Positions in a vector of keys."""

SPAN_BLOCKS = 8
"""Blocks whose scores are kept at once: the softmax runs over spans of 128 positions."""

MASKED = -1e30


@dataclass(frozen=True)
class Cache:
    """The KV cache as one layer sees it, and what it knows of positions.

    Attributes:
        k, v: the whole cache (see the module).
        layer: index of the layer.
        cos, sin: float32[tables, positions, rotary_dim / 2].
        table: which of the tables rotates this layer.
        window: positions the layer sees back, 0 for all; None where no layer has a window.
        q_norm, k_norm: of each query and key head; None where there is none.
    """

    k: Any
    v: Any
    layer: Any
    cos: Any
    sin: Any
    table: Any
    window: Any
    q_norm: Norm | None
    k_norm: Norm | None

    def oldest(self, position: Any) -> Any:
        """The first position that a query at ``position`` sees."""
        if self.window is None:
            return v.i32(0)
        start = tirx.max(position - self.window + 1, v.i32(0))
        return v.bind(tirx.Select(self.window > 0, start, v.i32(0)))


def rotate_queries(
    shape: DecoderShape, cache: Cache, qkv: Any, token: Any, head: Any, position: Any, write: Any
) -> None:
    """Norm and RoPE (rotating halves) of a query head, times the attention scale.

    Args:
        write: called with the first column and the float32[16] values.
    """
    first = head * shape.head_dim
    scale = v.splat(_head_factor(cache.q_norm, qkv, token, first) * v.f32(shape.attention_scale))

    def read(column: int) -> Any:
        value = qkv[token, v.lanes(first + column)] * scale
        return v.bind(value if cache.q_norm is None else value * cache.q_norm.weights(column))

    half = shape.rotary_dim // 2
    for i in range(0, half, v.WIDTH):
        a, b = read(i), read(half + i)
        cos, sin = (v.bind(table[cache.table, position, v.lanes(i)]) for table in (cache.cos, cache.sin))
        write(i, a * cos - b * sin)
        write(half + i, b * cos + a * sin)
    for i in range(shape.rotary_dim, shape.head_dim, v.WIDTH):
        write(i, read(i))


def append(shape: DecoderShape, cache: Cache, qkv: Any, token: Any, kv_head: Any, position: Any) -> None:
    """Write a token's key, normalized and rotated, and its value into the cache."""
    _append_key(shape, cache, qkv, token, kv_head, position)
    value = (shape.heads + shape.kv_heads + kv_head) * shape.head_dim
    with T.serial(0, shape.head_dim // v.WIDTH) as i:
        numbers = v.to_half(qkv[token, v.lanes(value + i * v.WIDTH)])
        v.store(cache.v, numbers, cache.layer, kv_head, position, v.lanes(i * v.WIDTH))


def _append_key(shape: DecoderShape, cache: Cache, qkv: Any, token: Any, kv_head: Any, position: Any) -> None:
    first = (shape.heads + kv_head) * shape.head_dim
    half, norm = shape.rotary_dim // 2, cache.k_norm
    factor = _head_factor(norm, qkv, token, first)
    block, lane = v.bind(tirx.indexdiv(position, BLOCK)), v.bind(tirx.indexmod(position, BLOCK))

    def read(column: Any) -> Any:
        value = qkv[token, first + column] * factor
        return v.bind(value if norm is None else value * norm.weight[(*norm.at, column)])

    def write(column: Any, value: Any) -> None:
        v.store(cache.k, value.astype("float16"), cache.layer, kv_head, block, column, lane)

    with T.serial(0, half) as i:
        a, b = read(i), read(half + i)
        cos, sin = v.bind(cache.cos[cache.table, position, i]), v.bind(cache.sin[cache.table, position, i])
        write(i, a * cos - b * sin)
        write(half + i, b * cos + a * sin)
    if shape.rotary_dim < shape.head_dim:
        with T.serial(0, shape.head_dim - shape.rotary_dim) as i:
            write(shape.rotary_dim + i, read(shape.rotary_dim + i))


def _head_factor(norm: Norm | None, qkv: Any, token: Any, first: Any) -> Any:
    return v.f32(1.0) if norm is None else norm.factor(qkv, token, first)


@dataclass(frozen=True)
class Softmax:
    """A running softmax over spans of positions, for several queries that share a key/value head.

    Attributes:
        queries: float32[count, head_dim], rotated and scaled.
        sums: float32[count, head_dim], values weighted by exp(score - peak); divide by ``weights``.
        peaks, weights: float32[count], the largest score so far and the sum of exp(score - peak).
        count: number of queries.
    """

    queries: Any
    sums: Any
    peaks: Any
    weights: Any
    scores: Any
    count: int


def new_softmax(shape: DecoderShape, count: int) -> Softmax:
    """Memory for a softmax of ``count`` queries; call :func:`clear` before use."""
    return Softmax(
        queries=v.scratch((count, shape.head_dim)),
        sums=v.scratch((count, shape.head_dim)),
        peaks=v.scratch((count,)),
        weights=v.scratch((count,)),
        scores=v.scratch((count, SPAN_BLOCKS * BLOCK)),
        count=count,
    )


def clear(shape: DecoderShape, state: Softmax) -> None:
    """Forget all positions."""
    for query in range(state.count):
        v.store(state.peaks, v.f32(MASKED), query)
        v.store(state.weights, v.f32(0.0), query)
        with T.serial(0, shape.head_dim // v.WIDTH) as i:
            v.store(state.sums, v.floats(0.0), query, v.lanes(i * v.WIDTH))


def attend(
    isa: Isa,
    shape: DecoderShape,
    cache: Cache,
    state: Softmax,
    kv_head: Any,
    blocks: tuple[Any, Any],
    position: Callable[[int], Any],
) -> None:
    """Take the positions of ``blocks`` (first, end) into the softmax.

    Args:
        position: of a query, which is the last one it sees.
    """
    first, end = blocks
    spans = tirx.indexdiv(tirx.max(end - first, 0) + (SPAN_BLOCKS - 1), SPAN_BLOCKS)
    with T.serial(0, spans) as span:
        start = v.bind(first + span * SPAN_BLOCKS)
        count = v.bind(tirx.min(v.i32(SPAN_BLOCKS), end - start))
        _score_span(isa, shape, cache, state, kv_head, start, count, position)
        _weigh_span(shape, state, count)
        _add_values(isa, shape, cache, state, kv_head, start, count)


def _score_span(
    isa: Isa, shape: DecoderShape, cache: Cache, state: Softmax, kv_head: Any, start: Any, count: Any, position: Any
) -> None:
    """scores[query, position] = q . k, or MASKED where the query may not see."""
    together = _blocks_together(isa, state.count)
    lane = tirx.Ramp(v.i32(0), 1, BLOCK)
    with T.serial(0, tirx.indexdiv(count + (together - 1), together)) as step:
        block = v.bind(step * together)
        sums = [[v.Register(v.floats(0.0)) for _ in range(together)] for _ in range(state.count)]
        with T.serial(0, shape.head_dim) as column:
            keys = [
                v.bind(v.to_float(cache.k[cache.layer, kv_head, start + block + i, column, v.lanes(0)]))
                for i in range(together)
            ]
            for query in range(state.count):
                factor = v.bind(v.splat(state.queries[query, column]))
                for i in range(together):
                    sums[query][i].add(keys[i] * factor)
        for query in range(state.count):
            newest = v.bind(position(query))
            oldest = cache.oldest(newest)
            for i in range(together):
                at = v.splat((start + block + i) * BLOCK) + lane
                visible = at <= v.splat(newest)
                if cache.window is not None:
                    visible = tirx.And(visible, at >= v.splat(oldest))
                score = tirx.Select(visible, sums[query][i].get(), v.floats(MASKED))
                v.store(state.scores, score, query, v.lanes((block + i) * BLOCK))


def _weigh_span(shape: DecoderShape, state: Softmax, count: Any) -> None:
    """Replace scores by exp(score - peak), and rescale what was summed under an older peak."""
    for query in range(state.count):
        peak = v.Register(v.floats(MASKED))
        with T.serial(0, count) as block:
            peak.set(tirx.max(peak.get(), state.scores[query, v.lanes(block * BLOCK)]))
        new_peak = v.bind(tirx.max(state.peaks[query], v.largest(peak.get())))
        rescale = v.exp_scalar(state.peaks[query] - new_peak)
        weight = v.Register(v.floats(0.0))
        with T.serial(0, count) as block:
            value = v.bind(v.exp(state.scores[query, v.lanes(block * BLOCK)] - v.splat(new_peak)))
            v.store(state.scores, value, query, v.lanes(block * BLOCK))
            weight.add(value)
        v.store(state.peaks, new_peak, query)
        v.store(state.weights, state.weights[query] * rescale + v.total(weight.get()), query)
        with T.serial(0, shape.head_dim // v.WIDTH) as i:
            at = v.lanes(i * v.WIDTH)
            v.store(state.sums, state.sums[query, at] * v.splat(rescale), query, at)


def _add_values(
    isa: Isa, shape: DecoderShape, cache: Cache, state: Softmax, kv_head: Any, start: Any, count: Any
) -> None:
    """sums[query] += weight[query, position] * v[position]."""
    columns = range(0, shape.head_dim, v.WIDTH)
    wide = max(1, min(len(columns), isa.registers // state.count))
    for begin in range(0, len(columns), wide):
        chosen = columns[begin : begin + wide]
        sums = [[v.Register(state.sums[query, v.lanes(column)]) for column in chosen] for query in range(state.count)]
        with T.serial(0, count * BLOCK) as position:
            values = [
                v.bind(v.to_float(cache.v[cache.layer, kv_head, start * BLOCK + position, v.lanes(column)]))
                for column in chosen
            ]
            for query in range(state.count):
                weight = v.bind(v.splat(state.scores[query, position]))
                for i in range(len(chosen)):
                    sums[query][i].add(values[i] * weight)
        for query in range(state.count):
            for i, column in enumerate(chosen):
                v.store(state.sums, sums[query][i].get(), query, v.lanes(column))


def _blocks_together(isa: Isa, queries: int) -> int:
    """Blocks scored at once, so that enough independent sums hide the latency of an addition."""
    together = 1
    while together < SPAN_BLOCKS and 2 * together * queries <= max(isa.registers // 2, queries):
        together *= 2
    return together
