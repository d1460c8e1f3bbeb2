"""A GGUF file becomes a model folder: the same numbers, in the agreed tensors and files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.tiles import dequantize_tiles
from tests.helpers.tiny_model import TinyConfig, TinyModel, make_tiny_model, write_tiny_gguf
from tether_desktop.errors import ModelBroken
from tether_desktop.model.compiler.folder import pack_gguf
from tether_desktop.model.tvm.weights import open_weights


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> TinyModel:
    return make_tiny_model(tmp_path_factory.mktemp("models"))


def layer_matrix(model: TinyModel, name: str) -> np.ndarray:
    names = (f"blk.{layer}.{name}.weight" for layer in range(model.config.num_hidden_layers))
    return np.stack([model.floats[name] for name in names])


def test_the_folder_has_the_agreed_tensors_and_shapes(tiny: TinyModel) -> None:
    shapes = {name: (array.dtype.name, array.shape) for name, array in open_weights(tiny.folder).items()}
    assert shapes == {
        "embed.tiles": ("uint8", (32, 2, 544)),
        "layers.attn_norm": ("float32", (2, 64)),
        "layers.qkv.tiles": ("uint8", (2, 16, 2, 320)),
        "layers.o.tiles": ("uint8", (2, 4, 4, 320)),
        "layers.ffn_norm": ("float32", (2, 64)),
        "layers.gate_up.tiles": ("uint8", (2, 16, 2, 320)),
        "layers.down.tiles": ("uint8", (2, 4, 4, 320)),
        "final_norm": ("float32", (64,)),
        "rope.inv_freq": ("float32", (16,)),
    }


def test_every_packed_matrix_equals_the_dequantized_source(tiny: TinyModel) -> None:
    weights = open_weights(tiny.folder)
    qkv = np.concatenate([layer_matrix(tiny, f"attn_{part}") for part in "qkv"], axis=1)
    gate_up = np.stack([layer_matrix(tiny, f"ffn_{part}").reshape(2, 8, 16, 64) for part in ("gate", "up")], axis=2)
    np.testing.assert_array_equal(dequantize_tiles(weights, "embed"), tiny.floats["token_embd.weight"])
    np.testing.assert_array_equal(dequantize_tiles(weights, "layers.qkv"), qkv)
    np.testing.assert_array_equal(dequantize_tiles(weights, "layers.o"), layer_matrix(tiny, "attn_output"))
    np.testing.assert_array_equal(dequantize_tiles(weights, "layers.gate_up"), gate_up.reshape(2, 256, 64))
    np.testing.assert_array_equal(dequantize_tiles(weights, "layers.down"), layer_matrix(tiny, "ffn_down"))
    np.testing.assert_array_equal(weights["layers.attn_norm"], layer_matrix(tiny, "attn_norm"))
    np.testing.assert_array_equal(weights["layers.ffn_norm"], layer_matrix(tiny, "ffn_norm"))
    np.testing.assert_array_equal(weights["final_norm"], tiny.floats["output_norm.weight"])


def test_rotation_frequencies_follow_from_theta(tiny: TinyModel) -> None:
    expected = [10000.0 ** (-2 * i / 32) for i in range(16)]
    np.testing.assert_allclose(open_weights(tiny.folder)["rope.inv_freq"], expected, rtol=1e-6)


def test_the_configuration_has_what_the_runtime_and_mlc_read(tiny: TinyModel) -> None:
    config = json.loads((tiny.folder / "mlc-chat-config.json").read_text())
    assert (config["model_type"], config["quantization"]) == ("llama", "q4_1t16")
    assert config["model_config"] == {
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 32,
        "num_hidden_layers": 2,
        "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0,
        "vocab_size": 512,
        "context_window_size": 256,
        "tie_word_embeddings": True,
    }
    assert config["conv_template"]["system_message"] == "Be brief."
    assert (config["bos_token_id"], config["eos_token_id"]) == (1, [2, 0])


def test_an_untied_head_is_packed_beside_the_embedding(tmp_path: Path) -> None:
    model = make_tiny_model(tmp_path, TinyConfig(tied=False))
    weights = open_weights(model.folder)
    np.testing.assert_array_equal(dequantize_tiles(weights, "lm_head"), model.floats["output.weight"])


def test_8_bit_layers_stay_8_bit(tmp_path: Path) -> None:
    model = make_tiny_model(tmp_path, TinyConfig(matrices="Q8_0"))
    weights = open_weights(model.folder)
    assert json.loads((model.folder / "mlc-chat-config.json").read_text())["quantization"] == "q8_0t16"
    assert weights["layers.down.tiles"].shape == (2, 4, 4, 544)
    np.testing.assert_array_equal(dequantize_tiles(weights, "layers.down"), layer_matrix(model, "ffn_down"))


@pytest.mark.parametrize("kind", ["F16", "F32"])
def test_float_layers_are_quantized_to_8_bits(tmp_path: Path, kind: str) -> None:
    model = make_tiny_model(tmp_path, TinyConfig(matrices=kind))  # type: ignore[arg-type]
    down = dequantize_tiles(open_weights(model.folder), "layers.down")
    np.testing.assert_allclose(down, layer_matrix(model, "ffn_down"), atol=np.abs(down).max() / 127)


def test_a_vocabulary_that_is_no_multiple_of_16_is_padded_with_zero_rows(tmp_path: Path) -> None:
    model = make_tiny_model(tmp_path, replace(TinyConfig(), vocab_size=500))
    embedding = dequantize_tiles(open_weights(model.folder), "embed")
    assert embedding.shape == (512, 64)
    np.testing.assert_array_equal(embedding[:500], model.floats["token_embd.weight"])
    assert not embedding[500:].any()


def test_progress_rises_to_one(tmp_path: Path) -> None:
    write_tiny_gguf(tmp_path / "tiny.gguf", TinyConfig())
    (tmp_path / "out").mkdir()
    seen: list[float] = []
    pack_gguf(tmp_path / "tiny.gguf", tmp_path / "out", on_progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"general.architecture": "mamba"}, "architecture 'mamba'"),
        ({"llama.attention.head_count": 0}, "0 attention heads"),
        ({"llama.attention.head_count_kv": 3}, "do not divide evenly"),
        ({"llama.embedding_length": 60}, "no multiples of 32"),
        ({"llama.embedding_length": 96}, "has the shape"),
        ({"llama.embedding_length": "many"}, "is str, not int"),
        ({"llama.block_count": 3}, "lacks tensor 'blk.2.attn_k.weight'"),
        ({"llama.block_count": 1}, "has the unknown tensor"),
        ({"llama.rope.dimension_count": 8}, "only a part of each attention head"),
        ({"llama.rope.scaling.type": "yarn"}, "RoPE scaling"),
        ({"tokenizer.ggml.pre": "other"}, "tokenizer is of the kind gpt2/other"),
        ({"tokenizer.ggml.eos_token_id": 9999}, "eos token 9999 is not of its vocabulary"),
        ({"tokenizer.ggml.merges": ["qz qz"]}, "is not of its vocabulary"),
        ({"tokenizer.ggml.token_type": [1, 2]}, "vocabulary is inconsistent"),
    ],
)
def test_a_model_that_cannot_be_packed_is_refused_with_the_reason(tmp_path: Path, fields: dict, words: str) -> None:
    write_tiny_gguf(tmp_path / "tiny.gguf", TinyConfig(), fields=fields)
    (tmp_path / "out").mkdir()
    with pytest.raises(ModelBroken, match=r"cannot be (packed|read)") as failure:
        pack_gguf(tmp_path / "tiny.gguf", tmp_path / "out", on_progress=lambda _: None)
    assert words in failure.value.message
