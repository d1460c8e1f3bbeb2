"""Llama (SmolLM2, TinyLlama, Llama 2 and 3.x) and Mistral, which is the same with a sliding window."""

from __future__ import annotations

from dataclasses import replace

from tether_desktop.model.compiler.architectures import config_json, gguf_metadata
from tether_desktop.model.compiler.architectures.architecture import Architecture
from tether_desktop.model.compiler.architectures.gguf_metadata import GgufMetadata
from tether_desktop.model.compiler.architectures.settings import Settings
from tether_desktop.model.compiler.source import DecoderConfig


def read_gguf(metadata: GgufMetadata) -> DecoderConfig:
    """The decoder of a GGUF file."""
    config = gguf_metadata.read_decoder(metadata, "llama")
    if config.rotary_dim != config.head_dim:
        raise metadata.settings.refusal("it rotates only a part of each attention head.")
    return _with_window(config, metadata.settings.find("attention.sliding_window", int))


def read_config(settings: Settings) -> DecoderConfig:
    """The decoder of a config.json."""
    model_type = settings.require("model_type", str)
    config = config_json.read_decoder(settings, model_type)
    is_mistral = model_type == "mistral"
    return _with_window(config, settings.find("sliding_window", int) if is_mistral else None)


def _with_window(config: DecoderConfig, window: int | None) -> DecoderConfig:
    all_layers = [True] * config.layers
    return replace(config, windows=config_json.windows_of(window, all_layers, config.context_window))


ARCHITECTURE = Architecture(
    gguf_name="llama",
    model_types=("llama", "mistral"),
    read_gguf=read_gguf,
    read_config=read_config,
    layer_names=config_json.LAYER_NAMES,
    permuted_in_gguf=True,
)
