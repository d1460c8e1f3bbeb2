"""Gemma 3, its text model: most layers see only a window and rotate otherwise than the others; four norms a layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import sqrt

from tether_desktop.model.compiler.architectures import config_json, gguf_metadata, rope
from tether_desktop.model.compiler.architectures.architecture import Architecture
from tether_desktop.model.compiler.architectures.gguf_metadata import GgufMetadata
from tether_desktop.model.compiler.architectures.settings import Settings
from tether_desktop.model.compiler.source import DecoderConfig, Rope, RopeTable

_PATTERN = 6
"""Every sixth layer sees all positions."""
_LOCAL_THETA = 10000.0
_LAYERS_OF_27B = 62
_GLOBAL_TABLE, _LOCAL_TABLE = 0, 1

# What its authors leave out of config.json where it is as in the 4B model.
_DEFAULTS = {
    "head_dim": 256,
    "max_position_embeddings": 131072,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "query_pre_attn_scalar": 256,
    "rms_norm_eps": 1e-6,
    "rope_theta": 1e6,
    "sliding_window": 4096,
    "vocab_size": 262208,
}


def read_gguf(metadata: GgufMetadata) -> DecoderConfig:
    """The decoder of a GGUF file, whose norms have the 1 in them."""
    settings = metadata.settings
    config = gguf_metadata.read_decoder(metadata, "gemma3")
    window = settings.get("attention.sliding_window", 0)
    local = _local_layers(settings, config.layers) if window else [False] * config.layers
    if settings.given("attention.scale") is None and config.layers == _LAYERS_OF_27B:
        # Older files do not say the scale; llama.cpp, too, knows this model by its layers.
        config = replace(config, attention_scale=(config.hidden / config.heads) ** -0.5)
    return _completed(config, local, window, settings.positive("rope.freq_base_swa", _LOCAL_THETA))


def read_config(settings: Settings) -> DecoderConfig:
    """The decoder of a config.json, whose norms are stored as w - 1."""
    settings = settings.with_defaults(_DEFAULTS)
    config = config_json.read_decoder(settings, "gemma3", activation="gelu_pytorch_tanh", tied=True)
    pattern = settings.size("sliding_window_pattern", "_sliding_window_pattern", default=_PATTERN)
    local = config_json.local_layers(settings, config.layers) or _all_but_every(pattern, config.layers)
    window, theta = settings.size("sliding_window"), settings.positive("rope_local_base_freq", _LOCAL_THETA)
    scale = settings.positive("query_pre_attn_scalar") ** -0.5
    return replace(_completed(config, local, window, theta), attention_scale=scale, norm_offset=1.0)


def _local_layers(settings: Settings, layers: int) -> list[bool]:
    """Which layers of a GGUF file are local: given for each, or by the number of which one is not."""
    pattern = settings.given("attention.sliding_window_pattern")
    if isinstance(pattern, list):
        if len(pattern) != layers or not all(type(is_local) is bool for is_local in pattern):
            raise settings.refusal("its pattern of sliding windows is not that of its layers.")
        return pattern
    return _all_but_every(settings.size("attention.sliding_window_pattern", default=_PATTERN), layers)


def _all_but_every(pattern: int, layers: int) -> list[bool]:
    return [(layer + 1) % pattern != 0 for layer in range(layers)]


def _completed(config: DecoderConfig, local: Sequence[bool], window: int, local_theta: float) -> DecoderConfig:
    local_table = RopeTable(tuple(rope.frequencies(local_theta, config.rotary_dim).tolist()))
    tables = (config.rope.tables[0], local_table)
    of_layer = tuple(_LOCAL_TABLE if is_local else _GLOBAL_TABLE for is_local in local)
    return replace(
        config,
        rope=Rope(tables, of_layer, config.rope.scale),
        activation="gelu_tanh",
        embedding_scale=sqrt(config.hidden),
        qk_norm=True,
        post_norms=True,
        windows=config_json.windows_of(window, local, config.context_window),
    )


ARCHITECTURE = Architecture(
    gguf_name="gemma3",
    model_types=("gemma3_text", "gemma3"),
    read_gguf=read_gguf,
    read_config=read_config,
    layer_names=config_json.LAYER_NAMES
    | {
        "post_attn_norm": "post_attention_layernorm.weight",
        "ffn_norm": "pre_feedforward_layernorm.weight",
        "post_ffn_norm": "post_feedforward_layernorm.weight",
    },
)
