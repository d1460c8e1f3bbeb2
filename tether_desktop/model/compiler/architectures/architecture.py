"""What is to be said of an architecture so that its models can be read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tether_desktop.model.compiler.architectures.gguf_metadata import GgufMetadata
from tether_desktop.model.compiler.architectures.settings import Settings
from tether_desktop.model.compiler.source import DecoderConfig


@dataclass(frozen=True, slots=True)
class Architecture:
    """How the sources of one architecture are read.

    Attributes:
        gguf_name: ``general.architecture`` of its GGUF files.
        model_types: ``model_type`` of its config.json.
        read_gguf: its decoder from the metadata of a GGUF file.
        read_config: its decoder from config.json, or from the ``model_config`` of an MLC folder.
        layer_names: names of a layer's tensors in Hugging Face's files, by ours.
        permuted_in_gguf: whether GGUF has the query and key rows of a head in the order of rotated neighbours.
    """

    gguf_name: str
    model_types: tuple[str, ...]
    read_gguf: Callable[[GgufMetadata], DecoderConfig]
    read_config: Callable[[Settings], DecoderConfig]
    layer_names: dict[str, str]
    permuted_in_gguf: bool = False
