"""The llama architecture in GGUF: its dimensions, and its tensors in our layout."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from gguf import GGMLQuantizationType
from gguf.quants import dequantize, quantize
from numpy.typing import NDArray

from tether_desktop.errors import ModelBroken
from tether_desktop.model.compiler import packing
from tether_desktop.model.compiler.gguf_source import GgufFile
from tether_desktop.model.compiler.packed_model import (
    ModelConfig,
    PackedTensor,
    Rows,
    plain_tensor,
    q4_matrix,
    q8_matrix,
)
from tether_desktop.model.compiler.shape import GROUP

_SOURCE_TYPES = frozenset(GGMLQuantizationType[name] for name in ("F32", "F16", "Q8_0", "Q4_1"))
_LAYER_MATRICES = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")
_ROWS_AT_ONCE = 4096


class LlamaSource:
    """A llama model in a GGUF file.

    Attributes:
        config: its dimensions.
        quantization: "q4_1t16" when every layer matrix is Q4_1, else "q8_0t16"; the embedding always has 8 bits.
    """

    model_type = "llama"

    def __init__(self, file: GgufFile) -> None:
        """Read the dimensions and check every tensor against them.

        Raises:
            ModelBroken: metadata or tensors are missing, contradictory or of a kind we do not run.
        """
        self._file = file
        self.config = self._read_config()
        self._check_tensors()
        four_bits = all(
            file.tensors[_layer_name(matrix, layer)].type is GGMLQuantizationType.Q4_1
            for matrix in _LAYER_MATRICES
            for layer in self._layers
        )
        self.quantization = "q4_1t16" if four_bits else "q8_0t16"

    def tensors(self) -> Iterator[PackedTensor]:
        """All tensors in the order they are stored."""
        config = self.config
        size, inner, vocab = config.hidden_size, config.intermediate_size, (config.vocab_size, config.hidden_size)
        queries = config.num_attention_heads * config.head_dim
        qkv = queries + 2 * config.num_key_value_heads * config.head_dim
        yield q8_matrix("embed", vocab, self._row_parts("token_embd.weight"))
        if not config.tie_word_embeddings:
            yield q8_matrix("lm_head", vocab, self._row_parts("output.weight"))
        yield self._layer_norm("attn_norm")
        yield self._layer_matrix("qkv", qkv, size, self._qkv_rows)
        yield self._layer_matrix("o", size, queries, partial(self._layer_rows, "attn_output"))
        yield self._layer_norm("ffn_norm")
        yield self._layer_matrix("gate_up", 2 * inner, size, self._gate_up_rows)
        yield self._layer_matrix("down", size, inner, partial(self._layer_rows, "ffn_down"))
        yield plain_tensor("final_norm", (size,), [partial(self._floats, "output_norm.weight")])
        yield plain_tensor("rope.inv_freq", (config.head_dim // 2,), [self._inverse_frequencies])

    @property
    def _layers(self) -> range:
        return range(self.config.num_hidden_layers)

    def _read_config(self) -> ModelConfig:
        require, get = self._file.require, self._file.get
        hidden, heads = require("llama.embedding_length", int), require("llama.attention.head_count", int)
        if heads < 1:
            raise self._refuse(f"it has {heads} attention heads.")
        head_dim = get("llama.attention.key_length", hidden // heads)
        tokens = require("tokenizer.ggml.tokens", list)
        config = ModelConfig(
            hidden_size=hidden,
            intermediate_size=require("llama.feed_forward_length", int),
            num_attention_heads=heads,
            num_key_value_heads=get("llama.attention.head_count_kv", heads),
            head_dim=head_dim,
            num_hidden_layers=require("llama.block_count", int),
            rms_norm_eps=float(f"{require('llama.attention.layer_norm_rms_epsilon', float):.7g}"),
            rope_theta=get("llama.rope.freq_base", 10000.0),
            vocab_size=len(tokens),
            context_window_size=require("llama.context_length", int),
            tie_word_embeddings="output.weight" not in self._file.tensors,
        )
        self._check_config(config)
        return config

    def _check_config(self, config: ModelConfig) -> None:
        groups = (config.hidden_size, config.intermediate_size, config.num_attention_heads * config.head_dim)
        if any(size < 1 or size % GROUP for size in groups):
            raise self._refuse(f"its sizes {groups} are no multiples of {GROUP}.")
        if config.head_dim % GROUP or config.num_key_value_heads < 1:
            raise self._refuse(f"its attention heads of {config.head_dim} dimensions do not fill tiles.")
        if config.num_attention_heads % config.num_key_value_heads:
            raise self._refuse("its attention heads do not divide evenly among its key-value heads.")
        if self._file.get("llama.rope.dimension_count", config.head_dim) != config.head_dim:
            raise self._refuse("it rotates only a part of each attention head.")
        if self._file.get("llama.rope.scaling.type", "none") != "none":
            raise self._refuse("it stretches its context window by RoPE scaling.")
        if min(config.num_hidden_layers, config.vocab_size, config.context_window_size) < 1:
            raise self._refuse("it has no layers, no vocabulary or no context window.")

    def _check_tensors(self) -> None:
        expected = self._expected_shapes()
        actual = self._file.tensors
        if strange := sorted(expected.keys() ^ actual.keys()):
            kind = "lacks" if strange[0] in expected else "has the unknown"
            raise self._refuse(f"it {kind} tensor {strange[0]!r}.")
        for name, shape in expected.items():
            if actual[name].shape != shape:
                raise self._refuse(f"its tensor {name!r} has the shape {actual[name].shape}, not {shape}.")
            if actual[name].type not in _SOURCE_TYPES:
                names = ", ".join(sorted(kind.name for kind in _SOURCE_TYPES))
                raise self._refuse(f"its tensor {name!r} is {actual[name].type.name}; only {names} can be packed.")

    def _expected_shapes(self) -> dict[str, tuple[int, ...]]:
        config = self.config
        size, vocab = config.hidden_size, (config.vocab_size, config.hidden_size)
        shapes: dict[str, tuple[int, ...]] = {"token_embd.weight": vocab, "output_norm.weight": (size,)}
        if not config.tie_word_embeddings:
            shapes["output.weight"] = vocab
        if "rope_freqs.weight" in self._file.tensors:
            shapes["rope_freqs.weight"] = (config.head_dim // 2,)
        queries, keys = (n * config.head_dim for n in (config.num_attention_heads, config.num_key_value_heads))
        layer = {
            "attn_norm": (size,),
            "ffn_norm": (size,),
            "attn_q": (queries, size),
            "attn_k": (keys, size),
            "attn_v": (keys, size),
            "attn_output": (size, queries),
            "ffn_gate": (config.intermediate_size, size),
            "ffn_up": (config.intermediate_size, size),
            "ffn_down": (size, config.intermediate_size),
        }
        return shapes | {_layer_name(name, i): shape for i in self._layers for name, shape in layer.items()}

    def _layer_matrix(
        self, name: str, rows: int, columns: int, read: Callable[[int, GGMLQuantizationType], packing.Blocks]
    ) -> PackedTensor:
        """A matrix ``[L, rows, columns]``; ``read`` gives the rows of one layer."""
        make = q4_matrix if self.quantization == "q4_1t16" else q8_matrix
        shape = (len(self._layers), rows, columns)
        return make(f"layers.{name}", shape, [partial(read, layer) for layer in self._layers])

    def _layer_norm(self, name: str) -> PackedTensor:
        rows = [partial(self._floats, _layer_name(name, layer)) for layer in self._layers]
        return plain_tensor(f"layers.{name}", (len(self._layers), self.config.hidden_size), rows)

    def _qkv_rows(self, layer: int, kind: GGMLQuantizationType) -> packing.Blocks:
        queries, keys, values = (self._layer_rows(f"attn_{part}", layer, kind) for part in "qkv")
        queries = packing.unpermute_rope_rows(queries, self.config.num_attention_heads)
        keys = packing.unpermute_rope_rows(keys, self.config.num_key_value_heads)
        return np.concatenate([queries, keys, values])

    def _gate_up_rows(self, layer: int, kind: GGMLQuantizationType) -> packing.Blocks:
        gate, up = (self._layer_rows(f"ffn_{part}", layer, kind) for part in ("gate", "up"))
        return packing.interleave_tiles(gate, up)

    def _layer_rows(self, name: str, layer: int, kind: GGMLQuantizationType) -> packing.Blocks:
        return self._rows(_layer_name(name, layer), slice(None), kind)

    def _row_parts(self, name: str) -> list[Rows]:
        starts = range(0, self.config.vocab_size, _ROWS_AT_ONCE)
        return [partial(self._rows, name, slice(start, start + _ROWS_AT_ONCE)) for start in starts]

    def _rows(self, name: str, rows: slice, kind: GGMLQuantizationType) -> packing.Blocks:
        tensor = self._file.tensors[name]
        data = tensor.data[rows]
        return data if tensor.type is kind else quantize(dequantize(data, tensor.type), kind)

    def _floats(self, name: str) -> NDArray[np.float32]:
        tensor = self._file.tensors[name]
        return np.asarray(dequantize(tensor.data, tensor.type), np.float32)

    def _inverse_frequencies(self) -> NDArray[np.float32]:
        """Rotation per position and dimension pair, as ``theta ** (-2i / D)``, divided by the file's own factors."""
        exponents = np.arange(0, self.config.head_dim, 2) / self.config.head_dim
        frequencies = self.config.rope_theta**-exponents
        if "rope_freqs.weight" in self._file.tensors:
            frequencies /= self._floats("rope_freqs.weight").reshape(-1)
        return frequencies.astype(np.float32)

    def _refuse(self, reason: str) -> ModelBroken:
        return ModelBroken("The model cannot be packed", f"{self._file.path.name}: {reason}", "Choose another model.")


def _layer_name(name: str, layer: int) -> str:
    return f"blk.{layer}.{name}.weight"
