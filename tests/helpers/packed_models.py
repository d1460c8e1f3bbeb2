"""Model folders and library files with true metadata and meaningless weights, for the catalogue."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any

from tests.helpers.decoder_shapes import SMALL
from tether_desktop.model.decoder_shape import DecoderShape, Params, shape_json
from tether_desktop.model.discovery import trust

SHAPE = replace(SMALL, layers=1, hidden=32, intermediate=32, heads=1, kv_heads=1, vocab=16)
"""The smallest decoder there can be."""

MLC_TENSORS: Params = {
    "model.embed_tokens.q_weight": ((16, 4), "uint32"),
    "model.embed_tokens.q_scale": ((16, 1), "float16"),
    "model.norm.weight": ((32,), "float16"),
}
"""Weights as MLC-LLM stores them."""

_ITEM_BYTES = {"uint8": 1, "float16": 2, "float32": 4, "int32": 4, "uint32": 4}


def config_fields(shape: DecoderShape = SHAPE) -> dict[str, Any]:
    """A complete ``mlc-chat-config.json`` of a packed model."""
    return {
        "model_type": "llama",
        "quantization": "q4_1t16",
        "vocab_size": shape.vocab,
        "context_window_size": 2048,
        "prefill_chunk_size": 64,
        "model_config": {},
        "decoder": shape_json(shape),
        "rope": {"scale": 1.0, "original_context": 0},
    }


def mlc_config_fields() -> dict[str, Any]:
    """A complete ``mlc-chat-config.json`` of an MLC folder."""
    return {
        "model_type": "llama",
        "quantization": "q4f16_1",
        "vocab_size": 16,
        "context_window_size": 4096,
        "sliding_window_size": -1,
        "prefill_chunk_size": 2048,
        "model_config": {"hidden_size": 32, "vocab_size": 16, "context_window_size": 4096},
    }


def write_packed_model(root: Path, name: str = "Tiny-q4_1-MLC", **changes: Any) -> Path:
    """Write a model folder of two shards that the catalogue finds nothing wrong with."""
    return _write_folder(root / name, SHAPE.stored_tensors(), config_fields() | changes)


def write_mlc_model(root: Path, name: str = "Tiny-q4f16_1-MLC", **changes: Any) -> Path:
    """Write a folder as MLC-LLM makes them."""
    return _write_folder(root / name, MLC_TENSORS, mlc_config_fields() | changes)


def write_library(root: Path, name: str = "tiny.so", *, trusted: bool = True, **changes: Any) -> Path:
    """Write a file with the metadata of a library for the packed model, as if it had been compiled here."""
    metadata = {
        "tether_library": 2,
        "model_type": "llama",
        "isa": "avx2",
        "prefill_chunk_size": 64,
        "decoder": shape_json(SHAPE),
        "arguments": list(SHAPE.parameters()),
        **changes,
    }
    path = write_native_file(root / "libs" / name, metadata)
    if trusted:
        trust.add(path)
    return path


def write_official_library(root: Path, name: str = "tiny-vulkan.so", **changes: Any) -> Path:
    """Write a file with the metadata that MLC-LLM gives to a library for the MLC folder; nobody trusts it yet."""
    params = [{"name": name, "shape": list(shape), "dtype": dtype} for name, (shape, dtype) in MLC_TENSORS.items()]
    params[0]["shape"] = ["vocab_size", 4]
    metadata = {
        "model_type": "llama",
        "quantization": "q4f16_1",
        "context_window_size": 4096,
        "sliding_window_size": -1,
        "attention_sink_size": -1,
        "prefill_chunk_size": 2048,
        "tensor_parallel_shards": 1,
        "params": params,
        **changes,
    }
    return write_native_file(root / "libs" / name, metadata)


def write_native_file(path: Path, metadata: Mapping[str, Any]) -> Path:
    """Write a JSON text among bytes as native code has them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\x7fELF\xff\x00{" + json.dumps(metadata).encode() + b"\x00\xfe}\x80 code" * 100)
    return path


def write_json(path: Path, document: object) -> None:
    """Write a JSON file."""
    path.write_text(json.dumps(document), encoding="utf-8")


def _write_folder(folder: Path, tensors: Params, config: Mapping[str, Any]) -> Path:
    folder.mkdir(parents=True)
    names = list(tensors)
    shards = [{name: tensors[name] for name in part} for part in (names[:1], names[1:])]
    records = [_write_shard(folder, number, shard) for number, shard in enumerate(shards)]
    write_json(folder / "tensor-cache.json", {"metadata": {}, "records": records})
    write_json(folder / "mlc-chat-config.json", config)
    write_json(folder / "tokenizer.json", {"model": {}})
    return folder


def _write_shard(folder: Path, number: int, tensors: Params) -> dict[str, Any]:
    records, size = [], 0
    for name, (shape, dtype) in tensors.items():
        nbytes = prod(shape) * _ITEM_BYTES[dtype]
        place = {"nbytes": nbytes, "byteOffset": size}
        records.append({"name": name, "shape": list(shape), "dtype": dtype, "format": "raw", **place})
        size += nbytes
    path = folder / f"params_shard_{number}.bin"
    path.write_bytes(bytes([number]) * size)
    md5 = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    return {"dataPath": path.name, "format": "raw-shard", "nbytes": size, "records": records, "md5sum": md5}
