"""Names of weights: those of every checkpoint become Hugging Face's names of weights that are not joined."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tether_desktop.model.compiler.source import SourceTensor
from tether_desktop.model.compiler.strict_json import damaged
from tether_desktop.model.compiler.weight_file import RowsOfTensor

_NOT_TEXT = re.compile(r"(model\.)?(vision_tower|vision_model|visual|multi_modal_projector|audio_tower)\.")
_BUFFER = re.compile(r".*\.rotary_emb\.inv_freq")
_RENAMED = [
    # Gemma 3 with a vision tower, as it was first published and as transformers stores it now; MLC's Gemma 3.
    (re.compile(r"language_model\.(model|lm_head)\."), r"\1."),
    (re.compile(r"model\.language_model\."), "model."),
    # Checkpoints of a model without its head.
    (re.compile(r"(embed_tokens|layers|norm)\."), r"model.\1."),
    # MLC's Phi 3.
    (re.compile(r"transformer\.embd\."), "model.embed_tokens."),
    (re.compile(r"transformer\.norm\."), "model.norm."),
    (re.compile(r"transformer\.h\.(\d+)\.ln\."), r"model.layers.\1.input_layernorm."),
    (re.compile(r"transformer\.h\.(\d+)\.mixer\.out_proj\."), r"model.layers.\1.self_attn.o_proj."),
    (re.compile(r"transformer\.h\.(\d+)\.mixer\."), r"model.layers.\1.self_attn."),
    (re.compile(r"transformer\.h\.(\d+)\."), r"model.layers.\1."),
]
_LARGEST_COUNT = 1 << 31
_JOINED = re.compile(r"(.+\.)(qkv_proj|c_attn|gate_up_proj)\.(weight|bias)")


def by_hugging_face_names(
    path: Path, tensors: Mapping[str, SourceTensor], config: Mapping[str, Any]
) -> dict[str, SourceTensor]:
    """The tensors of the text model, joined ones split into the projections that they consist of.

    Args:
        path: the checkpoint, for messages.
        tensors: by the names of the checkpoint.
        config: ``num_attention_heads`` and so on, by Hugging Face's names.

    Raises:
        ModelBroken: two tensors have the same name, or a joined one has not the rows that the configuration demands.
    """
    named: dict[str, SourceTensor] = {}
    for stored_name, tensor in tensors.items():
        if _NOT_TEXT.match(stored_name) or _BUFFER.fullmatch(stored_name):
            continue
        for name, part in _parts(path, _hugging_face_name(stored_name), tensor, config):
            if name in named:
                raise damaged(path, f"it holds {name!r} twice, the second time as {stored_name!r}")
            named[name] = part
    return named


def _hugging_face_name(name: str) -> str:
    for pattern, replacement in _RENAMED:
        if pattern.match(name):
            return pattern.sub(replacement, name, count=1)
    return name


def _parts(
    path: Path, name: str, tensor: SourceTensor, config: Mapping[str, Any]
) -> Iterator[tuple[str, SourceTensor]]:
    joined = _JOINED.fullmatch(name)
    if joined is None:
        yield name, tensor
        return
    prefix, kind, suffix = joined.groups()
    rows = _rows_of_feed_forward(path, config) if kind == "gate_up_proj" else _rows_of_attention(path, config)
    if tensor.shape[:1] != (sum(rows.values()),):
        raise damaged(path, f"{tensor.name!r} has the shape {tensor.shape}, not {sum(rows.values())} rows")
    start = 0
    for projection, count in rows.items():
        part = f"{prefix}{projection}.{suffix}"
        yield part, RowsOfTensor(f"{tensor.name} ({projection})", tensor, start, start + count)
        start += count


def _rows_of_attention(path: Path, config: Mapping[str, Any]) -> dict[str, int]:
    heads = _count(path, config, "num_attention_heads")
    kv_heads = _count(path, config, "num_key_value_heads", heads)
    # Only where there is no head_dim must there be a hidden_size.
    head_dim = _count(path, config, "head_dim", 0) or _count(path, config, "hidden_size") // heads
    return {"q_proj": heads * head_dim, "k_proj": kv_heads * head_dim, "v_proj": kv_heads * head_dim}


def _rows_of_feed_forward(path: Path, config: Mapping[str, Any]) -> dict[str, int]:
    return dict.fromkeys(("gate_proj", "up_proj"), _count(path, config, "intermediate_size"))


def _count(path: Path, config: Mapping[str, Any], name: str, default: int | None = None) -> int:
    value = config.get(name)
    if not value and default is not None:
        return default
    if type(value) is not int or not 0 < value < _LARGEST_COUNT:
        raise damaged(path, f"its configuration says {str(value)[:40]} for {name}")
    return value
