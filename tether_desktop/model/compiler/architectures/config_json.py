"""The parts of config.json that architectures share.

Names are those of ``transformers`` 4; checkpoints written by other versions, or by MLC, are brought to them before.
Formulas: :mod:`tether_desktop.model.compiler.architectures.rope`.
"""

from __future__ import annotations

from collections.abc import Sequence

from tether_desktop.model.compiler.architectures import rope
from tether_desktop.model.compiler.architectures.settings import (
    LEAST_NUMBER,
    MOST_HEAD_DIM,
    MOST_LAYERS,
    MOST_NUMBER,
    Settings,
)
from tether_desktop.model.compiler.source import DecoderConfig, Rope, RopeTable

LAYER_NAMES = {
    "attn_norm": "input_layernorm.weight",
    "q": "self_attn.q_proj.weight",
    "k": "self_attn.k_proj.weight",
    "v": "self_attn.v_proj.weight",
    "o": "self_attn.o_proj.weight",
    "q_bias": "self_attn.q_proj.bias",
    "k_bias": "self_attn.k_proj.bias",
    "v_bias": "self_attn.v_proj.bias",
    "q_norm": "self_attn.q_norm.weight",
    "k_norm": "self_attn.k_norm.weight",
    "ffn_norm": "post_attention_layernorm.weight",
    "gate": "mlp.gate_proj.weight",
    "up": "mlp.up_proj.weight",
    "down": "mlp.down_proj.weight",
}
"""Names of a layer's tensors, by ours, as most architectures have them."""

_ORIGINAL_CONTEXT = "original_max_position_embeddings"
_PLAIN_ROPE = {"default", "none", "dynamic"}
"""Dynamic scaling is none within the context window that the model was made for."""
_ROPE_SETTINGS = {
    "linear": {"factor"},
    "llama3": {"factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"},
    "yarn": {"factor", "original_max_position_embeddings", "attention_factor", "beta_fast", "beta_slow"},
    "longrope": {"factor", "original_max_position_embeddings", "attention_factor", "short_factor", "long_factor"},
}
_ROPE_KIND = ("rope_type", "type")
_FORBIDDEN = {
    "attn_logit_softcapping": "it caps attention scores",
    "final_logit_softcapping": "it caps logits",
    "attention_bias": "its attention has biases, also on its output",
    "mlp_bias": "its feed-forward layers have biases",
    "num_experts": "it is a mixture of experts",
    "num_local_experts": "it is a mixture of experts",
    "n_routed_experts": "it is a mixture of experts",
    "cross_attention_layers": "it attends to images",
    "is_encoder_decoder": "it is an encoder and a decoder",
    "use_bidirectional_attention": "its attention is not causal",
}


def read_decoder(settings: Settings, model_type: str, *, activation: str = "silu", tied: bool = False) -> DecoderConfig:
    """The decoder with what all architectures have; the rest is as in :class:`DecoderConfig` by default.

    Args:
        settings: contents of config.json.
        model_type: as we call it.
        activation: the one that the architecture has.
        tied: whether the head is the embedding where the settings do not say.

    Raises:
        ModelBroken: settings are missing, contradictory or of a kind we do not run.
    """
    _refuse_other_kinds(settings, activation)
    hidden, heads = settings.size("hidden_size"), settings.size("num_attention_heads")
    head_dim = settings.size("head_dim", default=hidden // heads, most=MOST_HEAD_DIM)
    rotary_dim = int(head_dim * settings.positive("partial_rotary_factor", 1.0))
    if not 0 < rotary_dim <= head_dim:
        raise settings.refusal(f"it rotates {rotary_dim} of {head_dim} columns of a head.")
    return DecoderConfig(
        model_type=model_type,
        layers=settings.size("num_hidden_layers", most=MOST_LAYERS),
        hidden=hidden,
        intermediate=settings.size("intermediate_size"),
        heads=heads,
        kv_heads=settings.size("num_key_value_heads", default=heads),
        head_dim=head_dim,
        rotary_dim=rotary_dim,
        vocab=settings.size("vocab_size"),
        context_window=settings.size("max_position_embeddings"),
        norm_eps=settings.positive("rms_norm_eps"),
        attention_scale=head_dim**-0.5,
        rope=read_rope(settings, rotary_dim),
        tied=settings.get("tie_word_embeddings", tied),
    )


def read_rope(settings: Settings, rotary_dim: int) -> Rope:
    """The rotation of a decoder whose layers all rotate alike."""
    plain = rope.frequencies(_theta(settings), rotary_dim)
    scaling = settings.inner("rope_scaling")
    kind = "default" if scaling is None else (scaling.first(str, *_ROPE_KIND) or "default")
    if scaling is None or kind in _PLAIN_ROPE:
        return Rope((_table(plain),))
    kind = "longrope" if kind == "su" else kind
    _refuse_unknown(scaling, kind)
    if kind == "longrope":
        return _longrope(settings, scaling, plain)
    if kind == "yarn":
        return _yarn(settings, scaling, rotary_dim)
    if kind == "llama3":
        return Rope((_table(_llama3(scaling, plain)),))
    return Rope((_table(rope.divided(plain, scaling.positive("factor"))),))


def windows_of(window: int | None, is_local: Sequence[bool], context_window: int) -> tuple[int, ...]:
    """Positions each layer sees, 0 for all; empty when no layer's window is shorter than the context window."""
    if not window or window < 0 or window >= context_window or not any(is_local):
        return ()
    return tuple(window if local else 0 for local in is_local)


def upper_windows(settings: Settings, config: DecoderConfig) -> tuple[int, ...]:
    """Windows of a Qwen, which only its upper layers have, and only where ``use_sliding_window`` says so."""
    if not settings.get("use_sliding_window", False):
        return ()
    first = settings.get("max_window_layers", config.layers)
    local = local_layers(settings, config.layers) or [layer >= first for layer in range(config.layers)]
    return windows_of(settings.find("sliding_window", int), local, config.context_window)


def local_layers(settings: Settings, layers: int) -> list[bool] | None:
    """Which layers attend within a window only, by ``layer_types``; None when the settings do not list them."""
    types = settings.find("layer_types", list)
    if types is None:
        return None
    if len(types) != layers or not set(map(str, types)) <= {"full_attention", "sliding_attention"}:
        raise settings.refusal("its 'layer_types' are not those of its layers, or of a kind that is not known here.")
    return [kind == "sliding_attention" for kind in types]


def _longrope(settings: Settings, scaling: Settings, plain: rope.Frequencies) -> Rope:
    original = _original_context(settings, scaling)
    meant = rope.longrope_scale(settings.size("max_position_embeddings") / original, original)
    short, long = (_numbers(scaling, f"{kind}_factor", len(plain)) for kind in ("short", "long"))
    table = RopeTable(_values(rope.divided(plain, short)), _values(rope.divided(plain, long)))
    return Rope((table,), scale=scaling.positive("attention_factor", meant), original_context=original)


def _yarn(settings: Settings, scaling: Settings, rotary_dim: int) -> Rope:
    factor = scaling.positive("factor")
    stretched = rope.yarn(
        _theta(settings),
        rotary_dim,
        factor=factor,
        original_context=_original_context(settings, scaling),
        beta_fast=scaling.positive("beta_fast", 32.0),
        beta_slow=scaling.positive("beta_slow", 1.0),
    )
    return Rope((_table(stretched),), scale=scaling.positive("attention_factor", rope.yarn_scale(factor)))


def _llama3(scaling: Settings, plain: rope.Frequencies) -> rope.Frequencies:
    low, high = scaling.positive("low_freq_factor"), scaling.positive("high_freq_factor")
    if low >= high:
        raise scaling.refusal("its low_freq_factor is not below its high_freq_factor.")
    original = scaling.size("original_max_position_embeddings")
    return rope.llama3(
        plain,
        factor=scaling.positive("factor"),
        low_freq_factor=low,
        high_freq_factor=high,
        original_context=original,
    )


def _original_context(settings: Settings, scaling: Settings) -> int:
    """Positions before stretching; Phi 3 says them outside of the scaling."""
    inside = scaling.find(_ORIGINAL_CONTEXT, int)
    of_model = settings.size(_ORIGINAL_CONTEXT, "max_position_embeddings")
    return of_model if inside is None else scaling.size(_ORIGINAL_CONTEXT)


def _theta(settings: Settings) -> float:
    theta = settings.positive("rope_theta", 10000.0)
    if theta <= 1:
        raise settings.refusal(f"its 'rope_theta' cannot be {theta}.")
    return theta


def _numbers(scaling: Settings, name: str, count: int) -> list[float]:
    numbers = scaling.require(name, list)
    if len(numbers) != count or not all(
        type(number) in {int, float} and LEAST_NUMBER < number < MOST_NUMBER for number in numbers
    ):
        raise scaling.refusal(f"its {name!r} are not {count} numbers above 0.")
    return [float(number) for number in numbers]


def _values(frequencies: rope.Frequencies) -> tuple[float, ...]:
    return tuple(frequencies.tolist())


def _table(frequencies: rope.Frequencies) -> RopeTable:
    return RopeTable(_values(frequencies))


def _refuse_unknown(scaling: Settings, kind: str) -> None:
    if kind not in _ROPE_SETTINGS:
        raise scaling.refusal(f"it stretches its context window by {kind!r}, which is not known here.")
    known = _ROPE_SETTINGS[kind] | {*_ROPE_KIND}
    if unknown := sorted(name for name in scaling.values if name not in known and scaling.given(name) is not None):
        raise scaling.refusal(f"its rotary positions of the kind {kind!r} have the unknown setting {unknown[0]!r}.")


def _refuse_other_kinds(settings: Settings, activation: str) -> None:
    for name, reason in _FORBIDDEN.items():
        if settings.given(name):
            raise settings.refusal(f"{reason} ({name}), which cannot be run here.")
    named = settings.first(str, "hidden_activation", "hidden_act") or activation
    if named != activation:
        raise settings.refusal(f"its activation {named!r} is not the {activation!r} of its architecture.")
