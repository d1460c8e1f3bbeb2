"""The two functions of a compiled decoder: ``decode`` one token, ``prefill`` a chunk of a prompt.

Each is a single parallel region over all layers. Between its stages threads meet at a barrier; what is
cheap is computed by every thread for itself instead.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tvm import tirx
from tvm.tirx.script import builder as T  # noqa: N812  (TVM's own name for it)

from tether_desktop.model.compiler import attention, kernels
from tether_desktop.model.compiler import vector_ir as v
from tether_desktop.model.compiler.isa import Isa
from tether_desktop.model.compiler.kernels import Matrix, Quantized
from tether_desktop.model.compiler.shape import GROUP, TILE_ROWS, DecoderShape

PREFILL_TOKENS = 16
"""``prefill`` works on whole blocks of this many tokens."""

MAX_SPLITS = 8
"""Parts into which decode attention may divide the positions of a head."""


@dataclass(frozen=True)
class Arguments:
    """Buffers that both functions take, in this order.

    Attributes:
        k, v: the KV cache (see :mod:`attention`).
        cos, sin: float32[positions, head_dim / 2].
        weights: by the names of :meth:`DecoderShape.parameters`.
    """

    k: Any
    v: Any
    cos: Any
    sin: Any
    weights: dict[str, Any]

    def cache(self, layer: Any) -> attention.Cache:
        """The cache of one layer."""
        return attention.Cache(self.k, self.v, layer, self.cos, self.sin)


class Decoder:
    """Builds the functions for one shape and instruction set."""

    def __init__(self, shape: DecoderShape, isa: Isa) -> None:
        self._shape = shape
        self._isa = isa

    def decode(self) -> Any:
        """``decode(token, position, splits, k, v, cos, sin, *weights, logits)``.

        Appends the token at ``position`` and writes the float32[vocab] logits of what follows.
        ``splits`` (1 to MAX_SPLITS) is into how many parts attention divides the positions.
        """

        def body() -> None:
            token, position, splits = (T.arg(name, T.int32()) for name in ("token", "position", "splits"))
            arguments = self._arguments()
            logits = T.arg("logits", T.buffer((self._shape.vocab,), "float32"))
            _DecodeStep(self._shape, self._isa, arguments, position, splits).emit(token, logits)

        return v.function("decode", body)

    def prefill(self, chunk: int) -> Any:
        """``prefill(ids, blocks, position, k, v, cos, sin, *weights, x)``.

        Appends ``blocks`` * 16 tokens of int32[chunk] ``ids`` from ``position`` on, and leaves their
        last hidden states in float32[chunk, hidden] ``x``.
        """

        def body() -> None:
            ids = T.arg("ids", T.buffer((chunk,), "int32"))
            blocks, position = (T.arg(name, T.int32()) for name in ("blocks", "position"))
            arguments = self._arguments()
            x = T.arg("x", T.buffer((chunk, self._shape.hidden), "float32"))
            _PrefillStep(self._shape, self._isa, arguments, position, blocks, chunk).emit(ids, x)

        return v.function("prefill", body)

    def head(self, chunk: int) -> Any:
        """``head(x, row, *weights, logits)``: the float32[vocab] logits of one row of prefill's ``x``."""
        shape = self._shape

        def body() -> None:
            x = T.arg("x", T.buffer((chunk, shape.hidden), "float32"))
            row = T.arg("row", T.int32())
            weights = self._weights()
            logits = T.arg("logits", T.buffer((shape.vocab,), "float32"))
            with v.parallel_region():
                _project_to_vocabulary(shape, self._isa, weights, x, row, logits)

        return v.function("head", body)

    def _arguments(self) -> Arguments:
        shape = self._shape
        blocks, positions = T.int32(), T.int32()
        k = T.buffer((shape.layers, shape.kv_heads, blocks, shape.head_dim, attention.BLOCK), "float16")
        values = T.buffer((shape.layers, shape.kv_heads, positions, shape.head_dim), "float16")
        tables = [T.buffer((positions, shape.head_dim // 2), "float32") for _ in range(2)]
        k, values = T.arg("k", k), T.arg("v", values)
        cos, sin = (T.arg(name, table) for name, table in zip(("cos", "sin"), tables, strict=True))
        return Arguments(k, values, cos, sin, self._weights())

    def _weights(self) -> dict[str, Any]:
        return {
            name: T.arg(name.replace(".", "_"), T.buffer(shape, dtype))
            for name, (shape, dtype) in self._shape.parameters().items()
        }


@dataclass(frozen=True)
class _Step:
    shape: DecoderShape
    isa: Isa
    arguments: Arguments

    def layer_matrix(self, name: str, layer: Any) -> Matrix:
        tiles = self.arguments.weights[f"layers.{name}.tiles"]
        return Matrix(tiles, int(tiles.shape[1]) * TILE_ROWS, int(tiles.shape[2]) * GROUP, self.shape.bits, (layer,))

    def norm(self, name: str) -> Any:
        return self.arguments.weights[f"layers.{name}"]


def _embedding(shape: DecoderShape, weights: dict[str, Any], name: str = "embed.tiles") -> Matrix:
    return Matrix(weights[name], shape.vocab, shape.hidden, 8)


def _project_to_vocabulary(
    shape: DecoderShape, isa: Isa, weights: dict[str, Any], x: Any, row: Any, logits: Any
) -> None:
    normed = kernels.quantized_scratch(1, shape.hidden)
    kernels.rms_norm(_RowView(x, row), 0, weights["final_norm"], (), shape.hidden, shape.norm_eps, normed)
    head = _embedding(shape, weights, "embed.tiles" if shape.tied else "lm_head.tiles")

    with T.parallel(0, shape.vocab // TILE_ROWS) as tile:

        def write(_token: int, first: int, result: Any) -> None:
            v.store(logits, result, v.lanes(tile * TILE_ROWS + first, isa.rows))

        kernels.multiply_tile_row(isa, head, tile, normed, 0, 1, write)


@dataclass(frozen=True)
class _RowView:
    """A matrix seen from one of its rows, which is then row 0."""

    buffer: Any
    row: Any

    def __getitem__(self, index: tuple[Any, Any]) -> Any:
        return self.buffer[self.row + index[0], index[1]]


@dataclass(frozen=True)
class _DecodeStep(_Step):
    position: Any
    splits: Any

    def emit(self, token: Any, logits: Any) -> None:
        shape = self.shape
        x = v.scratch((1, shape.hidden))
        qkv = v.scratch((1, shape.qkv))
        partial = _Partial(shape)
        hidden = kernels.quantized_scratch(1, shape.intermediate)
        with v.parallel_region():
            with v.then_barrier(), T.parallel(0, 1) as row:
                kernels.embed(_embedding(shape, self.arguments.weights), token, x, row)
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
            _project_to_vocabulary(shape, self.isa, self.arguments.weights, x, 0, logits)

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
        _widen_tokens(self.isa, self.layer_matrix("gate_up", layer), normed, 1, 1, hidden)

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


def _widen_tokens(isa: Isa, matrix: Matrix, x: Quantized, tokens: int, steps: Any, hidden: Quantized) -> None:
    """Quantize silu(gate x) * (up x) into ``hidden``, a group of 32 columns at a time.

    ``steps`` * ``tokens`` tokens are worked on, ``tokens`` at once. Tiles of gate and up alternate.
    """
    with T.parallel(0, matrix.rows // (2 * GROUP)) as group:
        results = v.scratch((4, tokens, TILE_ROWS))
        with T.serial(0, steps) as step:
            first = v.bind(step * tokens)
            for part in range(4):

                def write(token: int, row: int, result: Any, part: int = part) -> None:
                    v.store(results, result, part, token, v.lanes(row, isa.rows))

                kernels.multiply_tile_row(isa, matrix, group * 4 + part, x, first, tokens, write)
            with T.serial(0, tokens) as token:
                gate_low, up_low, gate_high, up_high = (v.bind(results[part, token, v.lanes(0)]) for part in range(4))
                low = v.bind(kernels.silu(gate_low) * up_low)
                high = v.bind(kernels.silu(gate_high) * up_high)
                kernels.quantize_group(hidden, first + token, group, low, high)


@dataclass(frozen=True)
class _PrefillStep(_Step):
    position: Any
    blocks: Any
    chunk: int

    def emit(self, ids: Any, x: Any) -> None:
        shape, chunk = self.shape, self.chunk
        normed = kernels.quantized_scratch(chunk, shape.hidden)
        qkv = v.scratch((chunk, shape.qkv))
        attended = kernels.quantized_scratch(chunk, shape.heads * shape.head_dim)
        hidden = kernels.quantized_scratch(chunk, shape.intermediate)
        with v.parallel_region():
            with v.then_barrier(), T.parallel(0, self._tokens) as token:
                kernels.embed(_embedding(shape, self.arguments.weights), ids[token], x, token)
            with T.serial(0, shape.layers) as layer:
                self._normalize(layer, "attn_norm", x, normed)
                with v.then_barrier():
                    self._multiply(self.layer_matrix("qkv", layer), normed, self._writer(qkv, add=False))
                with v.then_barrier():
                    self._append(layer, qkv)
                with v.then_barrier():
                    self._attend(layer, qkv, attended)
                with v.then_barrier():
                    self._multiply(self.layer_matrix("o", layer), attended, self._writer(x, add=True))
                self._normalize(layer, "ffn_norm", x, normed)
                with v.then_barrier():
                    tokens = self.isa.tokens
                    _widen_tokens(self.isa, self.layer_matrix("gate_up", layer), normed, tokens, self._steps, hidden)
                with v.then_barrier():
                    self._multiply(self.layer_matrix("down", layer), hidden, self._writer(x, add=True))

    @property
    def _tokens(self) -> Any:
        return self.blocks * PREFILL_TOKENS

    @property
    def _steps(self) -> Any:
        return self.blocks * (PREFILL_TOKENS // self.isa.tokens)

    def _normalize(self, layer: Any, name: str, x: Any, normed: Quantized) -> None:
        with v.then_barrier(), T.parallel(0, self._tokens) as token:
            kernels.rms_norm(x, token, self.norm(name), (layer,), self.shape.hidden, self.shape.norm_eps, normed)

    def _append(self, layer: Any, qkv: Any) -> None:
        # A task writes a whole block of keys, so that no two threads write to one cache line.
        with T.parallel(0, self.blocks * self.shape.kv_heads) as task:
            kv_head = v.bind(tirx.indexmod(task, self.shape.kv_heads))
            first = v.bind(tirx.indexdiv(task, self.shape.kv_heads) * PREFILL_TOKENS)
            with T.serial(0, PREFILL_TOKENS) as i:
                token = v.bind(first + i)
                attention.append(self.shape, self.arguments.cache(layer), qkv, token, kv_head, self.position + token)

    def _attend(self, layer: Any, qkv: Any, attended: Quantized) -> None:
        shape, cache = self.shape, self.arguments.cache(layer)
        tokens, heads = self._tile()
        head_tiles = shape.heads // heads
        with T.parallel(0, self.blocks * (PREFILL_TOKENS // tokens) * head_tiles) as task:
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
            newest = v.bind(self.position + first + (tokens - 1))
            blocks = (v.i32(0), v.bind(tirx.indexdiv(newest, attention.BLOCK) + 1))
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

    def _multiply(self, matrix: Matrix, x: Quantized, write: Callable[[Any, Any, Any], None]) -> None:
        tokens = self.isa.tokens
        with T.parallel(0, matrix.rows // TILE_ROWS) as tile, T.serial(0, self._steps) as step:
            first = v.bind(step * tokens)

            def write_rows(token: int, row: int, result: Any) -> None:
                write(first + token, v.lanes(tile * TILE_ROWS + row, self.isa.rows), result)

            kernels.multiply_tile_row(self.isa, matrix, tile, x, first, tokens, write_rows)

    @staticmethod
    def _writer(out: Any, *, add: bool) -> Callable[[Any, Any, Any], None]:
        def write(token: Any, at: Any, result: Any) -> None:
            v.store(out, out[token, at] + result if add else result, token, at)

        return write
