"""What both functions of a decoder share: their arguments, and stages that do not depend on the number of tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tvm.tirx.script import builder as T  # noqa: N812  (TVM's own name for it)

from tether_desktop.model.compiler import attention, kernels
from tether_desktop.model.compiler import vector_ir as v
from tether_desktop.model.compiler.isa import Isa
from tether_desktop.model.compiler.kernels import Matrix, Quantized
from tether_desktop.model.compiler.shape import GROUP, TILE_ROWS, DecoderShape


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


@dataclass(frozen=True)
class Step:
    """A function while it is written: the model's shape, the instruction set, and the arguments."""

    shape: DecoderShape
    isa: Isa
    arguments: Arguments

    def layer_matrix(self, name: str, layer: Any) -> Matrix:
        """A weight matrix of one layer."""
        tiles = self.arguments.weights[f"layers.{name}.tiles"]
        return Matrix(tiles, int(tiles.shape[1]) * TILE_ROWS, int(tiles.shape[2]) * GROUP, self.shape.bits, (layer,))

    def norm(self, name: str) -> Any:
        """The norm weights of all layers."""
        return self.arguments.weights[f"layers.{name}"]


def embedding(shape: DecoderShape, weights: dict[str, Any], name: str = "embed.tiles") -> Matrix:
    """The table of embeddings, or the head that has its form."""
    return Matrix(weights[name], shape.vocab, shape.hidden, 8)


def project_to_vocabulary(
    shape: DecoderShape, isa: Isa, weights: dict[str, Any], x: Any, row: Any, logits: Any
) -> None:
    """The float32[vocab] logits of row ``row`` of ``x``; directly inside a parallel region."""
    normed = kernels.quantized_scratch(1, shape.hidden)
    kernels.rms_norm(_RowView(x, row), 0, weights["final_norm"], (), shape.hidden, shape.norm_eps, normed)
    head = embedding(shape, weights, "embed.tiles" if shape.tied else "lm_head.tiles")

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


def widen_tokens(isa: Isa, matrix: Matrix, x: Quantized, tokens: int, steps: Any, hidden: Quantized) -> None:
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
