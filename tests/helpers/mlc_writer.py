"""MLC folders as its converter writes them, from weights by Hugging Face's names.

Written anew after mlc-llm's ``group_quantization.py``, the loaders of its models, and TVM's ``dump_tensor_cache``.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tests.helpers.hf_writer import (
    SPECIAL_TOKENS,
    TOKENIZER_FILES,
    Floats,
    from_bfloat16,
    joined,
    to_bfloat16,
    write_json,
    write_tokenizer,
)

Quantization = Literal["q4f16_1", "q4f32_1", "q4f16_0", "q4f16_2", "q4bf16_1", "q0f16", "q0f32", "q0bf16"]
Format = Literal["raw", "f32-to-bf16"]

_GROUP = 32
_MAX_LEVEL = 7
_GATE_UP: dict[str, tuple[str, ...]] = {"gate_up_proj": ("gate_proj", "up_proj")}
_QKV = ("q_proj", "k_proj", "v_proj")
_JOINS: dict[str, dict[str, tuple[str, ...]]] = {
    "llama": {"qkv_proj": _QKV, **_GATE_UP},
    "mistral": {"qkv_proj": _QKV, **_GATE_UP},
    "phi3": {"qkv_proj": _QKV, **_GATE_UP},
    "qwen2": {"c_attn": _QKV, **_GATE_UP},
    "qwen3": {"c_attn": _QKV, **_GATE_UP},
    "gemma3_text": _GATE_UP,
}
_PHI3_NAMES = {
    "model.embed_tokens.": "transformer.embd.",
    "model.norm.": "transformer.norm.",
    "model.layers.": "transformer.h.",
    ".input_layernorm.": ".ln.",
    ".self_attn.o_proj.": ".mixer.out_proj.",
    ".self_attn.": ".mixer.",
}
_CONV_TEMPLATE = {
    "name": "chatml",
    "system_template": "<|im_start|>system\n{system_message}<|im_end|>\n",
    "system_message": "Be brief.",
    "roles": {"user": "<|im_start|>user", "assistant": "<|im_start|>assistant"},
    "seps": ["<|im_end|>\n"],
    "role_content_sep": "\n",
    "role_empty_sep": "\n",
    "stop_str": [SPECIAL_TOKENS[2]],
    "stop_token_ids": [2],
}


def write_mlc_folder(
    folder: Path,
    weights: Mapping[str, NDArray[np.float32]],
    config: Mapping[str, Any],
    quantization: Quantization = "q4f16_1",
    *,
    encode_format: Format = "f32-to-bf16",
    index_name: str = "tensor-cache.json",
    shard_bytes: int = 100_000,
    tokenizer: Path | None = None,
    **chat: Any,
) -> Floats:
    """Write a folder, and return what its weights stand for, by Hugging Face's names of weights that are not joined.

    Args:
        folder: is made.
        weights: by Hugging Face's names of weights that are not joined.
        config: of the model, as config.json has it.
        quantization: one of MLC's.
        encode_format: how float32 is stored; MLC's converter writes bfloat16.
        index_name: of the list of weights.
        shard_bytes: a file of weights is closed once it has as many.
        tokenizer: a folder whose tokenizer is copied; without one a tokenizer of bytes is made.
        chat: replaces values of mlc-chat-config.json.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_tokenizer(folder, config["vocab_size"], tokenizer)
    write_json(folder / "mlc-chat-config.json", mlc_chat_config(config, quantization) | chat)
    records: list[tuple[str, NDArray[Any], str]] = []
    meant: Floats = {}
    for name, values in _joined(weights, config).items():
        stored, floats = _stored(name, values, quantization, encode_format)
        records += [(_mlc_name(part, config), array, dtype) for part, array, dtype in stored]
        meant |= _parts(name, floats, config)
    write_shards(folder, records, index_name, shard_bytes, encode_format)
    return meant


def mlc_chat_config(config: Mapping[str, Any], quantization: str) -> dict[str, Any]:
    """mlc-chat-config.json of a model."""
    model = _gemma_config(config) if config["model_type"] == "gemma3_text" else _model_config(config)
    return {
        "version": "0.1.0",
        "model_type": config["model_type"],
        "quantization": quantization,
        "model_config": model,
        "vocab_size": config["vocab_size"],
        "context_window_size": model.get("context_window_size", -1),
        "sliding_window_size": model.get("sliding_window_size", -1),
        "prefill_chunk_size": 256,
        "attention_sink_size": -1,
        "tensor_parallel_shards": 1,
        "temperature": 1.0,
        "top_p": 1.0,
        "tokenizer_files": list(TOKENIZER_FILES),
        "conv_template": _CONV_TEMPLATE,
        "pad_token_id": 0,
        "bos_token_id": 0,
        "eos_token_id": 2,
    }


def quantize(
    values: NDArray[np.float32], dtype: Literal["float16", "float32", "bfloat16"]
) -> tuple[NDArray[np.uint32], NDArray[np.float32]]:
    """Levels ``uint32[N, K/8]`` and scales ``[N, K/32]`` of a matrix, the scales rounded to that type."""
    rounded = as_type(values, dtype)
    groups = rounded.reshape(len(values), -1, _GROUP)
    scales = as_type(np.abs(groups).max(-1) / np.float32(_MAX_LEVEL), dtype)
    divisor = np.where(scales == 0, 1, scales)[..., np.newaxis]
    levels = np.clip(np.round(groups / divisor) + _MAX_LEVEL, 0, 2 * _MAX_LEVEL).astype(np.uint32)
    eights = levels.reshape(len(values), -1, 8)
    packed = (eights << (4 * np.arange(8, dtype=np.uint32))).sum(-1, dtype=np.uint32)
    return packed, scales


def dequantize(packed: NDArray[np.uint32], scales: NDArray[np.float32]) -> NDArray[np.float32]:
    """The matrix ``[N, K]`` that levels and scales stand for."""
    levels = (packed[..., np.newaxis] >> (4 * np.arange(8, dtype=np.uint32))) & 15
    numbers = levels.reshape(len(packed), -1).astype(np.float32) - _MAX_LEVEL
    return numbers * scales.repeat(_GROUP, -1)


def as_type(values: NDArray[np.float32], dtype: str) -> NDArray[np.float32]:
    """The numbers rounded to what the type can hold."""
    if dtype == "bfloat16":
        return from_bfloat16(to_bfloat16(values))
    return values.astype(dtype).astype(np.float32)


def write_shards(
    folder: Path,
    records: list[tuple[str, NDArray[Any], str]],
    index_name: str = "tensor-cache.json",
    shard_bytes: int = 100_000,
    encode_format: Format = "raw",
) -> None:
    """Write tensors (name, stored numbers, dtype that the index says) and their index."""
    shards: list[dict[str, Any]] = []
    pending: list[dict[str, Any]] = []
    content = b""
    for number, (name, array, dtype) in enumerate(records):
        data = array.tobytes()
        entry = {"name": name, "shape": list(array.shape), "dtype": dtype, "format": encode_format}
        pending.append({**entry, "nbytes": len(data), "byteOffset": len(content)})
        content += data
        if len(content) >= shard_bytes or number == len(records) - 1:
            shards.append(_write_shard(folder, len(shards), pending, content))
            pending, content = [], b""
    write_json(folder / index_name, {"metadata": {"ParamSize": len(records)}, "records": shards})


def _write_shard(folder: Path, number: int, records: list[dict[str, Any]], content: bytes) -> dict[str, Any]:
    path = folder / f"params_shard_{number}.bin"
    path.write_bytes(content)
    return {
        "dataPath": path.name,
        "format": "raw-shard",
        "nbytes": len(content),
        "records": records,
        "md5sum": hashlib.md5(content, usedforsecurity=False).hexdigest(),
    }


def _joined(weights: Mapping[str, NDArray[np.float32]], config: Mapping[str, Any]) -> dict[str, NDArray[np.float32]]:
    whole = joined(weights, _JOINS[config["model_type"]])
    if config["model_type"] != "gemma3_text":
        return whole
    return {name: values + np.float32(name.endswith("norm.weight")) for name, values in whole.items()}


def _stored(
    name: str, values: NDArray[np.float32], quantization: Quantization, encode_format: Format
) -> tuple[list[tuple[str, NDArray[Any], str]], NDArray[np.float32]]:
    """Tensors that are written for a weight, and what they stand for."""
    bits, _, rest = quantization[1:].partition("f")
    dtype = "bfloat16" if bits.endswith("b") else f"float{rest[:2]}"
    kept = "bfloat16" if dtype == "float32" and encode_format == "f32-to-bf16" else dtype
    is_embedding, is_head = name.endswith("embed_tokens.weight"), name == "lm_head.weight"
    plain = quantization.startswith("q0") or (quantization == "q4f16_2" and (is_embedding or is_head))
    if values.ndim == 1 or plain:
        floats = as_type(values, kept)
        return [(name, _numbers(floats, kept), dtype)], floats
    packed, scales = quantize(values, dtype)  # type: ignore[arg-type]
    scales = as_type(scales, kept)
    floats = dequantize(packed, scales)
    if quantization == "q4f16_0" and not is_embedding:
        packed, scales = np.ascontiguousarray(packed.T), np.ascontiguousarray(scales.T)
    stem = name.removesuffix("weight")
    return [(stem + "q_weight", packed, "uint32"), (stem + "q_scale", _numbers(scales, kept), dtype)], floats


def _numbers(values: NDArray[np.float32], dtype: str) -> NDArray[Any]:
    return to_bfloat16(values) if dtype == "bfloat16" else values.astype(dtype)


def _parts(name: str, floats: NDArray[np.float32], config: Mapping[str, Any]) -> Floats:
    """A weight of MLC's as the weights of Hugging Face's that it holds."""
    if config["model_type"] == "gemma3_text" and name.endswith("norm.weight"):
        return {name: floats - np.float32(1)}
    stem, _, suffix = name.rpartition(".")
    prefix, _, projection = stem.rpartition(".")
    parts = _JOINS[config["model_type"]].get(projection)
    if parts is None:
        return {name: floats}
    heads, kv_heads = config["num_attention_heads"], config["num_key_value_heads"]
    shares = [heads, kv_heads, kv_heads] if len(parts) == 3 else [1, 1]
    ends = np.cumsum(shares) * len(floats) // sum(shares)
    split = np.split(floats, ends[:-1])
    return {f"{prefix}.{part}.{suffix}": values for part, values in zip(parts, split, strict=True)}


def _mlc_name(name: str, config: Mapping[str, Any]) -> str:
    if config["model_type"] == "gemma3_text":
        return f"language_model.{name}"
    if config["model_type"] == "phi3":
        for before, after in _PHI3_NAMES.items():
            name = re.sub(re.escape(before), after, name)
    return name


def _model_config(config: Mapping[str, Any]) -> dict[str, Any]:
    kind = config["model_type"]
    model = {key: value for key, value in config.items() if key not in {"model_type", "sliding_window"}}
    head_dim = config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
    context = config["max_position_embeddings"]
    model |= {"context_window_size": context, "prefill_chunk_size": 256, "tensor_parallel_shards": 1}
    model |= {"head_dim": head_dim, "max_batch_size": 80}
    if kind not in {"qwen2", "qwen3"}:
        model["position_embedding_base"] = model.pop("rope_theta")
        model.pop("hidden_act")
    if kind == "mistral":
        del model["tie_word_embeddings"]
        model |= {"sliding_window_size": config["sliding_window"], "context_window_size": -1}
    if kind == "phi3":
        return {"model_type": kind, **model}
    del model["max_position_embeddings"]
    return model


def _gemma_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """Gemma 3 has its text model apart, and in it what MLC does not know."""
    renamed = {"rope_theta": "position_embedding_base", "sliding_window": "sliding_window_size"}
    known = {"hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads"}
    known |= {"head_dim", "rms_norm_eps", "hidden_activation", "query_pre_attn_scalar", *renamed}
    text = {renamed.get(key, key): value for key, value in config.items() if key in known}
    rest = {key: value for key, value in config.items() if key not in known | {"model_type", "vocab_size"}}
    context = max(config["sliding_window"], 8192)
    return {
        "text_config": {
            **text,
            "attention_bias": False,
            "rope_scaling": 0,
            "context_window_size": context,
            "kwargs": rest,
        },
        "vocab_size": config["vocab_size"],
        "tensor_parallel_shards": 1,
        "max_batch_size": 80,
        "context_window_size": context,
        "sliding_window_size": config["sliding_window"],
        "prefill_chunk_size": 256,
        "is_text_model": True,
    }
