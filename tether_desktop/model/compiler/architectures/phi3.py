"""Phi 3, 3.5 and 4: llama with joined projections and LongRoPE, with which a part of a head may be rotated."""

from __future__ import annotations

from dataclasses import replace

from tether_desktop.model.compiler.architectures import config_json, gguf_metadata
from tether_desktop.model.compiler.architectures.architecture import Architecture
from tether_desktop.model.compiler.architectures.gguf_metadata import GgufMetadata
from tether_desktop.model.compiler.architectures.settings import Settings
from tether_desktop.model.compiler.source import DecoderConfig


def read_gguf(metadata: GgufMetadata) -> DecoderConfig:
    """The decoder of a GGUF file."""
    config = gguf_metadata.read_decoder(metadata, "phi3")
    return _with_window(config, metadata.settings.find("attention.sliding_window", int))


def read_config(settings: Settings) -> DecoderConfig:
    """The decoder of a config.json."""
    config = config_json.read_decoder(settings, "phi3")
    return _with_window(config, settings.find("sliding_window", int))


def _with_window(config: DecoderConfig, window: int | None) -> DecoderConfig:
    all_layers = [True] * config.layers
    return replace(config, windows=config_json.windows_of(window, all_layers, config.context_window))


ARCHITECTURE = Architecture(
    gguf_name="phi3",
    model_types=("phi3",),
    read_gguf=read_gguf,
    read_config=read_config,
    layer_names=config_json.LAYER_NAMES,
)
