"""A decoder in plain numpy that reads its weights from a source, with all that the source says of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from gguf.quants import dequantize
from numpy.typing import NDArray

from tether_desktop.model.compiler.source import ModelSource

Floats = NDArray[np.float32]


def floats(source: ModelSource, name: str, layer: int | None = None) -> Floats:
    """The numbers that a tensor stands for."""
    tensor = source.tensor(name, layer)
    return np.asarray(dequantize(tensor.read(), tensor.encoding), np.float32).reshape(tensor.shape)


class SourceDecoder:
    """Logits of every position of a prompt, in float32 throughout.

    ``context_window`` chooses between the forms of a rotation that has two.
    """

    def __init__(self, source: ModelSource, context_window: int = 0) -> None:
        self._source = source
        self._config = source.config
        rope = source.config.rope
        use_long = rope.original_context > 0 and context_window > rope.original_context
        self._tables = [table.long_inv_freq if use_long else table.inv_freq for table in rope.tables]

    def logits(self, ids: Sequence[int]) -> Floats:
        """float32[len(ids), vocab]."""
        config = self._config
        x = floats(self._source, "embed")[list(ids)] * np.float32(config.embedding_scale)
        for layer in range(config.layers):
            x = x + self._post_norm(self._attention(self._norm(x, "attn_norm", layer), layer), "post_attn_norm", layer)
            x = x + self._post_norm(self._feed_forward(self._norm(x, "ffn_norm", layer), layer), "post_ffn_norm", layer)
        head = floats(self._source, "embed" if config.tied else "lm_head")
        return np.asarray(self._norm(x, "final_norm", None) @ head.T)

    def _norm(self, x: Floats, name: str, layer: int | None) -> Floats:
        weight = floats(self._source, name, layer) + np.float32(self._config.norm_offset)
        return np.asarray(x / np.sqrt((x * x).mean(-1, keepdims=True) + np.float32(self._config.norm_eps)) * weight)

    def _post_norm(self, x: Floats, name: str, layer: int) -> Floats:
        return self._norm(x, name, layer) if self._config.post_norms else x

    def _heads(self, x: Floats, name: str, layer: int) -> Floats:
        """float32[heads, positions, head_dim]."""
        rows = x @ floats(self._source, name, layer).T
        if self._config.qkv_bias:
            rows = rows + floats(self._source, f"{name}_bias", layer)
        heads = rows.reshape(len(x), -1, self._config.head_dim).swapaxes(0, 1)
        return self._norm(heads, f"{name}_norm", layer) if self._config.qk_norm and name != "v" else heads

    def _attention(self, x: Floats, layer: int) -> Floats:
        config = self._config
        queries, keys, values = (self._heads(x, name, layer) for name in "qkv")
        queries, keys = self._rotated(queries, layer), self._rotated(keys, layer)
        keys, values = (np.repeat(part, config.heads // config.kv_heads, axis=0) for part in (keys, values))
        scores = queries @ keys.swapaxes(1, 2) * np.float32(config.attention_scale)
        scores[:, ~self._visible(len(x), layer)] = -np.inf
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        mixed = weights / weights.sum(-1, keepdims=True) @ values
        return np.asarray(mixed.swapaxes(0, 1).reshape(len(x), -1) @ floats(self._source, "o", layer).T)

    def _visible(self, count: int, layer: int) -> NDArray[np.bool_]:
        window = self._config.windows[layer] if self._config.windows else 0
        distance = np.arange(count)[:, None] - np.arange(count)
        return (distance >= 0) & ((distance < window) if window else True)

    def _rotated(self, heads: Floats, layer: int) -> Floats:
        rope, rotary = self._config.rope, self._config.rotary_dim
        frequencies = np.array(self._tables[rope.of_layer[layer] if rope.of_layer else 0])
        angles = np.arange(heads.shape[1])[:, None] * frequencies
        cos, sin = (np.asarray(wave(angles) * rope.scale, np.float32) for wave in (np.cos, np.sin))
        first, second = heads[..., : rotary // 2], heads[..., rotary // 2 : rotary]
        return np.concatenate([first * cos - second * sin, second * cos + first * sin, heads[..., rotary:]], axis=-1)

    def _feed_forward(self, x: Floats, layer: int) -> Floats:
        gate, up = (x @ floats(self._source, name, layer).T for name in ("gate", "up"))
        if self._config.activation == "silu":
            gate = gate / (1 + np.exp(-gate))
        else:
            gate = 0.5 * gate * (1 + np.tanh(np.sqrt(2 / np.pi) * (gate + 0.044715 * gate**3)))
        return np.asarray((gate * up) @ floats(self._source, "down", layer).T, np.float32)
