"""What authors say of their models is read as they mean it, and what cannot be run is refused with the reason."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.hf_writer import hf_config
from tether_desktop.errors import ModelBroken
from tether_desktop.model.compiler.architectures import of_model_type, rope
from tether_desktop.model.compiler.architectures.settings import Settings
from tether_desktop.model.compiler.source import DecoderConfig

LLAMA_3_2_1B = {
    "model_type": "llama",
    "hidden_size": 2048,
    "intermediate_size": 8192,
    "num_hidden_layers": 16,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 64,
    "vocab_size": 128256,
    "max_position_embeddings": 131072,
    "rms_norm_eps": 1e-05,
    "hidden_act": "silu",
    "attention_bias": False,
    "mlp_bias": False,
    "rope_theta": 500000.0,
    "rope_scaling": {
        "rope_type": "llama3",
        "factor": 32.0,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 8192,
    },
    "tie_word_embeddings": True,
}
GEMMA_3_4B_TEXT = {
    "model_type": "gemma3_text",
    "hidden_size": 2560,
    "intermediate_size": 10240,
    "num_hidden_layers": 34,
    "rope_scaling": {"factor": 8.0, "rope_type": "linear"},
    "sliding_window": 1024,
}
PHI_4_MINI = {
    "model_type": "phi3",
    "hidden_size": 3072,
    "intermediate_size": 8192,
    "num_hidden_layers": 32,
    "num_attention_heads": 24,
    "num_key_value_heads": 8,
    "vocab_size": 200064,
    "max_position_embeddings": 131072,
    "original_max_position_embeddings": 4096,
    "partial_rotary_factor": 0.75,
    "rms_norm_eps": 1e-05,
    "hidden_act": "silu",
    "rope_theta": 10000.0,
    "rope_scaling": {"type": "longrope", "long_factor": [2.0] * 48, "short_factor": [1.0] * 48},
    "sliding_window": 262144,
    "tie_word_embeddings": True,
}


KINDS = ("llama", "mistral", "qwen2", "qwen3", "gemma3_text", "phi3")


def read(values: dict[str, Any]) -> DecoderConfig:
    of_model = Settings(values, "the model")
    return of_model_type(of_model.require("model_type", str), of_model).read_config(of_model)


def only_table(config: DecoderConfig) -> tuple[float, ...]:
    (table,) = config.rope.tables
    return table.inv_freq


def test_a_llama_is_read_with_its_stretched_rotation() -> None:
    config = read(LLAMA_3_2_1B)
    assert (config.model_type, config.heads, config.kv_heads, config.head_dim) == ("llama", 32, 8, 64)
    assert (config.attention_scale, config.tied, config.windows, config.norm_offset) == (0.125, True, (), 0.0)
    frequencies = only_table(config)
    assert frequencies[0] == 1.0
    assert frequencies[-1] == pytest.approx(500000.0 ** -(62 / 64) / 32)


def test_heads_may_be_wider_or_narrower_than_their_share_of_the_hidden_size() -> None:
    config = read(LLAMA_3_2_1B | {"hidden_size": 5120, "num_attention_heads": 32, "head_dim": 128})
    assert (config.head_dim, config.rotary_dim, config.attention_scale) == (128, 128, 128**-0.5)


def test_a_setting_of_null_is_one_that_is_not_given() -> None:
    config = read(LLAMA_3_2_1B | {"head_dim": None, "rope_scaling": None, "num_key_value_heads": None})
    assert (config.head_dim, config.kv_heads, only_table(config)[1]) == (64, 32, 500000.0 ** -(2 / 64))


@pytest.mark.parametrize(("window", "windows"), [(4096, (4096, 4096)), (None, ()), (32768, ())])
def test_every_layer_of_a_mistral_has_its_window(window: int | None, windows: tuple[int, ...]) -> None:
    assert read(hf_config("mistral", sliding_window=window, max_position_embeddings=32768)).windows == windows


def test_a_llama_has_no_window_whatever_its_file_says() -> None:
    assert read(hf_config("llama", sliding_window=8)).windows == ()


def test_a_qwen2_has_biases_and_windows_only_in_upper_layers_that_use_them() -> None:
    sizes = {"num_hidden_layers": 3, "sliding_window": 64, "max_window_layers": 1}
    assert read(hf_config("qwen2", **sizes)).windows == ()
    config = read(hf_config("qwen2", **sizes, use_sliding_window=True))
    assert (config.qkv_bias, config.qk_norm, config.windows) == (True, False, (0, 64, 64))
    types = ["sliding_attention", "full_attention", "full_attention"]
    assert read(hf_config("qwen2", **sizes, use_sliding_window=True, layer_types=types)).windows == (64, 0, 0)


def test_a_qwen3_normalizes_its_heads() -> None:
    config = read(hf_config("qwen3"))
    assert (config.qkv_bias, config.qk_norm, config.post_norms, config.head_dim) == (False, True, False, 64)


def test_a_gemma3_is_read_with_what_its_authors_leave_out() -> None:
    config = read(GEMMA_3_4B_TEXT)
    assert (config.model_type, config.heads, config.kv_heads, config.head_dim) == ("gemma3", 8, 4, 256)
    assert (config.vocab, config.context_window, config.tied) == (262208, 131072, True)
    assert (config.qk_norm, config.post_norms, config.norm_offset) == (True, True, 1.0)
    assert (config.activation, config.embedding_scale) == ("gelu_tanh", math.sqrt(2560))
    assert config.attention_scale == 1 / 16
    assert config.windows[:7] == (1024, 1024, 1024, 1024, 1024, 0, 1024)
    assert config.rope.of_layer[:7] == (1, 1, 1, 1, 1, 0, 1)
    everywhere, local = (np.array(table.inv_freq) for table in config.rope.tables)
    np.testing.assert_allclose(everywhere, 1e6 ** -(np.arange(128) / 128) / 8)
    np.testing.assert_allclose(local, 1e4 ** -(np.arange(128) / 128))


def test_the_attention_of_a_gemma3_is_scaled_as_its_authors_say() -> None:
    assert read(GEMMA_3_4B_TEXT | {"query_pre_attn_scalar": 168}).attention_scale == 168**-0.5


def test_local_layers_of_a_gemma3_may_be_listed() -> None:
    types = ["sliding_attention", "full_attention"] * 17
    config = read(GEMMA_3_4B_TEXT | {"layer_types": types})
    assert config.rope.of_layer == (1, 0) * 17
    assert config.windows == (1024, 0) * 17


def test_a_window_longer_than_the_context_window_is_none_but_the_rotation_stays() -> None:
    config = read(GEMMA_3_4B_TEXT | {"max_position_embeddings": 1024})
    assert config.windows == ()
    assert config.rope.of_layer[:6] == (1, 1, 1, 1, 1, 0)


def test_a_phi3_rotates_a_part_of_its_heads_by_factors_for_short_and_long_texts() -> None:
    config = read(PHI_4_MINI)
    assert (config.head_dim, config.rotary_dim, config.windows) == (128, 96, ())
    assert config.rope.original_context == 4096
    assert config.rope.scale == pytest.approx(math.sqrt(1 + math.log(32) / math.log(4096)))
    (table,) = config.rope.tables
    plain = 1e4 ** -(np.arange(48) / 48)
    np.testing.assert_allclose(table.inv_freq, plain)
    np.testing.assert_allclose(table.long_inv_freq, plain / 2)


def test_a_phi3_may_have_a_window_and_a_scale_of_its_own() -> None:
    scaling = PHI_4_MINI["rope_scaling"] | {"type": "su", "attention_factor": 1.25}  # type: ignore[operator]
    config = read(PHI_4_MINI | {"sliding_window": 2047, "rope_scaling": scaling})
    assert config.windows == (2047,) * 32
    assert config.rope.scale == 1.25


def test_a_qwen_is_stretched_by_yarn() -> None:
    scaling = {"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768}
    config = read(hf_config("qwen2", max_position_embeddings=131072, rope_scaling=scaling, hidden_size=512))
    assert config.rope.scale == pytest.approx(0.1 * math.log(4) + 1)
    assert only_table(config)[0] == 1.0
    assert only_table(config)[-1] == pytest.approx(1e6 ** -(126 / 128) / 4)


def test_dynamic_scaling_is_none_within_the_context_window() -> None:
    plain = read(hf_config("llama"))
    assert read(hf_config("llama", rope_scaling={"type": "dynamic", "factor": 2.0})).rope == plain.rope


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model_type": "gemma2"}, "architecture 'gemma2' is not supported"),
        ({"model_type": None}, "does not say 'model_type'"),
        ({"num_local_experts": 8}, "mixture of experts"),
        ({"attention_bias": True}, "biases"),
        ({"mlp_bias": True}, "biases"),
        ({"hidden_act": "relu"}, "activation 'relu'"),
        ({"attn_logit_softcapping": 50.0}, "caps attention scores"),
        ({"final_logit_softcapping": 30.0}, "caps logits"),
        ({"hidden_size": 0}, "'hidden_size' cannot be 0"),
        ({"hidden_size": -128}, "'hidden_size' cannot be -128"),
        ({"hidden_size": "128"}, "'hidden_size' is '128', not a whole number"),
        ({"hidden_size": True}, "'hidden_size' is true, not a whole number"),
        ({"hidden_size": [128]}, "'hidden_size' is a list, not a whole number"),
        ({"hidden_size": None}, "does not say 'hidden_size'"),
        ({"vocab_size": 2**70}, "'vocab_size' cannot be"),
        ({"hidden_size": 2**24, "num_attention_heads": 1}, "'head_dim' cannot be 16777216"),
        ({"num_hidden_layers": 100_000}, "'num_hidden_layers' cannot be 100000"),
        ({"rms_norm_eps": float("nan")}, "'rms_norm_eps' is nan"),
        ({"rms_norm_eps": 0.0}, "'rms_norm_eps' cannot be 0.0"),
        ({"rope_theta": 1}, "'rope_theta' cannot be 1.0"),
        ({"rope_theta": 10**400}, "'rope_theta' is"),
        ({"partial_rotary_factor": 1.5}, "rotates 48 of 32 columns"),
        ({"rope_scaling": "yes"}, "'rope_scaling' is 'yes', not an object"),
        ({"rope_scaling": {"rope_type": "ntk", "factor": 2.0}}, "'ntk', which is not known"),
        ({"rope_scaling": {"rope_type": "linear"}}, "does not say 'factor'"),
        ({"rope_scaling": {"rope_type": "linear", "factor": 1e-30}}, "'factor' cannot be 1e-30"),
        ({"rope_scaling": {"rope_type": "yarn", "factor": 2.0, "mscale": 1.0}}, "unknown setting 'mscale'"),
        (
            {
                "rope_scaling": {
                    "rope_type": "llama3",
                    "factor": 8.0,
                    "low_freq_factor": 4.0,
                    "high_freq_factor": 4.0,
                    "original_max_position_embeddings": 64,
                }
            },
            "low_freq_factor is not below",
        ),
        (
            {"rope_scaling": {"rope_type": "longrope", "short_factor": [1.0], "long_factor": [1.0] * 16}},
            "'short_factor' are not 16 numbers",
        ),
        (
            {"rope_scaling": {"rope_type": "longrope", "short_factor": [1.0] * 16, "long_factor": [0.0] * 16}},
            "'long_factor' are not 16 numbers",
        ),
    ],
)
def test_what_cannot_be_run_is_refused_with_the_reason_and_a_remedy(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ModelBroken) as failure:
        read(hf_config("llama") | changes)
    assert words in failure.value.message
    assert failure.value.hint


def test_the_refusal_of_an_architecture_names_those_that_are_supported() -> None:
    with pytest.raises(ModelBroken) as failure:
        read(hf_config("llama") | {"model_type": "mixtral"})
    assert "gemma3_text, llama, mistral, phi3, qwen2, qwen3" in failure.value.hint


def test_layer_types_of_an_unknown_kind_are_refused() -> None:
    with pytest.raises(ModelBroken, match="layer_types"):
        read(GEMMA_3_4B_TEXT | {"layer_types": ["chunked_attention"] * 34})
    with pytest.raises(ModelBroken, match="layer_types"):
        read(GEMMA_3_4B_TEXT | {"layer_types": ["full_attention"]})


def test_a_gemma3_with_another_activation_is_refused() -> None:
    with pytest.raises(ModelBroken, match="activation 'silu'"):
        read(GEMMA_3_4B_TEXT | {"hidden_activation": "silu"})


@pytest.mark.parametrize("original", [64, 8192])
def test_the_rotation_of_llama3_follows_the_wave_lengths(original: int) -> None:
    """Pair by pair, by wave lengths as the published code has it."""
    factor, low, high = 8.0, 1.0, 4.0
    expected = []
    for frequency in (500000.0 ** -(pair / 64) for pair in range(0, 64, 2)):
        length = 2 * math.pi / frequency
        smooth = (original / length - low) / (high - low)
        if length < original / high:
            expected.append(frequency)
        elif length > original / low:
            expected.append(frequency / factor)
        else:
            expected.append((1 - smooth) * frequency / factor + smooth * frequency)
    plain = rope.frequencies(500000.0, 64)
    stretched = rope.llama3(plain, factor=factor, low_freq_factor=low, high_freq_factor=high, original_context=original)
    np.testing.assert_allclose(stretched, expected, rtol=1e-12)
    assert 0 < (stretched < plain).sum() < 32


@pytest.mark.parametrize(("theta", "dim", "original"), [(1e6, 128, 32768), (1e4, 64, 2048), (1e4, 64, 2)])
def test_the_rotation_of_yarn_blends_between_the_turns(theta: float, dim: int, original: int) -> None:
    """Pair by pair, by the paper: gamma of the turns' pair numbers, rounded outwards."""
    factor = 4.0

    def pair(turns: float) -> float:
        return dim * math.log(original / (2 * math.pi * turns)) / (2 * math.log(theta))

    low, high = max(math.floor(pair(32)), 0), min(math.ceil(pair(1)), dim - 1)
    expected = []
    for number in range(dim // 2):
        frequency = theta ** -(2 * number / dim)
        ramp = min(max((number - low) / max(high - low, 0.001), 0.0), 1.0)
        expected.append(frequency / factor * ramp + frequency * (1 - ramp))
    np.testing.assert_allclose(rope.yarn(theta, dim, factor=factor, original_context=original), expected, rtol=1e-12)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
KEYS = sorted({key for kind in KINDS for key in hf_config(kind)} | {"layer_types", "partial_rotary_factor", "head_dim"})
ROPE_KEYS = ["rope_type", "type", "factor", "original_max_position_embeddings", "attention_factor", "beta_fast"]
ROPE_TYPES = ["linear", "llama3", "yarn", "longrope", "su", "default"]


@given(
    kind=st.sampled_from(KINDS),
    changes=st.dictionaries(st.sampled_from(KEYS), JSON, max_size=3),
    scaling=st.none()
    | st.fixed_dictionaries({"rope_type": st.sampled_from(ROPE_TYPES)}, optional=dict.fromkeys(ROPE_KEYS[1:], JSON)),
)
@settings(max_examples=200, deadline=None, derandomize=True)
def test_any_settings_are_read_or_refused(kind: str, changes: dict[str, Any], scaling: dict[str, Any] | None) -> None:
    values = hf_config(kind) | ({} if scaling is None else {"rope_scaling": scaling}) | changes
    try:
        config = read(values)
    except ModelBroken:
        return
    assert all(np.isfinite(table.inv_freq).all() for table in config.rope.tables)


def test_nothing_is_scaled_where_nothing_is_stretched() -> None:
    assert rope.yarn_scale(1.0) == 1.0
    assert rope.longrope_scale(1.0, 4096) == 1.0
