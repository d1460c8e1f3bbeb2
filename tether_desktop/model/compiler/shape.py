"""The dimensions of a llama-like decoder, read from a model's configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tether_desktop.errors import ModelBroken

TILE_ROWS = 16
GROUP = 32
"""A weight tile has 16 rows and 32 columns; a group of 32 columns shares a scale per row."""

Q4_TILE_BYTES = 256 + 2 * 32
"""Nibbles, then float16 scale[16], then float16 minimum[16]."""

Q8_TILE_BYTES = 512 + 32
"""Bytes (weight + 128), then float16 scale[16]."""

QUANTIZATION_BITS = {"q4_1t16": 4, "q8_0t16": 8}
"""Bits of the layers' matrices by the name of the quantization; embedding and head have 8."""


@dataclass(frozen=True)
class DecoderShape:
    """Dimensions of a decoder.

    Attributes:
        layers: decoder layers.
        hidden: width of the residual stream.
        intermediate: width of the feed-forward layer.
        heads, kv_heads: query heads, and key/value heads they share.
        head_dim: width of a head.
        vocab: rows of embedding and head, a multiple of 16.
        norm_eps: added to the mean square in RMSNorm.
        bits: of the layers' matrices, 4 or 8.
        tied: whether the head is the embedding.
    """

    layers: int
    hidden: int
    intermediate: int
    heads: int
    kv_heads: int
    head_dim: int
    vocab: int
    norm_eps: float
    bits: int
    tied: bool

    @property
    def qkv(self) -> int:
        """Rows of the joined query, key and value projection."""
        return (self.heads + 2 * self.kv_heads) * self.head_dim

    @property
    def group_heads(self) -> int:
        """Query heads that share a key/value head."""
        return self.heads // self.kv_heads

    def parameters(self) -> dict[str, tuple[tuple[int, ...], str]]:
        """Shape and dtype of every tensor the kernels read, by name, in the order they take them."""
        tensors: dict[str, tuple[tuple[int, ...], str]] = {
            "embed.tiles": (self._tiles(self.vocab, self.hidden, 8), "uint8"),
            "layers.attn_norm": ((self.layers, self.hidden), "float32"),
            "layers.qkv.tiles": (self._layer_tiles(self.qkv, self.hidden), "uint8"),
            "layers.o.tiles": (self._layer_tiles(self.hidden, self.heads * self.head_dim), "uint8"),
            "layers.ffn_norm": ((self.layers, self.hidden), "float32"),
            "layers.gate_up.tiles": (self._layer_tiles(2 * self.intermediate, self.hidden), "uint8"),
            "layers.down.tiles": (self._layer_tiles(self.hidden, self.intermediate), "uint8"),
            "final_norm": ((self.hidden,), "float32"),
        }
        if not self.tied:
            tensors["lm_head.tiles"] = (self._tiles(self.vocab, self.hidden, 8), "uint8")
        return tensors

    def _layer_tiles(self, rows: int, columns: int) -> tuple[int, ...]:
        return (self.layers, *self._tiles(rows, columns, self.bits))

    @staticmethod
    def _tiles(rows: int, columns: int, bits: int) -> tuple[int, ...]:
        return (rows // TILE_ROWS, columns // GROUP, Q4_TILE_BYTES if bits == 4 else Q8_TILE_BYTES)


def shape_of(config: Mapping[str, Any]) -> DecoderShape:
    """The dimensions told by the contents of ``mlc-chat-config.json``.

    Raises:
        ModelBroken: a value is missing, or the kernels cannot be made for it.
    """
    try:
        model = config["model_config"]
        shape = DecoderShape(
            layers=int(model["num_hidden_layers"]),
            hidden=int(model["hidden_size"]),
            intermediate=int(model["intermediate_size"]),
            heads=int(model["num_attention_heads"]),
            kv_heads=int(model["num_key_value_heads"]),
            head_dim=int(model["head_dim"]),
            vocab=-(-int(model["vocab_size"]) // TILE_ROWS) * TILE_ROWS,
            norm_eps=float(model["rms_norm_eps"]),
            bits=QUANTIZATION_BITS[config["quantization"]],
            tied=bool(model["tie_word_embeddings"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ModelBroken(
            "The model cannot be compiled",
            f"Its mlc-chat-config.json has a missing or unusable value: {error}.",
            "Fetch or convert the model again.",
        ) from error
    _check(shape)
    return shape


def _check(shape: DecoderShape) -> None:
    limits = {
        "hidden_size is not a multiple of 32": shape.hidden % GROUP,
        "intermediate_size is not a multiple of 32": shape.intermediate % GROUP,
        "head_dim is not a multiple of 32": shape.head_dim % GROUP,
        "num_attention_heads is not a multiple of num_key_value_heads": shape.heads % max(shape.kv_heads, 1),
        "a dimension is not positive": min(shape.layers, shape.hidden, shape.intermediate, shape.kv_heads) <= 0,
    }
    broken = [reason for reason, is_broken in limits.items() if is_broken]
    if broken:
        raise ModelBroken(
            "The model cannot be compiled", f"In its configuration, {broken[0]}.", "Choose another model."
        )
