"""A llama decoder in plain numpy, on the same weights in floats: slow, and easy to check by eye."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.helpers.tiles import dequantize_tiles
from tether_desktop.model.compiler.shape import DecoderShape

Floats = NDArray[np.float32]


class ReferenceDecoder:
    """Logits of every position of a prompt, in float32 throughout."""

    def __init__(self, shape: DecoderShape, tensors: dict[str, NDArray[Any]]) -> None:
        self._shape = shape
        self._tensors = tensors
        self._embedding = dequantize_tiles(tensors, "embed")
        self._head = self._embedding if shape.tied else dequantize_tiles(tensors, "lm_head")

    def logits(self, ids: Sequence[int]) -> Floats:
        """float32[len(ids), vocab]."""
        x = self._embedding[list(ids)]
        for layer in range(self._shape.layers):
            x = x + self._attention(layer, self._norm(x, self._tensors["layers.attn_norm"][layer]))
            x = x + self._feed_forward(layer, self._norm(x, self._tensors["layers.ffn_norm"][layer]))
        return np.asarray(self._norm(x, self._tensors["final_norm"]) @ self._head.T)

    def _matrix(self, name: str, layer: int) -> Floats:
        return dequantize_tiles({"m.tiles": self._tensors[f"layers.{name}.tiles"][layer]}, "m")

    def _norm(self, x: Floats, weight: Floats) -> Floats:
        return np.asarray(x / np.sqrt((x * x).mean(-1, keepdims=True) + self._shape.norm_eps) * weight)

    def _attention(self, layer: int, x: Floats) -> Floats:
        shape, count = self._shape, len(x)
        qkv = (x @ self._matrix("qkv", layer).T).reshape(count, -1, shape.head_dim).swapaxes(0, 1)
        queries, keys, values = np.split(qkv, [shape.heads, shape.heads + shape.kv_heads])
        keys, values = (np.repeat(part, shape.group_heads, axis=0) for part in (self._rotate(keys), values))
        scores = self._rotate(queries) @ keys.swapaxes(1, 2) * shape.head_dim**-0.5
        scores[:, ~np.tri(count, dtype=bool)] = -np.inf
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        mixed = weights / weights.sum(-1, keepdims=True) @ values
        return np.asarray(mixed.swapaxes(0, 1).reshape(count, -1) @ self._matrix("o", layer).T)

    def _rotate(self, heads: Floats) -> Floats:
        angles = np.arange(heads.shape[1])[:, None] * self._tensors["rope.inv_freq"][None].astype(np.float64)
        cos, sin = np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)
        a, b = np.split(heads, 2, axis=-1)
        return np.concatenate([a * cos - b * sin, b * cos + a * sin], axis=-1)

    def _feed_forward(self, layer: int, x: Floats) -> Floats:
        both = (x @ self._matrix("gate_up", layer).T).reshape(len(x), -1, 2, 16)
        gate, up = (both[:, :, part].reshape(len(x), -1) for part in (0, 1))
        return np.asarray((gate / (1 + np.exp(-gate)) * up) @ self._matrix("down", layer).T)
