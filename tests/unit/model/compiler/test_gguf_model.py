"""A model in a GGUF file is the same decoder, with the same weights, as the checkpoint it was converted from."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.gguf_writer import architecture_of, write_gguf
from tests.helpers.hf_writer import hf_config, random_weights, write_hf_folder
from tests.helpers.source_decoder import SourceDecoder, floats
from tether_desktop.errors import ModelBroken, TetherError
from tether_desktop.model.compiler.gguf_model import GgufModel
from tether_desktop.model.compiler.gguf_source import GgufFile
from tether_desktop.model.compiler.inventory import expected_shapes
from tether_desktop.model.compiler.sources import open_source

LLAMA3 = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}
LONGROPE = {
    "rope_type": "longrope",
    "short_factor": [1.0 + pair / 16 for pair in range(16)],
    "long_factor": [2.0 + pair / 2 for pair in range(16)],
}
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64}
LINEAR = {"rope_type": "linear", "factor": 8.0}
MODELS = {
    "llama": hf_config("llama"),
    "llama, stretched": hf_config("llama", rope_scaling=LLAMA3, head_dim=64, max_position_embeddings=512),
    "mistral": hf_config("mistral", sliding_window=64),
    "qwen2": hf_config("qwen2", rope_scaling=YARN),
    "qwen3": hf_config("qwen3"),
    "gemma3": hf_config("gemma3_text", sliding_window_pattern=6, num_hidden_layers=7, rope_scaling=LINEAR),
    "phi3": hf_config("phi3", sliding_window=100),
    "phi3, stretched": hf_config(
        "phi3", rope_scaling=LONGROPE, hidden_size=256, partial_rotary_factor=0.5, max_position_embeddings=1024
    ),
}


def written(folder: Path, config: dict[str, Any], **how: Any) -> Path:
    path = folder / "tiny.gguf"
    write_gguf(path, random_weights(config), config, **how)
    return path


def refusal(path: Path) -> ModelBroken:
    with pytest.raises(ModelBroken) as failure:
        GgufModel(GgufFile(path))
    assert failure.value.hint
    return failure.value


@pytest.mark.parametrize("name", MODELS)
def test_the_decoder_and_all_weights_are_those_of_the_checkpoint(tmp_path: Path, name: str) -> None:
    config = MODELS[name]
    converted = open_source(written(tmp_path, config))
    original = open_source(write_hf_folder(tmp_path / "hf", random_weights(config), config))
    model_type = architecture_of(config)
    shared = replace(converted.config, rope=original.config.rope, norm_offset=original.config.norm_offset)
    assert shared == replace(original.config, model_type=model_type)
    for key in expected_shapes(original.config):
        shift = 1.0 if model_type == "gemma3" and "norm" in key[0] else 0.0
        np.testing.assert_allclose(floats(converted, *key), floats(original, *key) + shift, atol=1e-6)


@pytest.mark.parametrize("name", MODELS)
def test_the_rotation_is_that_of_the_checkpoint(tmp_path: Path, name: str) -> None:
    config = MODELS[name]
    converted = open_source(written(tmp_path, config)).config.rope
    original = open_source(write_hf_folder(tmp_path / "hf", random_weights(config), config)).config.rope
    assert (converted.of_layer, converted.original_context) == (original.of_layer, original.original_context)
    assert converted.scale == pytest.approx(original.scale)
    for mine, theirs in zip(converted.tables, original.tables, strict=True):
        np.testing.assert_allclose(mine.inv_freq, theirs.inv_freq, rtol=1e-6)
        np.testing.assert_allclose(mine.long_inv_freq, theirs.long_inv_freq, rtol=1e-6)


def test_a_stretched_rotation_changes_what_the_model_says(tmp_path: Path) -> None:
    config = MODELS["phi3, stretched"]
    source = open_source(written(tmp_path, config))
    ids = list(range(20))
    short, long = (SourceDecoder(source, window).logits(ids) for window in (256, 257))
    assert np.abs(short - long).max() > 0.01


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> GgufModel:
    return GgufModel(GgufFile(written(tmp_path_factory.mktemp("llama"), hf_config("llama"), matrices="Q4_1")))


ROWS = st.none() | st.integers(-140, 140)


@given(start=ROWS, stop=ROWS, step=st.none() | st.integers(1, 9) | st.integers(-9, -1))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_any_rows_of_a_matrix_are_those_of_the_whole(
    llama: GgufModel, start: int | None, stop: int | None, step: int | None
) -> None:
    rows = slice(start, stop, step)
    for name in ("q", "k", "v"):
        tensor = llama.tensor(name, 1)
        np.testing.assert_array_equal(tensor.read(rows), tensor.read()[rows])


def test_parts_of_joined_matrices_are_read_by_rows(tmp_path: Path) -> None:
    config = MODELS["phi3"]
    weights = random_weights(config)
    source = open_source(written(tmp_path, config))
    up = source.tensor("up", 1)
    assert up.shape == (160, 128)
    expected = weights["model.layers.1.mlp.up_proj.weight"][30:50]
    np.testing.assert_array_equal(up.read(slice(30, 50)).view(np.float32), expected)


def test_an_untied_head_is_read(tmp_path: Path) -> None:
    tied, untied = (hf_config("llama", tie_word_embeddings=tied) for tied in (True, False))
    assert open_source(written(tmp_path, tied)).config.tied
    source = open_source(written(tmp_path, untied))
    assert not source.config.tied
    np.testing.assert_array_equal(floats(source, "lm_head"), random_weights(untied)["lm_head.weight"])


@pytest.mark.parametrize("encoding", ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "F16", "BF16", "F32"])
def test_matrices_keep_their_encoding(tmp_path: Path, encoding: str) -> None:
    source = open_source(written(tmp_path, hf_config("llama"), matrices=encoding))
    assert {source.tensor(name, 0).encoding.name for name in ("q", "o", "up")} == {encoding}
    assert source.tensor("attn_norm", 0).encoding.name == "F32"


def test_the_largest_gemma3_is_known_by_its_layers(tmp_path: Path) -> None:
    config = hf_config("gemma3_text", num_hidden_layers=62, hidden_size=96, intermediate_size=32, vocab_size=32)
    assert open_source(written(tmp_path, config)).config.attention_scale == 24**-0.5


@pytest.mark.parametrize(
    ("pattern", "windows"), [(2, (32, 0, 32)), ([False, True, True], (0, 32, 32)), (None, (32, 32, 32))]
)
def test_the_local_layers_of_a_gemma3_are_as_the_file_says(tmp_path: Path, pattern: Any, windows: Any) -> None:
    config = hf_config("gemma3_text", num_hidden_layers=3)
    fields = {"gemma3.attention.sliding_window_pattern": pattern, "gemma3.rope.freq_base_swa": 5000.0}
    read = open_source(written(tmp_path, config, fields=fields)).config
    assert read.windows == windows
    assert read.rope.of_layer == tuple(int(window > 0) for window in windows)
    assert read.rope.tables[1].inv_freq[1] == pytest.approx(5000.0 ** -(1 / 32))


def test_a_gemma3_without_a_window_rotates_alike_in_all_layers(tmp_path: Path) -> None:
    config = hf_config("gemma3_text", num_hidden_layers=3)
    read = open_source(written(tmp_path, config, fields={"gemma3.attention.sliding_window": None})).config
    assert (read.windows, read.rope.of_layer) == ((), (0, 0, 0))


def test_sizes_given_for_each_layer_may_be_equal(tmp_path: Path) -> None:
    equal = {"llama.attention.head_count_kv": [2, 2], "llama.feed_forward_length": [160, 160]}
    config = open_source(written(tmp_path, hf_config("llama"), fields=equal)).config
    assert (config.kv_heads, config.intermediate) == (2, 160)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"general.type": "adapter"}, "an adapter (LoRA)"),
        ({"general.type": "mmproj"}, "turns images"),
        ({"general.architecture": "clip"}, "turns images"),
        ({"general.type": "imatrix"}, "statistics"),
        ({"general.type": "poem"}, "it holds a 'poem'"),
        ({"general.architecture": "qwen3moe"}, "architecture 'qwen3moe' is not supported"),
        ({"general.architecture": "gemma2"}, "architecture 'gemma2' is not supported"),
        ({"llama.block_count": None}, "does not say 'llama.block_count'"),
        ({"llama.block_count": 1}, "has the tensor 'blk.1.attn_k.weight'"),
        ({"llama.block_count": 3}, "lacks the tensor 'blk.2.attn_norm.weight'"),
        ({"llama.block_count": 2**31}, "'llama.block_count' cannot be 2147483648"),
        ({"llama.embedding_length": 0}, "'llama.embedding_length' cannot be 0"),
        ({"llama.embedding_length": 120}, "hidden size 120 is no multiple of 32"),
        ({"llama.embedding_length": 160}, "has the shape (512, 128), not (512, 160)"),
        ({"llama.feed_forward_length": 161}, "intermediate size 161 is no multiple of 32"),
        ({"llama.attention.head_count": 0}, "'llama.attention.head_count' cannot be 0"),
        ({"llama.attention.head_count": 3}, "3 heads do not share 2"),
        ({"llama.attention.head_count": [4, 8]}, "layers differ in 'attention.head_count'"),
        ({"llama.attention.key_length": 40}, "values of another size"),
        ({"llama.rope.dimension_count": 16}, "rotates only a part"),
        ({"llama.rope.scaling.type": "su"}, "'su', which is not known"),
        ({"llama.rope.scaling.yarn_log_multiplier": 0.1}, "yarn_log_multiplier"),
        ({"llama.rope.freq_base": 0.5}, "freq_base cannot be 0.5"),
        ({"llama.rope.freq_base": math.inf}, "freq_base' is inf"),
        ({"llama.context_length": 0}, "'llama.context_length' cannot be 0"),
        ({"llama.expert_count": 8}, "mixture of experts"),
        ({"llama.pooling_type": 1}, "makes embeddings"),
        ({"llama.attention.causal": False}, "not causal"),
        ({"llama.logit_scale": 0.5}, "scales logits"),
        ({"llama.attention.layer_norm_rms_epsilon": 0.0}, "cannot be 0.0"),
        ({"tokenizer.ggml.tokens": ["a"]}, "has the shape (512, 128), not (1, 128)"),
        ({"tokenizer.ggml.tokens": None}, "do not say 'tokenizer.ggml.tokens'"),
    ],
)
def test_metadata_that_cannot_be_run_are_refused_with_the_reason(
    tmp_path: Path, fields: dict[str, Any], words: str
) -> None:
    assert words in refusal(written(tmp_path, hf_config("llama"), fields=fields)).message


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (hf_config("llama", head_dim=48), "48 columns do not fill groups of 32"),
        (hf_config("llama", head_dim=288), "288 columns are too wide"),
        (hf_config("phi3", head_dim=64, hidden_size=256, partial_rotary_factor=0.25), "rotates 16 of 64"),
        (hf_config("gemma3_text", intermediate_size=100), "intermediate size 100 is no multiple"),
    ],
)
def test_dimensions_that_no_kernel_fits_are_refused(tmp_path: Path, config: dict[str, Any], words: str) -> None:
    assert words in refusal(written(tmp_path, config)).message


def test_tensors_that_the_architecture_does_not_know_are_refused(tmp_path: Path) -> None:
    tensors = {"blk.0.attn_output.bias": np.zeros(128, np.float32)}
    message = refusal(written(tmp_path, hf_config("llama"), tensors=tensors)).message
    assert "'blk.0.attn_output.bias', which is unknown" in message


def test_factors_of_another_count_are_refused(tmp_path: Path) -> None:
    tensors = {"rope_freqs.weight": np.ones(15, np.float32)}
    assert "not 16 numbers above 0" in refusal(written(tmp_path, hf_config("llama"), tensors=tensors)).message
    tensors = {"rope_freqs.weight": np.zeros(16, np.float32)}
    assert "not 16 numbers above 0" in refusal(written(tmp_path, hf_config("llama"), tensors=tensors)).message


def test_an_encoding_that_is_not_read_is_refused_with_what_is(tmp_path: Path) -> None:
    config = hf_config("llama", hidden_size=256, intermediate_size=256)
    failure = refusal(written(tmp_path, config, matrices="TQ1_0"))
    assert "stored as TQ1_0" in failure.message
    assert "Q4_K" in failure.hint


def test_a_file_with_a_vocabulary_only_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "vocabulary.gguf"
    write_gguf(path, {}, hf_config("llama"))
    assert "only a vocabulary" in refusal(path).message


@given(data=st.data())
@settings(max_examples=150, deadline=None, derandomize=True)
def test_a_damaged_file_is_read_or_refused(
    llama: GgufModel, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    content = bytearray(llama.path.read_bytes())
    header = content.rindex(b"ffn_down.weight") + 64
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, header))
        change = data.draw(st.binary(min_size=1, max_size=1) | st.sampled_from([b"\xff" * 8, bytes(8), b"\x01" * 4]))
        content[place : place + len(change)] = change
    damaged = tmp_path_factory.getbasetemp() / "damaged.gguf"
    damaged.write_bytes(content[: data.draw(st.sampled_from([len(content), len(content) // 2, header]))])
    try:
        model = GgufModel(GgufFile(damaged))
        model.tensor("q", 0).read()
    except TetherError:
        return
    assert model.config.layers == 2
