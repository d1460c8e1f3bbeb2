"""Packed model folders and library files with true metadata and meaningless weights, for the catalogue."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

PARAMS = [
    {"name": "embed.tiles", "shape": [2, 64], "dtype": "uint8"},
    {"name": "norm.weight", "shape": [16], "dtype": "float32"},
]
_SIZES = (128, 64)


def config_fields() -> dict[str, Any]:
    """A complete ``mlc-chat-config.json``."""
    return {
        "model_type": "llama",
        "quantization": "q4_1",
        "vocab_size": 64,
        "context_window_size": 2048,
        "model_config": {
            "hidden_size": 16,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "num_key_value_heads": 1,
            "head_dim": 8,
            "rms_norm_eps": 1e-5,
            "vocab_size": 64,
        },
    }


def write_packed_model(root: Path, name: str = "Tiny-q4_1-MLC") -> Path:
    """Write a model folder of two shards that the catalogue finds nothing wrong with."""
    folder = root / name
    folder.mkdir(parents=True)
    records = [_write_shard(folder, number) for number in range(len(PARAMS))]
    write_json(folder / "tensor-cache.json", {"metadata": {}, "records": records})
    write_json(folder / "mlc-chat-config.json", config_fields())
    write_json(folder / "tokenizer.json", {"model": {}})
    return folder


def write_library(root: Path, name: str = "tiny.so", **changes: Any) -> Path:
    """Write a file with the metadata of a library for that model, among bytes as native code has them."""
    metadata = {
        "tether_library": 1,
        "model_type": "llama",
        "quantization": "q4_1",
        "isa": "avx2",
        "vocab_size": 64,
        "hidden_size": 16,
        "num_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": 8,
        "rms_norm_eps": 1e-5,
        "prefill_chunk_size": 64,
        "params": PARAMS,
        "arguments": [param["name"] for param in PARAMS],
        **changes,
    }
    path = root / "libs" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\x7fELF\xff\x00{" + json.dumps(metadata).encode() + b"\x00\xfe}\x80 code" * 100)
    return path


def write_json(path: Path, document: object) -> None:
    """Write a JSON file."""
    path.write_text(json.dumps(document), encoding="utf-8")


def _write_shard(folder: Path, number: int) -> dict[str, Any]:
    content = bytes([number]) * _SIZES[number]
    path = folder / f"params_shard_{number}.bin"
    path.write_bytes(content)
    record = {**PARAMS[number], "format": "raw", "nbytes": len(content), "byteOffset": 0}
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    return {
        "dataPath": path.name,
        "format": "raw-shard",
        "nbytes": len(content),
        "records": [record],
        "md5sum": md5,
    }
