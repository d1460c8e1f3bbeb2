"""The functions of a compiled decoder: ``decode`` a token, ``prefill`` a chunk of a prompt, and ``head`` of that.

Each is a single parallel region over all layers. Between its stages threads meet at a barrier; what is
cheap is computed by every thread for itself instead.
"""

from __future__ import annotations

from typing import Any

from tvm.tirx.script import builder as T  # noqa: N812  (TVM's own name for it)

from tether_desktop.model.compiler import attention
from tether_desktop.model.compiler import vector_ir as v
from tether_desktop.model.compiler.decode_step import DecodeStep
from tether_desktop.model.compiler.isa import Isa
from tether_desktop.model.compiler.prefill_step import PrefillStep
from tether_desktop.model.compiler.stages import Arguments, project_to_vocabulary
from tether_desktop.model.decoder_shape import DecoderShape


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
            DecodeStep(self._shape, self._isa, arguments, position, splits).emit(token, logits)

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
            PrefillStep(self._shape, self._isa, arguments, position, blocks, chunk).emit(ids, x)

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
                project_to_vocabulary(shape, self._isa, weights, x, row, logits)

        return v.function("head", body)

    def _arguments(self) -> Arguments:
        shape = self._shape
        blocks, positions = T.int32(), T.int32()
        k = T.buffer((shape.layers, shape.kv_heads, blocks, shape.head_dim, attention.BLOCK), "float16")
        values = T.buffer((shape.layers, shape.kv_heads, positions, shape.head_dim), "float16")
        tables = [T.buffer((shape.rope_tables, positions, shape.rotary_dim // 2), "float32") for _ in range(2)]
        k, values = T.arg("k", k), T.arg("v", values)
        cos, sin = (T.arg(name, table) for name, table in zip(("cos", "sin"), tables, strict=True))
        return Arguments(k, values, cos, sin, self._weights())

    def _weights(self) -> dict[str, Any]:
        return {
            name: T.arg(name.replace(".", "_"), T.buffer(shape, dtype))
            for name, (shape, dtype) in self._shape.parameters().items()
        }
