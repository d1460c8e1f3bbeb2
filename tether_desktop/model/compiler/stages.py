"""What the functions of a decoder share: their arguments, and stages that do not depend on the number of tokens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tvm.tirx.script import builder as T  # noqa: N812  (TVM's own name for it)

from tether_desktop.model.compiler import attention, kernels
from tether_desktop.model.compiler import vector_ir as v
from tether_desktop.model.compiler.isa import Isa
from tether_desktop.model.compiler.kernels import Matrix, Norm, Quantized
from tether_desktop.model.decoder_shape import TILE_FORMATS, TILE_ROWS, Activation, DecoderShape


@dataclass(frozen=True)
class Arguments:
    """Buffers that both functions take, in this order.

    Attributes:
        k, v: the KV cache (see :mod:`attention`).
        cos, sin: float32[tables, positions, rotary_dim / 2].
        weights: by the names of :meth:`DecoderShape.parameters`.
    """

    k: Any
    v: Any
    cos: Any
    sin: Any
    weights: dict[str, Any]


@dataclass(frozen=True)
class Step:
    """A function while it is written: the model's shape, the instruction set, and the arguments."""

    shape: DecoderShape
    isa: Isa
    arguments: Arguments

    def each_layer(self) -> Any:
        """A loop over the layers; its index is wide, for all layers together may have more than 2^31 weights."""
        return T.serial(v.i64(0), v.i64(self.shape.layers))

    def embed(self, token: Any, out: Any, row: Any) -> None:
        """Write a token's embedding into ``out[row]``."""
        table = vocabulary_matrix(self.shape, self.arguments.weights, "embed")
        kernels.embed(table, token, self.shape.embedding_scale, out, row)

    def with_matrix(self, name: str, layer: Any, use: Callable[[Matrix], None]) -> None:
        """Write what is done with a weight matrix of one layer; twice, where layers have two tile formats."""
        weights, stacks = self.arguments.weights, self.shape.stacks(name)
        forms = [(weights[stack.tensor], TILE_FORMATS[stack.form]) for stack in stacks]
        if len(forms) == 1:
            use(Matrix(*forms[0], (layer,)))
            return
        (narrow, wide), place = forms, v.bind(weights[f"layers.{name}.place"][layer].astype("int64"))
        with T.If(place >= 0):
            with T.Then():
                use(Matrix(*narrow, (place,)))
            with T.Else():
                use(Matrix(*wide, (v.i64(-1) - place,)))

    def norm(self, name: str, layer: Any) -> Norm:
        """A norm over the residual stream of one layer."""
        return Norm(self.arguments.weights[f"layers.{name}"], self.shape.hidden, self.shape.norm_eps, (layer,))

    def cache(self, layer: Any) -> attention.Cache:
        """The cache of one layer."""
        shape, arguments, weights = self.shape, self.arguments, self.arguments.weights
        return attention.Cache(
            k=arguments.k,
            v=arguments.v,
            layer=layer,
            cos=arguments.cos,
            sin=arguments.sin,
            table=v.bind(weights["layers.rope"][layer]) if shape.rope_tables > 1 else v.i32(0),
            window=v.bind(weights["layers.window"][layer]) if shape.windowed else None,
            q_norm=self._head_norm("q_norm", layer),
            k_norm=self._head_norm("k_norm", layer),
        )

    def with_bias(self, layer: Any, rows: Any, result: Any) -> Any:
        """The result of some rows of query, key and value with their bias, where there is one."""
        return result + self.arguments.weights["layers.qkv.bias"][layer, rows] if self.shape.qkv_bias else result

    def _head_norm(self, name: str, layer: Any) -> Norm | None:
        if not self.shape.qk_norm:
            return None
        return Norm(self.arguments.weights[f"layers.{name}"], self.shape.head_dim, self.shape.norm_eps, (layer,))


def vocabulary_matrix(shape: DecoderShape, weights: dict[str, Any], name: str) -> Matrix:
    """The embedding or the head."""
    return Matrix(weights[f"{name}.tiles"], TILE_FORMATS[shape.formats[name]])


def project_to_vocabulary(
    shape: DecoderShape, isa: Isa, weights: dict[str, Any], x: Any, row: Any, logits: Any
) -> None:
    """The float32[vocab] logits of row ``row`` of ``x``; directly inside a parallel region."""
    normed = kernels.quantized_scratch(1, shape.hidden)
    Norm(weights["final_norm"], shape.hidden, shape.norm_eps).quantize(_RowView(x, row), 0, normed)
    head = vocabulary_matrix(shape, weights, shape.head_matrix)

    with T.parallel(0, head.tile_rows) as tile:

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


def widen_tokens(
    isa: Isa, activation: Activation, matrix: Matrix, x: Quantized, tokens: int, steps: Any, hidden: Quantized
) -> None:
    """Quantize activation(gate x) * (up x) into ``hidden``, a group of 32 columns at a time.

    ``steps`` * ``tokens`` tokens are worked on, ``tokens`` at once. Tiles of gate and up alternate.
    """
    activate = kernels.ACTIVATIONS[activation]
    with T.parallel(0, matrix.tile_rows // 4) as group:
        results = v.scratch((4, tokens, TILE_ROWS))
        with T.serial(0, steps) as step:
            first = v.bind(step * tokens)
            for part in range(4):

                def write(token: int, row: int, result: Any, part: int = part) -> None:
                    v.store(results, result, part, token, v.lanes(row, isa.rows))

                kernels.multiply_tile_row(isa, matrix, group * 4 + part, x, first, tokens, write)
            with T.serial(0, tokens) as token:
                gate_low, up_low, gate_high, up_high = (v.bind(results[part, token, v.lanes(0)]) for part in range(4))
                low = v.bind(activate(gate_low) * up_low)
                high = v.bind(activate(gate_high) * up_high)
                kernels.quantize_group(hidden, first + token, group, low, high)
