"""A language model in a GGUF file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from gguf.quants import dequantize
from numpy.typing import NDArray

from tether_desktop.model.compiler import architectures
from tether_desktop.model.compiler.architectures.gguf_metadata import GgufMetadata
from tether_desktop.model.compiler.architectures.settings import Settings
from tether_desktop.model.compiler.gguf_source import GgufFile
from tether_desktop.model.compiler.inventory import FLOATS, check_dimensions, take_tensors
from tether_desktop.model.compiler.rotated_halves import RotatedHalves
from tether_desktop.model.compiler.source import DecoderConfig, SourceTensor
from tether_desktop.model.compiler.weight_file import RowsOfTensor

_MODEL_NAMES = {"embed": "token_embd.weight", "final_norm": "output_norm.weight", "lm_head": "output.weight"}
_LAYER_NAMES = {
    "attn_norm": "attn_norm.weight",
    "q": "attn_q.weight",
    "k": "attn_k.weight",
    "v": "attn_v.weight",
    "q_bias": "attn_q.bias",
    "k_bias": "attn_k.bias",
    "v_bias": "attn_v.bias",
    "q_norm": "attn_q_norm.weight",
    "k_norm": "attn_k_norm.weight",
    "o": "attn_output.weight",
    "post_attn_norm": "post_attention_norm.weight",
    "ffn_norm": "ffn_norm.weight",
    "gate": "ffn_gate.weight",
    "up": "ffn_up.weight",
    "down": "ffn_down.weight",
    "post_ffn_norm": "post_ffw_norm.weight",
}
_ROPE_FACTORS = ("rope_freqs.weight", "rope_factors_long.weight", "rope_factors_short.weight")
_OTHER_CONTENTS = {
    "adapter": "it is an adapter (LoRA), not a model",
    "mmproj": "it holds only what turns images into a model's input",
    "imatrix": "it holds statistics for quantizing a model, not the model",
}


class GgufModel:
    """The source weights of a GGUF file.

    Attributes:
        path: the file.
        config: its decoder.
    """

    def __init__(self, file: GgufFile) -> None:
        """Read the decoder's description and check every tensor against it.

        Raises:
            ModelBroken: metadata or tensors are missing, contradictory or of a kind we do not run.
        """
        self.path: Path = file.path
        self._file = file
        settings = Settings(file.fields, file.path.name)
        _refuse_other_contents(file, settings)
        name = settings.require("general.architecture", str)
        architecture = architectures.of_gguf(name, settings)
        self.config: DecoderConfig = architecture.read_gguf(self._metadata(name))
        check_dimensions(self.config, settings)
        tensors = _split(file, self.config)
        self._tensors = take_tensors(self.config, tensors, _name_of, _ROPE_FACTORS, settings)
        if architecture.permuted_in_gguf:
            self._tensors |= {
                (name, layer): RotatedHalves(tensor, self.config.head_dim)
                for (name, layer), tensor in self._tensors.items()
                if name in {"q", "k"}
            }

    def tensor(self, name: str, layer: int | None = None) -> SourceTensor:
        """The tensor of that name, as :class:`ModelSource` has it."""
        return self._tensors[name, layer]

    def _metadata(self, architecture: str) -> GgufMetadata:
        return GgufMetadata(
            settings=Settings(self._file.fields, self.path.name, f"{architecture}."),
            vocab=len(self._file.require("tokenizer.ggml.tokens", list)),
            tied=_MODEL_NAMES["lm_head"] not in self._file.tensors,
            floats=self._floats,
        )

    def _floats(self, name: str) -> NDArray[np.float32] | None:
        tensor = self._file.tensors.get(name)
        if tensor is None or tensor.encoding not in FLOATS:
            return None
        return np.asarray(dequantize(tensor.read(), tensor.encoding), np.float32).reshape(-1)


def _name_of(name: str, layer: int | None) -> str:
    return _MODEL_NAMES[name] if layer is None else f"blk.{layer}.{_LAYER_NAMES[name]}"


def _split(file: GgufFile, config: DecoderConfig) -> dict[str, SourceTensor]:
    """The tensors of the file, those that join several matrices taken apart."""
    tensors: dict[str, SourceTensor] = dict(file.tensors)
    queries, keys = config.heads * config.head_dim, config.kv_heads * config.head_dim
    attention = {"attn_q": queries, "attn_k": keys, "attn_v": keys}
    feed_forward = {"ffn_gate": config.intermediate, "ffn_up": config.intermediate}
    for layer in range(config.layers):
        block = f"blk.{layer}."
        for suffix in ("weight", "bias"):
            _split_one(tensors, block, "attn_qkv", suffix, attention)
        if f"{block}ffn_gate.weight" not in tensors:
            _split_one(tensors, block, "ffn_up", "weight", feed_forward)
    return tensors


def _split_one(tensors: dict[str, SourceTensor], block: str, joined: str, suffix: str, rows: dict[str, int]) -> None:
    """Replace a joined tensor, where there is one with so many rows, by its parts in their order."""
    whole = tensors.get(f"{block}{joined}.{suffix}")
    if whole is None or whole.shape[0] != sum(rows.values()):
        return
    del tensors[whole.name]
    start = 0
    for part, count in rows.items():
        name = f"{block}{part}.{suffix}"
        tensors[name] = RowsOfTensor(name, whole, start, start + count)
        start += count


def _refuse_other_contents(file: GgufFile, settings: Settings) -> None:
    kind = settings.get("general.type", "model")
    if settings.find("general.architecture", str) == "clip":
        kind = "mmproj"
    if kind in _OTHER_CONTENTS:
        raise settings.refusal(f"{_OTHER_CONTENTS[kind]}.", "Choose the file with the model itself.")
    if kind != "model":
        raise settings.refusal(f"it holds a {kind!r}, not a model.", "Choose the file with the model itself.")
    if not file.tensors:
        raise settings.refusal("it holds only a vocabulary, no weights.", "Choose the file with the model itself.")
