"""A language model in a folder of Hugging Face or of MLC."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from tether_desktop.model.compiler import architectures
from tether_desktop.model.compiler.architectures.settings import Settings
from tether_desktop.model.compiler.inventory import check_dimensions, take_tensors
from tether_desktop.model.compiler.source import DecoderConfig, SourceTensor

_MODEL_NAMES = {"embed": "model.embed_tokens.weight", "final_norm": "model.norm.weight", "lm_head": "lm_head.weight"}


class Checkpoint(Protocol):
    """Weights by Hugging Face's names, and the contents of config.json."""

    @property
    def config(self) -> dict[str, Any]:
        """As ``transformers`` 4 writes it for a text model."""
        ...

    @property
    def tensors(self) -> Mapping[str, SourceTensor]:
        """Projections each by itself."""
        ...


class HfModel:
    """The source weights of a checkpoint.

    Attributes:
        path: its folder.
        config: its decoder.
    """

    def __init__(self, checkpoint: Checkpoint, path: Path) -> None:
        """Read the decoder's description and check every tensor against it.

        Raises:
            ModelBroken: settings or tensors are missing, contradictory or of a kind we do not run.
        """
        self.path = path
        settings = Settings(checkpoint.config, path.name)
        architecture = architectures.of_model_type(settings.require("model_type", str), settings)
        self.config: DecoderConfig = architecture.read_config(settings)
        check_dimensions(self.config, settings)

        def name_of(name: str, layer: int | None) -> str:
            return _MODEL_NAMES[name] if layer is None else f"model.layers.{layer}.{architecture.layer_names[name]}"

        # Some checkpoints of a tied decoder store the head all the same.
        not_needed = [_MODEL_NAMES["lm_head"]]
        self._tensors = take_tensors(self.config, checkpoint.tensors, name_of, not_needed, settings)

    def tensor(self, name: str, layer: int | None = None) -> SourceTensor:
        """The tensor of that name, as :class:`ModelSource` has it."""
        return self._tensors[name, layer]
