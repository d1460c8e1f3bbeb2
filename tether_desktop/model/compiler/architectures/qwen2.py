"""Qwen 2 and 2.5: llama with biases on queries, keys and values."""

from __future__ import annotations

from dataclasses import replace

from tether_desktop.model.compiler.architectures import config_json, gguf_metadata
from tether_desktop.model.compiler.architectures.architecture import Architecture
from tether_desktop.model.compiler.architectures.gguf_metadata import GgufMetadata
from tether_desktop.model.compiler.architectures.settings import Settings
from tether_desktop.model.compiler.source import DecoderConfig


def read_gguf(metadata: GgufMetadata) -> DecoderConfig:
    """The decoder of a GGUF file."""
    return replace(gguf_metadata.read_decoder(metadata, "qwen2"), qkv_bias=True)


def read_config(settings: Settings) -> DecoderConfig:
    """The decoder of a config.json."""
    config = config_json.read_decoder(settings, "qwen2")
    return replace(config, qkv_bias=True, windows=config_json.upper_windows(settings, config))


ARCHITECTURE = Architecture(
    gguf_name="qwen2",
    model_types=("qwen2",),
    read_gguf=read_gguf,
    read_config=read_config,
    layer_names=config_json.LAYER_NAMES,
)
