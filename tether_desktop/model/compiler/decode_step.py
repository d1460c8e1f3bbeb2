"""Writes ``decode``: one token through all layers, bound by the memory its weights are read from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from tvm import tirx
from tvm.tirx.script import builder as T  # noqa: N812  (TVM's own name for it)

from tether_desktop.model.compiler import attention, kernels
from tether_desktop.model.compiler import vector_ir as v
from tether_desktop.model.compiler.kernels import Matrix, Quantized
from tether_desktop.model.compiler.stages import Step, project_to_vocabulary, widen_tokens
from tether_desktop.model.decoder_shape import GROUP, TILE_ROWS, DecoderShape

MAX_SPLITS = 8
"""Parts into which attention may divide the positions of a head."""


@dataclass(frozen=True)
class DecodeStep(Step):
    """One token through all layers; five barriers each.

    Attributes:
        position: where the token goes.
        splits: parts into which attention divides the positions of a head, 1 to MAX_SPLITS.
    """

    position: Any
    splits: Any

    def emit(self, token: Any, logits: Any) -> None:
        """Write the function's body: from the token's id to float32[vocab] ``logits``."""
        shape = self.shape
        stream = _PrivateStream(self) if shape.post_norms else _SharedStream(self)
        qkv = v.scratch((1, shape.qkv))
        partial = _Partial(shape)
        hidden = kernels.quantized_scratch(1, shape.intermediate)
        with v.parallel_region():
            stream.begin(token)
            with self.each_layer() as layer:
                with v.then_barrier():
                    self._project_qkv(layer, stream, qkv)
                with v.then_barrier():
                    self._attend(layer, qkv, partial)
                with v.then_barrier():
                    self._project_attention(layer, partial, stream)
                stream.settle("post_attn_norm", layer)
                with v.then_barrier():
                    self._widen(layer, stream, hidden)
                with v.then_barrier():
                    self._narrow(layer, hidden, stream)
                stream.settle("post_ffn_norm", layer)
            project_to_vocabulary(shape, self.isa, self.arguments.weights, stream.x, 0, logits)

    def _project_qkv(self, layer: Any, stream: _Stream, qkv: Any) -> None:
        def write(at: Any, result: Any) -> None:
            v.store(qkv, self.with_bias(layer, at, result), 0, at)

        self._multiply("qkv", layer, self._normed(layer, "attn_norm", stream), write)

    def _attend(self, layer: Any, qkv: Any, partial: _Partial) -> None:
        shape = self.shape
        heads, tiles = self._head_tiles()
        with T.parallel(0, shape.kv_heads * tiles * self.splits) as task:
            cache = self.cache(layer)
            head_tile = v.bind(tirx.indexmod(task, shape.kv_heads * tiles))
            split, kv_head = (
                v.bind(tirx.indexdiv(task, shape.kv_heads * tiles)),
                v.bind(tirx.indexdiv(head_tile, tiles)),
            )
            # The last tile of a group may share heads with the one before, which then compute the same.
            within = tirx.min(tirx.indexmod(head_tile, tiles) * heads, v.i32(shape.group_heads - heads))
            first_head = v.bind(kv_head * shape.group_heads + within)
            state = attention.new_softmax(shape, heads)
            attention.clear(shape, state)
            for query in range(heads):

                def write(column: int, values: Any, query: int = query) -> None:
                    v.store(state.queries, values, query, v.lanes(column))

                attention.rotate_queries(shape, cache, qkv, 0, first_head + query, self.position, write)
            blocks = self._blocks(cache, split)
            with T.If(split == self.splits - 1), T.Then():
                attention.append(shape, cache, qkv, 0, kv_head, self.position)
            attention.attend(self.isa, shape, cache, state, kv_head, blocks, lambda _: self.position)
            partial.store(state, split, first_head)

    def _head_tiles(self) -> tuple[int, int]:
        """Heads of a key/value group that are worked on at once, and how many such tiles a group has."""
        tiles = -(-self.shape.group_heads // (self.isa.registers // 2))
        return -(-self.shape.group_heads // tiles), tiles

    def _blocks(self, cache: attention.Cache, split: Any) -> tuple[Any, Any]:
        """The blocks of a split. The last split always holds the newest position."""
        first = v.bind(tirx.indexdiv(cache.oldest(self.position), attention.BLOCK))
        count = v.bind(tirx.indexdiv(self.position, attention.BLOCK) + 1 - first)
        start, end = (first + tirx.indexdiv(count * part, self.splits) for part in (split, split + 1))
        return v.bind(start), v.bind(end)

    def _project_attention(self, layer: Any, partial: _Partial, stream: _Stream) -> None:
        joined = kernels.quantized_scratch(1, self.shape.heads * self.shape.head_dim)
        partial.join(self.splits, joined)
        self._multiply("o", layer, joined, stream.add)

    def _widen(self, layer: Any, stream: _Stream, hidden: Quantized) -> None:
        normed = self._normed(layer, "ffn_norm", stream)
        self.with_matrix(
            "gate_up",
            layer,
            lambda matrix: widen_tokens(self.isa, self.shape.activation, matrix, normed, 1, 1, hidden),
        )

    def _narrow(self, layer: Any, hidden: Quantized, stream: _Stream) -> None:
        self._multiply("down", layer, hidden, stream.add)

    def _normed(self, layer: Any, name: str, stream: _Stream) -> Quantized:
        normed = kernels.quantized_scratch(1, self.shape.hidden)
        self.norm(name, layer).quantize(stream.x, 0, normed)
        return normed

    def _multiply(self, name: str, layer: Any, x: Quantized, write: Callable[[Any, Any], None]) -> None:
        def multiply(matrix: Matrix) -> None:
            with T.parallel(0, matrix.tile_rows) as tile:

                def write_rows(_token: int, first: int, result: Any) -> None:
                    write(v.lanes(tile * TILE_ROWS + first, self.isa.rows), result)

                kernels.multiply_tile_row(self.isa, matrix, tile, x, 0, 1, write_rows)

        self.with_matrix(name, layer, multiply)


class _Stream(Protocol):
    """The residual stream ``x`` float32[1, hidden]; made outside the parallel region, used inside it."""

    x: Any

    def begin(self, token: Any) -> None:
        """Write the token's embedding."""

    def add(self, at: Any, result: Any) -> None:
        """Add the result of some rows; each thread has rows of its own."""

    def settle(self, norm: str, layer: Any) -> None:
        """Make what was added count; directly inside the region, after a barrier."""


class _SharedStream:
    """One stream for all threads: each adds to its own rows."""

    def __init__(self, step: Step) -> None:
        self._step = step
        self.x = v.scratch((1, step.shape.hidden))

    def begin(self, token: Any) -> None:
        with v.then_barrier(), T.parallel(0, 1) as row:
            self._step.embed(token, self.x, row)

    def add(self, at: Any, result: Any) -> None:
        v.store(self.x, self.x[0, at] + result, 0, at)

    def settle(self, norm: str, layer: Any) -> None:
        """All is there already."""


class _PrivateStream:
    """A stream for each thread, since what is added needs a norm over all rows first: each adds all of it."""

    def __init__(self, step: Step) -> None:
        self._step = step
        self._results = v.scratch((1, step.shape.hidden))
        self.x: Any = None

    def begin(self, token: Any) -> None:
        self.x = v.scratch((1, self._step.shape.hidden))
        self._step.embed(token, self.x, 0)

    def add(self, at: Any, result: Any) -> None:
        v.store(self._results, result, 0, at)

    def settle(self, norm: str, layer: Any) -> None:
        self._step.norm(norm, layer).add(self._results, 0, self.x)


class _Partial:
    """Attention results of all splits, before they are joined."""

    def __init__(self, shape: DecoderShape) -> None:
        self._shape = shape
        self._sums = v.scratch((MAX_SPLITS, shape.heads, shape.head_dim))
        self._peaks = v.scratch((MAX_SPLITS, shape.heads))
        self._weights = v.scratch((MAX_SPLITS, shape.heads))

    def store(self, state: attention.Softmax, split: Any, first_head: Any) -> None:
        """Keep the softmax of a split; its queries are the heads from ``first_head``."""
        for query in range(state.count):
            v.store(self._peaks, state.peaks[query], split, first_head + query)
            v.store(self._weights, state.weights[query], split, first_head + query)
            with T.serial(0, self._shape.head_dim // v.WIDTH) as i:
                at = v.lanes(i * v.WIDTH)
                v.store(self._sums, state.sums[query, at], split, first_head + query, at)

    def join(self, splits: Any, out: Quantized) -> None:
        """Quantize softmax(q k) v of every head into row 0 of ``out``."""
        dim = self._shape.head_dim
        factors = v.scratch((MAX_SPLITS,))
        with T.serial(0, self._shape.heads) as head:
            self._weigh_splits(splits, head, factors)
            with T.serial(0, dim // GROUP) as group:
                halves = [v.Register(v.floats(0.0)) for _ in range(2)]
                with T.serial(0, splits) as split:
                    for index, half in enumerate(halves):
                        at = v.lanes(group * GROUP + index * v.WIDTH)
                        half.add(self._sums[split, head, at] * v.splat(factors[split]))
                low, high = (v.bind(half.get()) for half in halves)
                kernels.quantize_group(out, 0, head * (dim // GROUP) + group, low, high)

    def _weigh_splits(self, splits: Any, head: Any, factors: Any) -> None:
        """factors[split] = exp(peak of the split - peak of all) / the sum of all weights."""
        peak = v.Register(v.f32(attention.MASKED), width=1)
        with T.serial(0, splits) as split:
            peak.set(tirx.max(peak.get(), self._peaks[split, head]))
        weight = v.Register(v.f32(0.0), width=1)
        with T.serial(0, splits) as split:
            factor = v.exp_scalar(self._peaks[split, head] - peak.get())
            v.store(factors, factor, split)
            weight.add(factor * self._weights[split, head])
        inverse = v.bind(v.f32(1.0) / weight.get())
        with T.serial(0, splits) as split:
            v.store(factors, factors[split] * inverse, split)
