"""A model folder in MLC's layout, packed for our kernels from any kind of source."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from tether_desktop.errors import ModelBroken
from tether_desktop.model.compiler.formats import choose_formats
from tether_desktop.model.compiler.mapping import Mapping
from tether_desktop.model.compiler.model_card import Card, model_card
from tether_desktop.model.compiler.packed_model import PackedModel
from tether_desktop.model.compiler.shards import ShardWriter, write_file, write_json
from tether_desktop.model.compiler.source import DecoderConfig, ModelSource, Rope, TokenizerSource
from tether_desktop.model.compiler.tokenizer_fit import fit_tokenizer
from tether_desktop.model.decoder_shape import shape_json

__all__ = ["Card", "PackReport", "pack_model"]

PREFILL_CHUNK = 64
OnProgress = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class PackReport:
    """What a model was packed into.

    Attributes:
        quantization: the mix of formats of its layers, as folder names have it.
        mappings: what became of each kind of matrix.
    """

    quantization: str
    mappings: tuple[Mapping, ...]


def pack_model(
    source: ModelSource,
    tokenizer: TokenizerSource,
    folder: Path,
    *,
    card: Card,
    bits: int | None = None,
    on_progress: OnProgress,
) -> PackReport:
    """Write weights, tokenizer, model card and configuration into an empty folder.

    The configuration comes last: a folder without it is no model.

    Args:
        source: the weights.
        tokenizer: what belongs to them.
        folder: exists and is empty.
        card: for its README.md.
        bits: quantize layers of more bits to so many (4, 5 or 8); None keeps what can be kept.
        on_progress: gets fractions 0..1, several times a second.

    Raises:
        ModelBroken: the source is damaged or of a kind we do not run.
        InstallError: the folder cannot be written.
    """
    formats = choose_formats(source, bits)
    model, quantization = PackedModel(source, formats), formats.quantization
    config = _chat_config(source.config, tokenizer, model, quantization)
    for name, content in fit_tokenizer(tokenizer.files(), source.config.vocab).items():
        write_file(folder / name, content)
    _write_weights(folder, model, on_progress)
    mappings = model.mappings()
    write_file(folder / "README.md", model_card(card, mappings).encode("utf-8", "replace"))
    write_json(folder / "mlc-chat-config.json", config)
    return PackReport(quantization, mappings)


def _write_weights(folder: Path, model: PackedModel, on_progress: OnProgress) -> None:
    tensors = list(model.tensors())
    total = sum(math.prod(tensor.shape) * tensor.dtype.itemsize for tensor in tensors)
    done = 0

    def counted(chunks: Iterator[NDArray[Any]]) -> Iterator[NDArray[Any]]:
        nonlocal done
        for chunk in chunks:
            yield chunk
            done += chunk.nbytes
            on_progress(min(done / total, 1.0))

    with ShardWriter(folder) as writer:
        for tensor in tensors:
            writer.add(tensor.name, tensor.shape, tensor.dtype, counted(tensor.chunks()), tensor.parameters)


def _chat_config(
    config: DecoderConfig, tokenizer: TokenizerSource, model: PackedModel, quantization: str
) -> dict[str, Any]:
    bos, eos = tokenizer.bos_token_id, tokenizer.eos_token_ids
    if any(not 0 <= token < config.vocab for token in ([] if bos is None else [bos]) + eos):
        raise ModelBroken(
            "The model cannot be packed",
            f"A token that begins or ends its texts is not among its {config.vocab:,}.",
            "Choose another model.",
        )
    return {
        "model_type": config.model_type,
        "quantization": quantization,
        "model_config": _model_config(config),
        "vocab_size": config.vocab,
        "context_window_size": config.context_window,
        "sliding_window_size": -1,
        "prefill_chunk_size": PREFILL_CHUNK,
        "attention_sink_size": -1,
        "tensor_parallel_shards": 1,
        "conv_template": tokenizer.conv_template,
        "bos_token_id": bos,
        "eos_token_id": eos,
        "decoder": shape_json(model.shape),
        "rope": {"scale": config.rope.scale, "original_context": config.rope.original_context},
    }


def _model_config(config: DecoderConfig) -> dict[str, Any]:
    """The dimensions by the names that MLC and Hugging Face have for them."""
    return {
        "hidden_size": config.hidden,
        "intermediate_size": config.intermediate,
        "num_attention_heads": config.heads,
        "num_key_value_heads": config.kv_heads,
        "head_dim": config.head_dim,
        "num_hidden_layers": config.layers,
        "rms_norm_eps": config.norm_eps,
        "rope_theta": _theta(config.rope),
        "vocab_size": config.vocab,
        "context_window_size": config.context_window,
        "prefill_chunk_size": PREFILL_CHUNK,
        "tensor_parallel_shards": 1,
        "tie_word_embeddings": config.tied,
    }


def _theta(rope: Rope) -> float:
    """The base whose powers the frequencies are; the fastest two tell it, as context extensions spare them."""
    frequencies = rope.tables[0].inv_freq
    logarithm = len(frequencies) * math.log(frequencies[0] / frequencies[1])
    return float(f"{math.exp(min(logarithm, 700.0)):.5g}")
