"""A random model of any shape and any encodings as a source in memory, and its tokenizer."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGMLQuantizationType
from gguf.quants import dequantize
from numpy.typing import NDArray

from tests.helpers.ggml_encoders import encode
from tether_desktop.model.compiler.source import DecoderConfig, Rope, RopeTable

PLAIN = DecoderConfig(
    model_type="llama",
    layers=2,
    hidden=256,
    intermediate=512,
    heads=4,
    kv_heads=2,
    head_dim=64,
    rotary_dim=64,
    vocab=100,
    context_window=2048,
    norm_eps=1e-5,
    attention_scale=0.125,
    rope=Rope((RopeTable(tuple(10_000.0 ** (-i / 32) for i in range(32))),)),
    tied=True,
)
"""The smallest decoder whose rows all encodings fit; its vocabulary is no multiple of 16."""

RICH = replace(
    PLAIN,
    model_type="gemma3",
    rope=Rope(
        (
            RopeTable(tuple(10_000.0 ** (-i / 32) for i in range(32))),
            RopeTable(tuple(1e6 ** (-i / 32) for i in range(32)), tuple(1e6 ** (-i / 32) / 8 for i in range(32))),
        ),
        of_layer=(0, 1),
        scale=1.25,
        original_context=512,
    ),
    tied=False,
    qkv_bias=True,
    qk_norm=True,
    post_norms=True,
    windows=(128, 0),
    norm_offset=1.0,
)
"""A decoder with every part there is."""


@dataclass(frozen=True)
class MemoryTensor:
    """A tensor of encoded rows."""

    name: str
    encoding: GGMLQuantizationType
    shape: tuple[int, ...]
    rows: NDArray[np.uint8]

    def read(self, rows: slice = slice(None)) -> NDArray[np.uint8]:
        """Some rows."""
        return self.rows[rows]

    def floats(self) -> NDArray[np.float32]:
        """What the rows stand for, by ``gguf``."""
        floats: NDArray[np.float32] = dequantize(np.ascontiguousarray(self.rows), self.encoding).reshape(self.shape)
        return floats


@dataclass
class MemorySource:
    """A source whose tensors are made on first use.

    Attributes:
        encodings: of matrices by their name, or by name and layer; F32 where not given.
        tensors: those made so far, or put there.
    """

    config: DecoderConfig
    encodings: dict[Any, str] = field(default_factory=dict)
    tensors: dict[tuple[str, int | None], MemoryTensor] = field(default_factory=dict)
    path: Path = Path("memory.gguf")

    def tensor(self, name: str, layer: int | None = None) -> MemoryTensor:
        """A random tensor, the same at every call."""
        if (name, layer) not in self.tensors:
            encoding = self.encodings.get((name, layer), self.encodings.get(name, "F32"))
            self.tensors[name, layer] = self._made(name, layer, GGMLQuantizationType[encoding])
        return self.tensors[name, layer]

    def floats(self, name: str) -> NDArray[np.float32]:
        """The tensors of a name in all layers, stacked."""
        return np.stack([self.tensor(name, layer).floats() for layer in range(self.config.layers)])

    def _made(self, name: str, layer: int | None, encoding: GGMLQuantizationType) -> MemoryTensor:
        shape = _shapes(self.config)[name]
        random = np.random.default_rng(sum(name.encode()) * 100 + (layer or 0))
        values = random.standard_normal(shape).astype(np.float32) / np.float32(math.sqrt(shape[-1]))
        return MemoryTensor(f"{name}.{layer}", encoding, shape, encode(np.atleast_2d(values), encoding))


def _shapes(config: DecoderConfig) -> dict[str, tuple[int, ...]]:
    hidden, inner, head = config.hidden, config.intermediate, config.head_dim
    queries, keys = config.heads * head, config.kv_heads * head
    norms = ("attn_norm", "ffn_norm", "post_attn_norm", "post_ffn_norm", "final_norm")
    return {
        **dict.fromkeys(norms, (hidden,)),
        **dict.fromkeys(("q_norm", "k_norm"), (head,)),
        **dict.fromkeys(("embed", "lm_head"), (config.vocab, hidden)),
        "q": (queries, hidden),
        "k": (keys, hidden),
        "v": (keys, hidden),
        "o": (hidden, queries),
        "q_bias": (queries,),
        "k_bias": (keys,),
        "v_bias": (keys,),
        "gate": (inner, hidden),
        "up": (inner, hidden),
        "down": (hidden, inner),
    }


@dataclass
class MemoryTokenizer:
    """A tokenizer of so many tokens."""

    tokens: int = 100
    bos_token_id: int | None = 1
    eos_token_ids: list[int] = field(default_factory=lambda: [2, 0])
    conv_template: dict[str, Any] = field(default_factory=dict)
    change: Callable[[dict[str, Any]], None] = lambda _: None

    def files(self) -> dict[str, bytes]:
        """The least that is a tokenizer."""
        vocabulary = {f"token {number}": number for number in range(self.tokens)}
        tokenizer = {"version": "1.0", "added_tokens": [], "model": {"type": "WordLevel", "vocab": vocabulary}}
        self.change(tokenizer)
        return {
            "tokenizer.json": json.dumps(tokenizer).encode(),
            "tokenizer_config.json": json.dumps({"chat_template": "{{ messages }}"}).encode(),
        }
