"""A decoder in plain numpy, on the same weights in floats: slow, and easy to check by eye."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.helpers.tiles import dequantize_tiles
from tether_desktop.model.decoder_shape import DecoderShape

Floats = NDArray[np.float32]


class ReferenceDecoder:
    """Logits of every position of a prompt, in float32 throughout."""

    def __init__(self, shape: DecoderShape, tensors: dict[str, NDArray[Any]], rope_scale: float = 1.0) -> None:
        self._shape = shape
        self._tensors = tensors
        self._rope_scale = rope_scale
        self._embedding = dequantize_tiles(tensors, "embed")
        self._head = self._embedding if shape.tied else dequantize_tiles(tensors, "lm_head")

    def logits(self, ids: Sequence[int]) -> Floats:
        """float32[len(ids), vocab]."""
        x = self._embedding[list(ids)] * np.float32(self._shape.embedding_scale)
        for layer in range(self._shape.layers):
            attended = self._attention(layer, self._layer_norm(x, "attn_norm", layer))
            x = x + self._post_norm(attended, "post_attn_norm", layer)
            widened = self._feed_forward(layer, self._layer_norm(x, "ffn_norm", layer))
            x = x + self._post_norm(widened, "post_ffn_norm", layer)
        return np.asarray(self._norm(x, self._tensors["final_norm"]) @ self._head.T)

    def _matrix(self, name: str, layer: int) -> Floats:
        stack, place = f"layers.{name}.tiles", layer
        if name in self._shape.wide_layers:
            place = int(self._tensors[f"layers.{name}.place"][layer])
            stack, place = (stack, place) if place >= 0 else (f"layers.{name}.wide.tiles", -1 - place)
        return dequantize_tiles({"m.tiles": self._tensors[stack][place]}, "m")

    def _layer_norm(self, x: Floats, name: str, layer: int) -> Floats:
        return self._norm(x, self._tensors[f"layers.{name}"][layer])

    def _post_norm(self, x: Floats, name: str, layer: int) -> Floats:
        return self._layer_norm(x, name, layer) if self._shape.post_norms else x

    def _norm(self, x: Floats, weight: Floats) -> Floats:
        return np.asarray(x / np.sqrt((x * x).mean(-1, keepdims=True) + self._shape.norm_eps) * weight)

    def _attention(self, layer: int, x: Floats) -> Floats:
        shape, count = self._shape, len(x)
        qkv = x @ self._matrix("qkv", layer).T
        if shape.qkv_bias:
            qkv = qkv + self._tensors["layers.qkv.bias"][layer]
        heads = qkv.reshape(count, -1, shape.head_dim).swapaxes(0, 1)
        queries, keys, values = np.split(heads, [shape.heads, shape.heads + shape.kv_heads])
        if shape.qk_norm:
            queries, keys = (
                self._layer_norm(part, f"{kind}_norm", layer) for kind, part in zip("qk", (queries, keys), strict=True)
            )
        queries, keys = (self._rotate(part, layer) for part in (queries, keys))
        keys, values = (np.repeat(part, shape.group_heads, axis=0) for part in (keys, values))
        scores = queries @ keys.swapaxes(1, 2) * shape.attention_scale
        scores[:, ~self._visible(layer, count)] = -np.inf
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        mixed = weights / weights.sum(-1, keepdims=True) @ values
        return np.asarray(mixed.swapaxes(0, 1).reshape(count, -1) @ self._matrix("o", layer).T)

    def _visible(self, layer: int, count: int) -> NDArray[np.bool_]:
        window = int(self._tensors["layers.window"][layer]) if self._shape.windowed else 0
        past = np.tri(count, dtype=bool)
        return past & ~np.tri(count, k=-window, dtype=bool) if window else past

    def _rotate(self, heads: Floats, layer: int) -> Floats:
        table = int(self._tensors["layers.rope"][layer]) if self._shape.rope_tables > 1 else 0
        frequencies = self._tensors["rope.inv_freq"][table].astype(np.float64)
        angles = np.arange(heads.shape[1])[:, None] * frequencies
        cos, sin = (np.asarray(f(angles) * self._rope_scale, np.float32) for f in (np.cos, np.sin))
        rotary = self._shape.rotary_dim
        first, second = heads[..., : rotary // 2], heads[..., rotary // 2 : rotary]
        rotated = [first * cos - second * sin, second * cos + first * sin, heads[..., rotary:]]
        return np.concatenate(rotated, axis=-1)

    def _feed_forward(self, layer: int, x: Floats) -> Floats:
        tiles = (x @ self._matrix("gate_up", layer).T).reshape(len(x), -1, 2, 16)
        gate, up = (tiles[:, :, part].reshape(len(x), -1) for part in (0, 1))
        return np.asarray(self._activation(gate) * up @ self._matrix("down", layer).T)

    def _activation(self, x: Floats) -> Floats:
        if self._shape.activation == "silu":
            return np.asarray(x / (1 + np.exp(-x)))
        return np.asarray(0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))), np.float32)
