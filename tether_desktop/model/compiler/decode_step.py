"""Writes ``decode``: one token through all layers, bound by the memory its weights are read from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tvm import tirx
from tvm.tirx.script import builder as T  # noqa: N812  (TVM's own name for it)

from tether_desktop.model.compiler import attention, kernels
from tether_desktop.model.compiler import vector_ir as v
from tether_desktop.model.compiler.kernels import Matrix, Quantized
from tether_desktop.model.compiler.shape import GROUP, TILE_ROWS, DecoderShape
from tether_desktop.model.compiler.stages import Step, embedding, project_to_vocabulary, widen_tokens

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
        x = v.scratch((1, shape.hidden))
        qkv = v.scratch((1, shape.qkv))
        partial = _Partial(shape)
        hidden = kernels.quantized_scratch(1, shape.intermediate)
        with v.parallel_region():
            with v.then_barrier(), T.parallel(0, 1) as row:
                kernels.embed(embedding(shape, self.arguments.weights), token, x, row)
            with T.serial(0, shape.layers) as layer:
                with v.then_barrier():
                    self._project_qkv(layer, x, qkv)
                with v.then_barrier():
                    self._attend(layer, qkv, partial)
                with v.then_barrier():
                    self._project_attention(layer, partial, x)
                with v.then_barrier():
                    self._widen(layer, x, hidden)
                with v.then_barrier():
                    self._narrow(layer, hidden, x)
            project_to_vocabulary(shape, self.isa, self.arguments.weights, x, 0, logits)

    def _project_qkv(self, layer: Any, x: Any, qkv: Any) -> None:
        normed = self._normed(layer, "attn_norm", x)
        self._multiply(self.layer_matrix("qkv", layer), normed, lambda at, result: v.store(qkv, result, 0, at))

    def _attend(self, layer: Any, qkv: Any, partial: _Partial) -> None:
        shape, cache = self.shape, self.arguments.cache(layer)
        with T.parallel(0, shape.kv_heads * self.splits) as task:
            split, kv_head = v.bind(tirx.indexdiv(task, shape.kv_heads)), v.bind(tirx.indexmod(task, shape.kv_heads))
            state = attention.new_softmax(shape, shape.group_heads)
            attention.clear(shape, state)
            for query in range(shape.group_heads):
                head = kv_head * shape.group_heads + query

                def write(column: int, values: Any, query: int = query) -> None:
                    v.store(state.queries, values, query, v.lanes(column))

                attention.rotate_queries(shape, cache, qkv, 0, head, self.position, write)
            with T.If(split == self.splits - 1), T.Then():
                attention.append(shape, cache, qkv, 0, kv_head, self.position)
            attention.attend(self.isa, shape, cache, state, kv_head, self._blocks(split), lambda _: self.position)
            partial.store(state, split, kv_head * shape.group_heads)

    def _blocks(self, split: Any) -> tuple[Any, Any]:
        """The blocks of a split. The last split always holds the newest position."""
        blocks = tirx.indexdiv(self.position, attention.BLOCK) + 1
        return v.bind(tirx.indexdiv(blocks * split, self.splits)), v.bind(
            tirx.indexdiv(blocks * (split + 1), self.splits)
        )

    def _project_attention(self, layer: Any, partial: _Partial, x: Any) -> None:
        columns = self.shape.heads * self.shape.head_dim
        joined = kernels.quantized_scratch(1, columns)
        partial.join(self.splits, joined)
        self._multiply(self.layer_matrix("o", layer), joined, lambda at, result: v.store(x, x[0, at] + result, 0, at))

    def _widen(self, layer: Any, x: Any, hidden: Quantized) -> None:
        normed = self._normed(layer, "ffn_norm", x)
        widen_tokens(self.isa, self.layer_matrix("gate_up", layer), normed, 1, 1, hidden)

    def _narrow(self, layer: Any, hidden: Quantized, x: Any) -> None:
        self._multiply(
            self.layer_matrix("down", layer), hidden, lambda at, result: v.store(x, x[0, at] + result, 0, at)
        )

    def _normed(self, layer: Any, name: str, x: Any) -> Quantized:
        normed = kernels.quantized_scratch(1, self.shape.hidden)
        kernels.rms_norm(x, 0, self.norm(name), (layer,), self.shape.hidden, self.shape.norm_eps, normed)
        return normed

    def _multiply(self, matrix: Matrix, x: Quantized, write: Callable[[Any, Any], None]) -> None:
        with T.parallel(0, matrix.rows // TILE_ROWS) as tile:

            def write_rows(_token: int, first: int, result: Any) -> None:
                write(v.lanes(tile * TILE_ROWS + first, self.isa.rows), result)

            kernels.multiply_tile_row(self.isa, matrix, tile, x, 0, 1, write_rows)


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
