"""A tiny random llama model: as a GGUF file, as a packed model folder, and as plain float matrices."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import gguf
import numpy as np
from gguf import GGMLQuantizationType
from gguf.quants import dequantize, quantize
from numpy.typing import NDArray
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from tests.helpers.gguf_writer import add_field
from tether_desktop.model.compiler.folder import Card, pack_model
from tether_desktop.model.compiler.sources import open_source
from tether_desktop.model.compiler.tokenizer_files import open_tokenizer

SPECIAL_TOKENS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
_CORPUS = (
    "The quick brown fox jumps over the lazy dog. What is the capital of France? It is Paris, and this is why.\n"
    "Name three colours: red, green and blue. 1 2 3 4 5 6 7 8 9 0. There were there then these three others.\n"
    "user assistant system Hello! How are you today? I am well, thank you; writing words with the other readers.\n"
)
MatrixType = Literal["Q4_1", "Q8_0", "F16", "F32"]


@dataclass(frozen=True)
class TinyConfig:
    """Dimensions of the random model; the defaults are the smallest that exercise every part."""

    hidden_size: int = 64
    intermediate_size: int = 128
    num_attention_heads: int = 4
    num_key_value_heads: int = 2
    head_dim: int = 32
    num_hidden_layers: int = 2
    vocab_size: int = 512
    context_window_size: int = 256
    rms_norm_eps: float = 1e-5
    rope_theta: float = 10000.0
    tied: bool = True
    matrices: MatrixType = "Q4_1"
    seed: int = 0

    @property
    def query_rows(self) -> int:
        """Rows of the query projection."""
        return self.num_attention_heads * self.head_dim

    @property
    def key_rows(self) -> int:
        """Rows of the key and of the value projection."""
        return self.num_key_value_heads * self.head_dim


@dataclass(frozen=True)
class TinyModel:
    """A tiny model on disk.

    Attributes:
        folder: in the layout of a packed model.
        gguf: the file it was packed from.
        config: its dimensions.
        floats: the matrices that the file stands for, dequantized, by GGUF name; query and key rows are in the
            order of rotate-half RoPE, as the packed model has them.
    """

    folder: Path
    gguf: Path
    config: TinyConfig
    floats: dict[str, NDArray[np.float32]]


def make_tiny_model(parent: Path, config: TinyConfig | None = None, name: str = "Tiny-q4_1t16-MLC") -> TinyModel:
    """Write a random model as ``parent/name`` and the GGUF file it was made from beside it."""
    config = config or TinyConfig()
    source = parent / f"{name}.gguf"
    floats = write_tiny_gguf(source, config)
    folder = parent / name
    folder.mkdir()
    card = Card(name, "made for the tests", "", "")
    pack_model(open_source(source), open_tokenizer(source), folder, card=card, on_progress=lambda _: None)
    return TinyModel(folder, source, config, floats)


def write_tiny_gguf(path: Path, config: TinyConfig, *, fields: dict[str, Any] | None = None) -> dict[str, Any]:
    """Write the random model as a GGUF file; ``fields`` are added to or replace its metadata.

    Returns the dequantized matrices, see :class:`TinyModel`.
    """
    writer = gguf.GGUFWriter(path, arch="llama")
    for key, value in (_metadata(config) | (fields or {})).items():
        add_field(writer, key, value)
    floats = {}
    for name, values in _random_matrices(config).items():
        kind = _stored_type(name, values, config)
        data = quantize(_gguf_row_order(name, values, config), kind)
        writer.add_tensor(name, data, raw_dtype=kind)
        stored = quantize(values, kind)
        floats[name] = dequantize(stored, kind).reshape(values.shape)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return floats


@cache
def tiny_vocabulary(size: int) -> tuple[list[str], list[str]]:
    """Tokens and merges of a byte-level BPE tokenizer, padded with unused tokens up to ``size``."""
    tokenizer = Tokenizer(models.BPE())
    digits = pre_tokenizers.Digits(individual_digits=True)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([digits, pre_tokenizers.ByteLevel(add_prefix_space=False)])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator([_CORPUS], trainer)
    vocabulary = tokenizer.get_vocab()
    tokens = sorted(vocabulary, key=vocabulary.__getitem__)
    tokens += [f"<|unused_{i}|>" for i in range(len(tokens), size)]
    return tokens, _merges(tokens)


def _merges(tokens: list[str]) -> list[str]:
    """Merges in rank order: every token that is two earlier ones, the longest left part first."""
    known = {token: rank for rank, token in enumerate(tokens)}
    first = len(SPECIAL_TOKENS) + 256
    merges = []
    for rank, token in enumerate(tokens[first:], start=first):
        for cut in range(len(token) - 1, 0, -1):
            if max(known.get(token[:cut], rank), known.get(token[cut:], rank)) < rank:
                merges.append(f"{token[:cut]} {token[cut:]}")
                break
    return merges


def _metadata(config: TinyConfig) -> dict[str, Any]:
    tokens, merges = tiny_vocabulary(config.vocab_size)
    return {
        "llama.block_count": config.num_hidden_layers,
        "llama.context_length": config.context_window_size,
        "llama.embedding_length": config.hidden_size,
        "llama.feed_forward_length": config.intermediate_size,
        "llama.attention.head_count": config.num_attention_heads,
        "llama.attention.head_count_kv": config.num_key_value_heads,
        "llama.attention.key_length": config.head_dim,
        "llama.attention.layer_norm_rms_epsilon": config.rms_norm_eps,
        "llama.rope.freq_base": config.rope_theta,
        "llama.rope.dimension_count": config.head_dim,
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "smollm",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": [_token_type(token) for token in tokens],
        "tokenizer.ggml.merges": merges,
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
        "tokenizer.chat_template": CHAT_TEMPLATE,
    }


def _token_type(token: str) -> int:
    if token in SPECIAL_TOKENS:
        return 3
    return 5 if token.startswith("<|unused_") else 1


def _random_matrices(config: TinyConfig) -> dict[str, NDArray[np.float32]]:
    random = np.random.default_rng(config.seed)

    def matrix(rows: int, columns: int) -> NDArray[np.float32]:
        values: NDArray[np.float64] = random.standard_normal((rows, columns)) / np.sqrt(columns)
        return values.astype(np.float32)

    def norm() -> NDArray[np.float32]:
        return random.uniform(0.5, 1.5, config.hidden_size).astype(np.float32)

    hidden, inner = config.hidden_size, config.intermediate_size
    tensors = {"token_embd.weight": matrix(config.vocab_size, hidden), "output_norm.weight": norm()}
    if not config.tied:
        tensors["output.weight"] = matrix(config.vocab_size, hidden)
    for layer in range(config.num_hidden_layers):
        tensors |= {
            f"blk.{layer}.attn_norm.weight": norm(),
            f"blk.{layer}.attn_q.weight": matrix(config.query_rows, hidden),
            f"blk.{layer}.attn_k.weight": matrix(config.key_rows, hidden),
            f"blk.{layer}.attn_v.weight": matrix(config.key_rows, hidden),
            f"blk.{layer}.attn_output.weight": matrix(hidden, config.query_rows),
            f"blk.{layer}.ffn_norm.weight": norm(),
            f"blk.{layer}.ffn_gate.weight": matrix(inner, hidden),
            f"blk.{layer}.ffn_up.weight": matrix(inner, hidden),
            f"blk.{layer}.ffn_down.weight": matrix(hidden, inner),
        }
    return tensors


def _stored_type(name: str, values: NDArray[np.float32], config: TinyConfig) -> GGMLQuantizationType:
    if values.ndim == 1:
        return GGMLQuantizationType.F32
    return GGMLQuantizationType["Q8_0" if name in {"token_embd.weight", "output.weight"} else config.matrices]


def _gguf_row_order(name: str, values: NDArray[np.float32], config: TinyConfig) -> NDArray[np.float32]:
    """Query and key rows in GGUF's order, in which the two halves of a head alternate."""
    heads = {"attn_q": config.num_attention_heads, "attn_k": config.num_key_value_heads}
    for part, count in heads.items():
        if f".{part}." in name:
            return values.reshape(count, 2, -1, values.shape[1]).swapaxes(1, 2).reshape(values.shape)
    return values


if __name__ == "__main__":  # for the trials of installed programs, which need a model that no library was built for
    write_tiny_gguf(Path(sys.argv[1]), TinyConfig())
