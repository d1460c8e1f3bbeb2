"""Hugging Face folders with random weights: config.json, safetensors in one or several files, a tokenizer."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

Floats = dict[str, NDArray[np.float32]]
Dtype = Literal["F32", "F16", "BF16"]

SPECIAL_TOKENS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json")
_OF_TYPE: dict[str, dict[str, Any]] = {
    "llama": {"hidden_act": "silu", "rope_theta": 10000.0, "rope_scaling": None},
    "mistral": {"hidden_act": "silu", "rope_theta": 10000.0, "sliding_window": 64},
    "qwen2": {"hidden_act": "silu", "rope_theta": 1e6, "use_sliding_window": False},
    "qwen3": {"hidden_act": "silu", "rope_theta": 1e6, "attention_bias": False, "head_dim": 64},
    "phi3": {"hidden_act": "silu", "rope_theta": 10000.0, "original_max_position_embeddings": 256},
    "gemma3_text": {
        "hidden_activation": "gelu_pytorch_tanh",
        "head_dim": 64,
        "query_pre_attn_scalar": 64,
        "rope_theta": 1e6,
        "rope_local_base_freq": 10000.0,
        "sliding_window": 32,
        "sliding_window_pattern": 2,
    },
}


def hf_config(model_type: str = "llama", **changes: Any) -> dict[str, Any]:
    """The config.json of a tiny model; the dimensions are the smallest that exercise every part."""
    tied = model_type in {"gemma3_text", "qwen3"}
    return {
        "model_type": model_type,
        "hidden_size": 128,
        "intermediate_size": 160,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "vocab_size": 512,
        "rms_norm_eps": 1e-6,
        "max_position_embeddings": 256,
        "tie_word_embeddings": tied,
        **_OF_TYPE[model_type],
        **changes,
    }


def random_weights(config: Mapping[str, Any], seed: int = 0) -> Floats:
    """Weights of every tensor that the model has, by Hugging Face's names of weights that are not joined."""
    rng = np.random.default_rng(seed)
    return {name: _random(rng, name, shape, config) for name, shape in weight_shapes(config).items()}


def weight_shapes(config: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Shape of every tensor that the model has, by Hugging Face's names of weights that are not joined."""
    hidden, vocab = config["hidden_size"], config["vocab_size"]
    layer = _layer_shapes(config)
    layers = range(config["num_hidden_layers"])
    return {
        "model.embed_tokens.weight": (vocab, hidden),
        **{f"model.layers.{number}.{name}": shape for number in layers for name, shape in layer.items()},
        "model.norm.weight": (hidden,),
        **({} if config["tie_word_embeddings"] else {"lm_head.weight": (vocab, hidden)}),
    }


def write_hf_folder(
    folder: Path,
    weights: Mapping[str, NDArray[np.float32]],
    config: Mapping[str, Any],
    *,
    dtype: Dtype = "F32",
    shards: int = 1,
    tokenizer: Path | None = None,
) -> Path:
    """Write a folder as a hub has it; Phi 3's projections are joined, as its authors do.

    Args:
        folder: is made.
        weights: by Hugging Face's names of weights that are not joined.
        config: becomes config.json.
        dtype: of all tensors.
        shards: files that the weights are divided among; with more than one an index is written.
        tokenizer: a folder whose tokenizer is copied; without one a tokenizer of bytes is made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "config.json", dict(config))
    write_tokenizer(folder, config["vocab_size"], tokenizer)
    stored = dict(weights)
    if config["model_type"] == "phi3":
        stored = joined(stored, {"qkv_proj": ("q_proj", "k_proj", "v_proj"), "gate_up_proj": ("gate_proj", "up_proj")})
    if shards == 1:
        write_safetensors(folder / "model.safetensors", stored, dtype)
        return folder
    places: dict[str, str] = {}
    for number in range(shards):
        file = f"model-{number + 1:05}-of-{shards:05}.safetensors"
        part = {name: stored[name] for name in list(stored)[number::shards]}
        write_safetensors(folder / file, part, dtype)
        places |= dict.fromkeys(part, file)
    write_json(folder / "model.safetensors.index.json", {"metadata": {}, "weight_map": places})
    return folder


def write_safetensors(path: Path, tensors: Mapping[str, NDArray[np.float32]], dtype: Dtype = "F32") -> None:
    """Write one file of weights."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    contents = []
    end = 0
    for name, values in tensors.items():
        content = encoded(values, dtype)
        header[name] = {"dtype": dtype, "shape": values.shape, "data_offsets": [end, end + len(content)]}
        contents.append(content)
        end += len(content)
    write_safetensors_bytes(path, json.dumps(header).encode(), b"".join(contents))


def write_safetensors_bytes(path: Path, header: bytes, content: bytes, *, length: int | None = None) -> None:
    """Write a file of that header and content, whatever they are; ``length`` is what it says of its header."""
    length = len(header) if length is None else length
    path.write_bytes(length.to_bytes(8, "little") + header + content)


def write_tokenizer(folder: Path, vocab_size: int, source: Path | None = None) -> None:
    """Copy the tokenizer of a folder, or write one of bytes, with unused tokens up to the size of the vocabulary."""
    if source is not None:
        for name in TOKENIZER_FILES:
            shutil.copyfile(source / name, folder / name)
        return
    tokens = [*SPECIAL_TOKENS, *sorted(pre_tokenizers.ByteLevel.alphabet())]
    tokens += [f"<|unused_{number}|>" for number in range(len(tokens), vocab_size)]
    tokenizer = Tokenizer(models.BPE({token: number for number, token in enumerate(tokens)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in SPECIAL_TOKENS])
    tokenizer.save(str(folder / "tokenizer.json"))
    write_json(
        folder / "tokenizer_config.json",
        {"chat_template": CHAT_TEMPLATE, "bos_token": SPECIAL_TOKENS[0], "eos_token": SPECIAL_TOKENS[2]},
    )


def joined(weights: Mapping[str, Any], joins: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    """The weights with some projections joined by rows into one, each in the place of its first."""
    result: dict[str, Any] = {}
    for name, values in weights.items():
        stem, _, suffix = name.rpartition(".")
        prefix, _, projection = stem.rpartition(".")
        whole = next((whole for whole, parts in joins.items() if projection in parts), None)
        if whole is None:
            result[name] = values
        elif projection == joins[whole][0]:
            parts = [weights[f"{prefix}.{part}.{suffix}"] for part in joins[whole]]
            result[f"{prefix}.{whole}.{suffix}"] = np.concatenate(parts)
    return result


def encoded(values: NDArray[np.float32], dtype: Dtype) -> bytes:
    """Numbers as they are stored in that type."""
    if dtype == "BF16":
        return to_bfloat16(values).tobytes()
    return values.astype({"F32": "<f4", "F16": "<f2"}[dtype]).tobytes()


def as_stored(values: NDArray[np.float32], dtype: Dtype) -> NDArray[np.float32]:
    """The numbers rounded to what the type can hold."""
    if dtype == "BF16":
        return from_bfloat16(to_bfloat16(values))
    return values.astype({"F32": "<f4", "F16": "<f2"}[dtype]).astype(np.float32)


def to_bfloat16(values: NDArray[np.float32]) -> NDArray[np.uint16]:
    """The bits of the nearest bfloat16, ties to even."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2")


def from_bfloat16(bits: NDArray[np.uint16]) -> NDArray[np.float32]:
    """The numbers that these bits stand for."""
    return (bits.astype(np.uint32) << np.uint32(16)).view(np.float32)


def write_json(path: Path, document: object) -> None:
    """Write a JSON file."""
    path.write_text(json.dumps(document, indent=2), encoding="utf-8")


def _layer_shapes(config: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    hidden, intermediate, kind = config["hidden_size"], config["intermediate_size"], config["model_type"]
    head_dim = config.get("head_dim") or hidden // config["num_attention_heads"]
    queries, keys = config["num_attention_heads"] * head_dim, config["num_key_value_heads"] * head_dim
    rows = {"q_proj": queries, "k_proj": keys, "v_proj": keys}
    shapes: dict[str, tuple[int, ...]] = {"input_layernorm.weight": (hidden,)}
    shapes |= {f"self_attn.{name}.weight": (count, hidden) for name, count in rows.items()}
    if kind == "qwen2":
        shapes |= {f"self_attn.{name}.bias": (count,) for name, count in rows.items()}
    if kind in {"qwen3", "gemma3_text"}:
        shapes |= {"self_attn.q_norm.weight": (head_dim,), "self_attn.k_norm.weight": (head_dim,)}
    shapes |= {"self_attn.o_proj.weight": (hidden, queries), "post_attention_layernorm.weight": (hidden,)}
    if kind == "gemma3_text":
        shapes |= dict.fromkeys(("pre_feedforward_layernorm.weight", "post_feedforward_layernorm.weight"), (hidden,))
    shapes |= {f"mlp.{name}.weight": (intermediate, hidden) for name in ("gate_proj", "up_proj")}
    return shapes | {"mlp.down_proj.weight": (hidden, intermediate)}


def _random(
    rng: np.random.Generator, name: str, shape: tuple[int, ...], config: Mapping[str, Any]
) -> NDArray[np.float32]:
    numbers = rng.standard_normal(shape, np.float32)
    if not name.endswith("norm.weight"):
        return numbers * np.float32(shape[-1] ** -0.5)
    return numbers * np.float32(0.1) + np.float32(config["model_type"] != "gemma3_text")
