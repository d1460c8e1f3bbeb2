"""Writes ``prefill``: a chunk of a prompt through all layers, bound by arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tvm import tirx
from tvm.tirx.script import builder as T  # noqa: N812  (TVM's own name for it)

from tether_desktop.model.compiler import attention, kernels
from tether_desktop.model.compiler import vector_ir as v
from tether_desktop.model.compiler.kernels import Matrix, Quantized
from tether_desktop.model.compiler.stages import Step, widen_tokens
from tether_desktop.model.decoder_shape import GROUP, TILE_ROWS

PREFILL_TOKENS = 16
"""Tokens of a block; the function works on whole blocks."""


@dataclass(frozen=True)
class PrefillStep(Step):
    """A chunk of tokens through all layers.

    Attributes:
        position: where its first token goes.
        blocks: whole blocks of PREFILL_TOKENS to work on.
        chunk: the most tokens there can be; a constant of the library.
    """

    position: Any
    blocks: Any
    chunk: int

    def emit(self, ids: Any, x: Any) -> None:
        """Write the function's body: from int32[chunk] ``ids`` to float32[chunk, hidden] ``x``."""
        shape, chunk = self.shape, self.chunk
        normed = kernels.quantized_scratch(chunk, shape.hidden)
        qkv = v.scratch((chunk, shape.qkv))
        attended = kernels.quantized_scratch(chunk, shape.heads * shape.head_dim)
        hidden = kernels.quantized_scratch(chunk, shape.intermediate)
        # Where results are normalized before they count, they need a place of their own until then.
        results = v.scratch((chunk, shape.hidden)) if shape.post_norms else x
        add = self._writer(results, add=not shape.post_norms)
        with v.parallel_region():
            with v.then_barrier(), T.parallel(0, self._tokens) as token:
                self.embed(ids[token], x, token)
            with self.each_layer() as layer:
                self._normalize(layer, "attn_norm", x, normed)
                with v.then_barrier():
                    self._multiply("qkv", layer, normed, self._qkv_writer(layer, qkv))
                with v.then_barrier():
                    self._append(layer, qkv)
                with v.then_barrier():
                    self._attend(layer, qkv, attended)
                with v.then_barrier():
                    self._multiply("o", layer, attended, add)
                self._settle(layer, "post_attn_norm", results, x)
                self._normalize(layer, "ffn_norm", x, normed)
                with v.then_barrier():
                    self._widen(layer, normed, hidden)
                with v.then_barrier():
                    self._multiply("down", layer, hidden, add)
                self._settle(layer, "post_ffn_norm", results, x)

    @property
    def _tokens(self) -> Any:
        return self.blocks * PREFILL_TOKENS

    @property
    def _steps(self) -> Any:
        return self.blocks * (PREFILL_TOKENS // self.isa.tokens)

    def _normalize(self, layer: Any, name: str, x: Any, normed: Quantized) -> None:
        with v.then_barrier(), T.parallel(0, self._tokens) as token:
            self.norm(name, layer).quantize(x, token, normed)

    def _settle(self, layer: Any, name: str, results: Any, x: Any) -> None:
        """Add the norm of the results to ``x``, where the decoder has it."""
        if self.shape.post_norms:
            with v.then_barrier(), T.parallel(0, self._tokens) as token:
                self.norm(name, layer).add(results, token, x)

    def _widen(self, layer: Any, normed: Quantized, hidden: Quantized) -> None:
        def widen(matrix: Matrix) -> None:
            widen_tokens(self.isa, self.shape.activation, matrix, normed, self.isa.tokens, self._steps, hidden)

        self.with_matrix("gate_up", layer, widen)

    def _append(self, layer: Any, qkv: Any) -> None:
        # A task writes a whole block of keys, so that no two threads write to one cache line.
        with T.parallel(0, self.blocks * self.shape.kv_heads) as task:
            kv_head = v.bind(tirx.indexmod(task, self.shape.kv_heads))
            first = v.bind(tirx.indexdiv(task, self.shape.kv_heads) * PREFILL_TOKENS)
            cache = self.cache(layer)
            with T.serial(0, PREFILL_TOKENS) as i:
                token = v.bind(first + i)
                attention.append(self.shape, cache, qkv, token, kv_head, self.position + token)

    def _attend(self, layer: Any, qkv: Any, attended: Quantized) -> None:
        shape = self.shape
        tokens, heads = self._tile()
        head_tiles = shape.heads // heads
        with T.parallel(0, self.blocks * (PREFILL_TOKENS // tokens) * head_tiles) as task:
            cache = self.cache(layer)
            first_head = v.bind(tirx.indexmod(task, head_tiles) * heads)
            first = v.bind(tirx.indexdiv(task, head_tiles) * tokens)
            kv_head = v.bind(tirx.indexdiv(first_head, shape.group_heads))
            state = attention.new_softmax(shape, tokens * heads)
            attention.clear(shape, state)
            for query in range(state.count):
                token, head = first + query % tokens, first_head + query // tokens

                def write(column: int, values: Any, query: int = query) -> None:
                    v.store(state.queries, values, query, v.lanes(column))

                attention.rotate_queries(shape, cache, qkv, token, head, self.position + token, write)
            oldest = cache.oldest(v.bind(self.position + first))
            newest = v.bind(self.position + first + (tokens - 1))
            blocks = tuple(v.bind(tirx.indexdiv(at, attention.BLOCK) + i) for i, at in enumerate((oldest, newest)))
            attention.attend(
                self.isa, shape, cache, state, kv_head, blocks, lambda query: self.position + first + query % tokens
            )
            self._quantize_heads(state, tokens, first, first_head, attended)

    def _tile(self) -> tuple[int, int]:
        """Tokens and heads of one key/value group that share every key and value that is read."""
        most = self.isa.registers // 2
        heads = max(n for n in range(1, self.shape.group_heads + 1) if self.shape.group_heads % n == 0 and n <= most)
        tokens = max(n for n in (1, 2, 4, 8) if n * heads <= most)
        return tokens, heads

    def _quantize_heads(
        self, state: attention.Softmax, tokens: int, first: Any, first_head: Any, attended: Quantized
    ) -> None:
        groups = self.shape.head_dim // GROUP
        for query in range(state.count):
            token, head = first + query % tokens, first_head + query // tokens
            inverse = v.bind(v.f32(1.0) / state.weights[query])
            with T.serial(0, groups) as group:
                low, high = (
                    v.bind(state.sums[query, v.lanes(at)] * v.splat(inverse))
                    for at in (group * GROUP, group * GROUP + v.WIDTH)
                )
                kernels.quantize_group(attended, token, head * groups + group, low, high)

    def _multiply(self, name: str, layer: Any, x: Quantized, write: Callable[[Any, Any, Any], None]) -> None:
        tokens = self.isa.tokens

        def multiply(matrix: Matrix) -> None:
            with T.parallel(0, matrix.tile_rows) as tile, T.serial(0, self._steps) as step:
                first = v.bind(step * tokens)

                def write_rows(token: int, row: int, result: Any) -> None:
                    write(first + token, v.lanes(tile * TILE_ROWS + row, self.isa.rows), result)

                kernels.multiply_tile_row(self.isa, matrix, tile, x, first, tokens, write_rows)

        self.with_matrix(name, layer, multiply)

    def _qkv_writer(self, layer: Any, qkv: Any) -> Callable[[Any, Any, Any], None]:
        def write(token: Any, at: Any, result: Any) -> None:
            v.store(qkv, self.with_bias(layer, at, result), token, at)

        return write

    @staticmethod
    def _writer(out: Any, *, add: bool) -> Callable[[Any, Any, Any], None]:
        def write(token: Any, at: Any, result: Any) -> None:
            v.store(out, out[token, at] + result if add else result, token, at)

        return write
