"""A model of the shape of Qwen2.5 1.5B with random weights, as a GGUF file: its speed is that of the real one."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
from gguf import GGMLQuantizationType
from numpy.typing import NDArray

LAYERS, HIDDEN, INTERMEDIATE = 28, 1536, 8960
HEADS, KV_HEADS, HEAD_DIM = 12, 2, 128
VOCAB, CONTEXT = 151_936, 32_768

_BLOCKS = {GGMLQuantizationType.Q4_0: (2, 16), GGMLQuantizationType.Q8_0: (2, 32)}
"""Bytes of scale and of levels in a block of 32 weights."""

_DISTINCT_BLOCKS = 1 << 16
_SCALE = 0.003


def write_synthetic_gguf(path: Path) -> None:
    """Write the model with Q4_0 layers and a Q8_0 embedding that is the head too; about a gigabyte."""
    writer = gguf.GGUFWriter(path, "qwen2", use_temp_file=False)
    _add_metadata(writer)
    random = np.random.default_rng(0)
    for name, rows, columns in _matrices():
        kind = GGMLQuantizationType.Q8_0 if name == "token_embd.weight" else GGMLQuantizationType.Q4_0
        writer.add_tensor(name, _blocks(random, kind, rows, columns), raw_dtype=kind)
    for name, columns in _vectors():
        writer.add_tensor(name, np.ones(columns, np.float32) if "norm" in name else np.zeros(columns, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add_metadata(writer: gguf.GGUFWriter) -> None:
    writer.add_name("Synthetic Qwen2.5 1.5B")
    writer.add_block_count(LAYERS)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(HIDDEN)
    writer.add_feed_forward_length(INTERMEDIATE)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(1_000_000.0)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    alphabet = [*map(chr, range(33, 127)), "ab"]
    words = [f"<word{number}>" for number in range(VOCAB - len(alphabet) - 1)]
    writer.add_token_list([*alphabet, *words, "<|im_end|>"])
    writer.add_token_types([gguf.TokenType.NORMAL] * (VOCAB - 1) + [gguf.TokenType.CONTROL])
    writer.add_token_merges(["a b"])
    writer.add_eos_token_id(VOCAB - 1)


def _matrices() -> list[tuple[str, int, int]]:
    """Name, rows and columns of every matrix."""
    layer = {
        "attn_q": (HEADS * HEAD_DIM, HIDDEN),
        "attn_k": (KV_HEADS * HEAD_DIM, HIDDEN),
        "attn_v": (KV_HEADS * HEAD_DIM, HIDDEN),
        "attn_output": (HIDDEN, HEADS * HEAD_DIM),
        "ffn_gate": (INTERMEDIATE, HIDDEN),
        "ffn_up": (INTERMEDIATE, HIDDEN),
        "ffn_down": (HIDDEN, INTERMEDIATE),
    }
    matrices = [("token_embd.weight", VOCAB, HIDDEN)]
    for number in range(LAYERS):
        matrices += [(f"blk.{number}.{name}.weight", *shape) for name, shape in layer.items()]
    return matrices


def _vectors() -> list[tuple[str, int]]:
    """Name and size of every vector."""
    layer = {
        "attn_norm.weight": HIDDEN,
        "ffn_norm.weight": HIDDEN,
        "attn_q.bias": HEADS * HEAD_DIM,
        "attn_k.bias": KV_HEADS * HEAD_DIM,
        "attn_v.bias": KV_HEADS * HEAD_DIM,
    }
    vectors = [("output_norm.weight", HIDDEN)]
    for number in range(LAYERS):
        vectors += [(f"blk.{number}.{name}", size) for name, size in layer.items()]
    return vectors


def _blocks(random: np.random.Generator, kind: GGMLQuantizationType, rows: int, columns: int) -> NDArray[np.uint8]:
    """Random blocks ``uint8[rows, bytes per row]``, repeated after a while to be quick."""
    scale_bytes, level_bytes = _BLOCKS[kind]
    few = random.integers(0, 256, (_DISTINCT_BLOCKS, scale_bytes + level_bytes), np.uint8)
    few[:, :scale_bytes] = np.frombuffer(np.float16(_SCALE).tobytes(), np.uint8)
    count = rows * columns // 32
    return np.resize(few, (count, scale_bytes + level_bytes)).reshape(rows, -1)
