"""The parts of GGUF's metadata that architectures share.

Keys are those of https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, read as llama.cpp reads them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tether_desktop.model.compiler.architectures import rope
from tether_desktop.model.compiler.architectures.settings import (
    LEAST_NUMBER,
    MOST_HEAD_DIM,
    MOST_LAYERS,
    MOST_NUMBER,
    Settings,
)
from tether_desktop.model.compiler.source import DecoderConfig, Rope, RopeTable

_UNKNOWN_ROPE = ("rope.scaling.yarn_ext_factor", "rope.scaling.yarn_attn_factor", "rope.scaling.yarn_log_multiplier")
_FORBIDDEN = {
    "expert_count": "it is a mixture of experts",
    "pooling_type": "it makes embeddings of texts",
    "attn_logit_softcapping": "it caps attention scores",
    "final_logit_softcapping": "it caps logits",
    "attention.clamp_kqv": "it clamps queries, keys and values",
    "attention.max_alibi_bias": "it has ALiBi positions",
    "logit_scale": "it scales logits",
    "embedding_scale": "it scales embeddings",
    "residual_scale": "it scales residuals",
}


@dataclass(frozen=True, slots=True)
class GgufMetadata:
    """What a GGUF file says of its decoder.

    Attributes:
        settings: the metadata of its architecture.
        vocab: tokens of its vocabulary.
        tied: whether it has no head of its own.
        floats: gives a vector by the file's name for it, or None when the file has none of that name.
    """

    settings: Settings
    vocab: int
    tied: bool
    floats: Callable[[str], NDArray[np.float32] | None]


def read_decoder(metadata: GgufMetadata, model_type: str) -> DecoderConfig:
    """The decoder with what all architectures have; the rest is as in :class:`DecoderConfig` by default.

    Raises:
        ModelBroken: metadata are missing, contradictory or of a kind we do not run.
    """
    settings = metadata.settings
    _refuse_other_kinds(settings)
    hidden, heads = settings.size("embedding_length"), _size_of_layers(settings, "attention.head_count")
    head_dim = settings.size("attention.key_length", default=hidden // heads, most=MOST_HEAD_DIM)
    if settings.size("attention.value_length", default=head_dim) != head_dim:
        raise settings.refusal("its attention has values of another size than keys.")
    rotary_dim = settings.size("rope.dimension_count", default=head_dim, most=MOST_HEAD_DIM)
    return DecoderConfig(
        model_type=model_type,
        layers=settings.size("block_count", most=MOST_LAYERS),
        hidden=hidden,
        intermediate=_size_of_layers(settings, "feed_forward_length"),
        heads=heads,
        kv_heads=_size_of_layers(settings, "attention.head_count_kv", default=heads),
        head_dim=head_dim,
        rotary_dim=rotary_dim,
        vocab=metadata.vocab,
        context_window=settings.size("context_length"),
        norm_eps=_shortest(settings.positive("attention.layer_norm_rms_epsilon")),
        attention_scale=settings.positive("attention.scale", head_dim**-0.5),
        rope=read_rope(metadata, rotary_dim),
        tied=metadata.tied,
    )


def read_rope(metadata: GgufMetadata, rotary_dim: int) -> Rope:
    """The rotation of a decoder whose layers all rotate alike."""
    settings = metadata.settings
    for name in _UNKNOWN_ROPE:
        if settings.get(name, 0.0):
            raise settings.refusal(f"it stretches its context window in a way that is not known here ({name}).")
    scale = settings.positive("rope.scaling.attn_factor", 1.0)
    kind = settings.get("rope.scaling.type", "linear")
    if kind == "yarn":
        factor = settings.positive("rope.scaling.factor")
        return Rope((_yarn(settings, factor, rotary_dim),), scale=scale * rope.yarn_scale(factor))
    if kind not in {"none", "linear", "longrope"}:
        raise settings.refusal(f"it stretches its context window by {kind!r}, which is not known here.")
    plain = rope.frequencies(_theta(settings), rotary_dim)
    if kind == "linear":
        older = settings.positive("rope.scale_linear", 1.0)
        plain = rope.divided(plain, settings.positive("rope.scaling.factor", older))
    return _with_factors(metadata, plain, scale)


def _with_factors(metadata: GgufMetadata, plain: rope.Frequencies, scale: float) -> Rope:
    """The rotation divided by what the file has of factors for each pair of columns."""
    short, long, only = (
        _factors(metadata, name, len(plain)) for name in ("rope_factors_short", "rope_factors_long", "rope_freqs")
    )
    if short is not None and long is not None:
        original = metadata.settings.size("rope.scaling.original_context_length")
        table = RopeTable(_values(rope.divided(plain, short)), _values(rope.divided(plain, long)))
        return Rope((table,), scale=scale, original_context=original)
    return Rope((RopeTable(_values(plain if only is None else rope.divided(plain, only))),), scale=scale)


def _yarn(settings: Settings, factor: float, rotary_dim: int) -> RopeTable:
    stretched = rope.yarn(
        _theta(settings),
        rotary_dim,
        factor=factor,
        original_context=settings.size("rope.scaling.original_context_length", "context_length"),
        beta_fast=settings.positive("rope.scaling.yarn_beta_fast", 32.0),
        beta_slow=settings.positive("rope.scaling.yarn_beta_slow", 1.0),
    )
    return RopeTable(_values(stretched))


def _factors(metadata: GgufMetadata, name: str, pairs: int) -> NDArray[np.float32] | None:
    factors = metadata.floats(f"{name}.weight")
    if factors is not None and (
        factors.shape != (pairs,) or not ((factors > LEAST_NUMBER) & (factors < MOST_NUMBER)).all()
    ):
        raise metadata.settings.refusal(f"its {name!r} are not {pairs} numbers above 0.")
    return factors


def _theta(settings: Settings) -> float:
    theta = settings.positive("rope.freq_base", 10000.0)
    if theta <= 1:
        raise settings.refusal(f"its rope.freq_base cannot be {theta}.")
    return theta


def _values(frequencies: rope.Frequencies) -> tuple[float, ...]:
    return tuple(frequencies.tolist())


def _size_of_layers(settings: Settings, name: str, default: int | None = None) -> int:
    """A size that may be given for each layer, but must be the same in all."""
    value = settings.given(name)
    if not isinstance(value, list):
        return settings.size(name, default=default)
    if not value or any(size != value[0] for size in value):
        raise settings.refusal(f"its layers differ in {name!r}; only equal layers can be run.")
    return Settings({name: value[0]}, settings.source).size(name)


def _shortest(value: float) -> float:
    """The decimal number that was meant by a float32."""
    return float(f"{value:.7g}")


def _refuse_other_kinds(settings: Settings) -> None:
    for name, reason in _FORBIDDEN.items():
        if settings.given(name):
            raise settings.refusal(f"{reason} ({name}), which cannot be run here.")
    if not settings.get("attention.causal", True):
        raise settings.refusal("its attention is not causal: it does not write texts.")
