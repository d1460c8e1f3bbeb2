"""GGUF files of tiny models, written from Hugging Face's weights as llama.cpp's converter does it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import log, pi, sqrt
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from gguf import GGMLQuantizationType
from gguf.quants import dequantize, quantize
from numpy.typing import NDArray
from tokenizers import pre_tokenizers

from tests.helpers.hf_writer import CHAT_TEMPLATE, SPECIAL_TOKENS, Floats, joined

_ARCHITECTURES = {"mistral": "llama", "gemma3_text": "gemma3"}
_JOINS = {"qkv_proj": ("q_proj", "k_proj", "v_proj"), "gate_up_proj": ("gate_proj", "up_proj")}
_MODEL_NAMES = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}
_LAYER_NAMES = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.qkv_proj": "attn_qkv",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.gate_up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
_GEMMA_NAMES = {
    "post_attention_layernorm": "post_attention_norm",
    "pre_feedforward_layernorm": "ffn_norm",
    "post_feedforward_layernorm": "post_ffw_norm",
}


def write_gguf(
    path: Path,
    weights: Mapping[str, NDArray[np.float32]],
    config: Mapping[str, Any],
    *,
    matrices: str = "F32",
    fields: Mapping[str, Any] | None = None,
    tensors: Mapping[str, NDArray[np.float32]] | None = None,
) -> Floats:
    """Write a model, and return what its weights stand for, by Hugging Face's names.

    Args:
        path: of the file.
        weights: by Hugging Face's names of weights that are not joined.
        config: as config.json has it.
        matrices: how matrices are stored; vectors are F32.
        fields: added to the metadata, or replacing some; None takes one out.
        tensors: further tensors, by GGUF's names.
    """
    kind, architecture = config["model_type"], architecture_of(config)
    writer = gguf.GGUFWriter(path, arch=architecture)
    for key, value in (metadata(config) | dict(fields or {})).items():
        if value is not None:
            add_field(writer, key, value)
    stored, meant = {}, {}
    for name, values in weights.items():
        encoding = GGMLQuantizationType[matrices if values.ndim > 1 else "F32"]
        meant[name] = dequantize(quantize(values, encoding), encoding).reshape(values.shape)
        stored[name] = _as_converted(name, values, config)
    for name, values in joined(stored, _JOINS if kind == "phi3" else {}).items():
        encoding = GGMLQuantizationType[matrices if values.ndim > 1 else "F32"]
        writer.add_tensor(_gguf_name(name, kind), quantize(values, encoding), raw_dtype=encoding)
    for name, values in (_rope_factors(config) | dict(tensors or {})).items():
        writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return meant


def architecture_of(config: Mapping[str, Any]) -> str:
    """GGUF's name of the architecture."""
    kind = str(config["model_type"])
    return _ARCHITECTURES.get(kind, kind)


def metadata(config: Mapping[str, Any]) -> dict[str, Any]:
    """The metadata of the model and of its vocabulary."""
    kind, architecture = config["model_type"], architecture_of(config)
    head_dim = config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
    values: dict[str, Any] = {
        "block_count": config["num_hidden_layers"],
        "context_length": config["max_position_embeddings"],
        "embedding_length": config["hidden_size"],
        "feed_forward_length": config["intermediate_size"],
        "attention.head_count": config["num_attention_heads"],
        "attention.head_count_kv": config["num_key_value_heads"],
        "attention.layer_norm_rms_epsilon": config["rms_norm_eps"],
        "rope.freq_base": config["rope_theta"],
    }
    if kind != "phi3":
        values |= {"attention.key_length": head_dim, "attention.value_length": head_dim}
    if architecture in {"llama", "phi3"}:
        values["rope.dimension_count"] = int(head_dim * config.get("partial_rotary_factor", 1))
    if kind in {"gemma3_text", "phi3", "mistral"} and config.get("sliding_window"):
        values["attention.sliding_window"] = config["sliding_window"]
    values |= _rope_scaling(config)
    return {f"{architecture}.{name}": value for name, value in values.items()} | _vocabulary(config["vocab_size"])


def add_field(writer: gguf.GGUFWriter, key: str, value: Any) -> None:
    """Add metadata of the type that the value calls for."""
    kinds: dict[type, Callable[[str, Any], None]] = {
        bool: writer.add_bool,
        int: writer.add_uint32,
        float: writer.add_float32,
        str: writer.add_string,
        list: writer.add_array,
    }
    kinds[type(value)](key, value)


def _vocabulary(size: int) -> dict[str, Any]:
    """Tokens of one byte each, one of two, and unused ones."""
    tokens = [*SPECIAL_TOKENS, *sorted(pre_tokenizers.ByteLevel.alphabet()), "th"]
    unused = [f"<|unused_{number}|>" for number in range(len(tokens), size)]
    types = [3] * len(SPECIAL_TOKENS) + [1] * (len(tokens) - len(SPECIAL_TOKENS)) + [5] * len(unused)
    return {
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "smollm",
        "tokenizer.ggml.tokens": [*tokens, *unused][:size],
        "tokenizer.ggml.token_type": types[:size],
        "tokenizer.ggml.merges": ["t h"],
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
        "tokenizer.chat_template": CHAT_TEMPLATE,
    }


def _rope_scaling(config: Mapping[str, Any]) -> dict[str, Any]:
    scaling = config.get("rope_scaling") or {}
    kind = scaling.get("rope_type", "default")
    original = scaling.get("original_max_position_embeddings") or config.get("original_max_position_embeddings", 0)
    if kind == "linear":
        return {"rope.scaling.type": "linear", "rope.scaling.factor": scaling["factor"]}
    if kind == "yarn":
        return {
            "rope.scaling.type": "yarn",
            "rope.scaling.factor": scaling["factor"],
            "rope.scaling.original_context_length": original,
        }
    if kind == "longrope":
        factor = config["max_position_embeddings"] / original
        scale = sqrt(1 + log(factor) / log(original))
        return {"rope.scaling.original_context_length": original, "rope.scaling.attn_factor": scale}
    return {}


def _rope_factors(config: Mapping[str, Any]) -> dict[str, NDArray[np.float32]]:
    scaling = config.get("rope_scaling") or {}
    if scaling.get("rope_type") == "longrope":
        return {
            f"rope_factors_{kind}.weight": np.array(scaling[f"{kind}_factor"], np.float32) for kind in ("short", "long")
        }
    if scaling.get("rope_type") != "llama3":
        return {}
    head_dim = config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
    factors = [_llama3_factor(config["rope_theta"] ** -(pair / head_dim), scaling) for pair in range(0, head_dim, 2)]
    return {"rope_freqs.weight": np.array(factors, np.float32)}


def _llama3_factor(frequency: float, scaling: Mapping[str, Any]) -> float:
    length, original = 2 * pi / frequency, scaling["original_max_position_embeddings"]
    low, high = scaling["low_freq_factor"], scaling["high_freq_factor"]
    if length < original / high:
        return 1.0
    if length > original / low:
        return float(scaling["factor"])
    smooth = (original / length - low) / (high - low)
    return float(1 / ((1 - smooth) / scaling["factor"] + smooth))


def _as_converted(name: str, values: NDArray[np.float32], config: Mapping[str, Any]) -> NDArray[np.float32]:
    if config["model_type"] == "gemma3_text" and name.endswith("norm.weight"):
        return np.asarray(values + np.float32(1))
    heads = {"q_proj": config["num_attention_heads"], "k_proj": config["num_key_value_heads"]}
    count = heads.get(name.split(".")[-2])
    if architecture_of(config) != "llama" or count is None:
        return values
    return values.reshape(count, 2, -1, *values.shape[1:]).swapaxes(1, 2).reshape(values.shape)


def _gguf_name(name: str, kind: str) -> str:
    stem, _, suffix = name.rpartition(".")
    if stem in _MODEL_NAMES:
        return f"{_MODEL_NAMES[stem]}.{suffix}"
    _, _, layer, part = stem.split(".", 3)
    names = _LAYER_NAMES | (_GEMMA_NAMES if kind == "gemma3_text" else {})
    return f"blk.{layer}.{names[part]}.{suffix}"
