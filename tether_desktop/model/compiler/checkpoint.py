"""Checkpoints in folders: those of Hugging Face and those of MLC, opened alike."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tether_desktop.model.compiler.checkpoint_config import read_hf_config, read_mlc_config
from tether_desktop.model.compiler.checkpoint_names import by_hugging_face_names
from tether_desktop.model.compiler.mlc_source import plus, read_mlc_weights
from tether_desktop.model.compiler.safetensors_source import read_safetensors_folder
from tether_desktop.model.compiler.source import SourceTensor


class HfCheckpoint:
    """A folder with config.json and safetensors.

    Attributes:
        path: the folder.
        config: config.json of the text model.
        tensors: its weights by the names of ``transformers``, joined projections split.
    """

    def __init__(self, folder: Path) -> None:
        """Read the configuration and where the weights are.

        Raises:
            ModelBroken: a file is missing, damaged, or of a kind that cannot be used.
        """
        self.path = folder
        self.config: dict[str, Any] = read_hf_config(folder)
        self.tensors: Mapping[str, SourceTensor] = by_hugging_face_names(
            folder, read_safetensors_folder(folder), self.config
        )


class MlcCheckpoint:
    """A folder with mlc-chat-config.json and params_shard_*.bin, of a quantization in ``QUANTIZATIONS``.

    Attributes:
        path: the folder.
        config: its ``model_config`` by the names of config.json.
        tensors: its weights by the names of ``transformers``, joined projections split.
    """

    def __init__(self, folder: Path) -> None:
        """Read the configuration and where the weights are.

        Raises:
            ModelBroken: a file is missing, damaged, or of a kind that cannot be used.
        """
        self.path = folder
        self.config: dict[str, Any]
        self.config, quantization = read_mlc_config(folder)
        tensors = by_hugging_face_names(folder, read_mlc_weights(folder, quantization), self.config)
        self.config.setdefault("tie_word_embeddings", "lm_head.weight" not in tensors)
        self.tensors: Mapping[str, SourceTensor] = (
            _with_hf_norms(tensors) if self.config["model_type"].startswith("gemma3") else tensors
        )


def _with_hf_norms(tensors: dict[str, SourceTensor]) -> dict[str, SourceTensor]:
    """Gemma 3 norms as Hugging Face stores them, w - 1; MLC's converter adds the one."""
    return {name: plus(tensor, -1.0) if name.endswith("norm.weight") else tensor for name, tensor in tensors.items()}
