"""Checkpoints of Hugging Face and of MLC offer the same weights by the same names."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from gguf.quants import dequantize
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.helpers.hf_writer import (
    Dtype,
    Floats,
    as_stored,
    hf_config,
    random_weights,
    write_hf_folder,
    write_json,
    write_safetensors,
)
from tests.helpers.mlc_writer import Quantization, mlc_chat_config, write_mlc_folder
from tether_desktop.errors import ModelBroken, TetherError
from tether_desktop.model.compiler.checkpoint import HfCheckpoint, MlcCheckpoint
from tether_desktop.model.compiler.source import SourceTensor

MODEL_TYPES = ("llama", "mistral", "qwen2", "qwen3", "phi3", "gemma3_text")
SAME = ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads")


def floats(tensor: SourceTensor) -> NDArray[np.float32]:
    return dequantize(tensor.read(), tensor.encoding).reshape(tensor.shape)


def assert_holds(checkpoint: HfCheckpoint | MlcCheckpoint, weights: Floats) -> None:
    assert checkpoint.tensors.keys() == weights.keys()
    for name, values in weights.items():
        tensor = checkpoint.tensors[name]
        assert tensor.shape == values.shape, name
        np.testing.assert_array_equal(floats(tensor), values, err_msg=name)


@pytest.mark.parametrize("model_type", MODEL_TYPES)
@pytest.mark.parametrize("dtype", get_args(Dtype))
def test_a_hugging_face_folder_holds_what_was_written(tmp_path: Path, model_type: str, dtype: Dtype) -> None:
    config = hf_config(model_type)
    weights = random_weights(config)
    checkpoint = HfCheckpoint(write_hf_folder(tmp_path, weights, config, dtype=dtype, shards=3))
    assert checkpoint.path == tmp_path
    assert checkpoint.config == config
    assert_holds(checkpoint, {name: as_stored(values, dtype) for name, values in weights.items()})


@pytest.mark.parametrize("model_type", MODEL_TYPES)
@pytest.mark.parametrize("quantization", get_args(Quantization))
def test_an_mlc_folder_stands_for_what_mlcs_formula_says(
    tmp_path: Path, model_type: str, quantization: Quantization
) -> None:
    config = hf_config(model_type)
    weights = random_weights(config)
    meant = write_mlc_folder(tmp_path, weights, config, quantization)
    checkpoint = MlcCheckpoint(tmp_path)
    assert checkpoint.path == tmp_path
    assert_holds(checkpoint, meant)
    for name, values in weights.items():
        assert np.linalg.norm(meant[name] - values) < 0.15 * np.linalg.norm(values), name


@pytest.mark.parametrize("model_type", MODEL_TYPES)
def test_mlcs_configuration_reads_as_hugging_faces(tmp_path: Path, model_type: str) -> None:
    config = hf_config(model_type)
    write_mlc_folder(tmp_path, random_weights(config), config)
    read = MlcCheckpoint(tmp_path).config
    renamed = ("rope_theta", "tie_word_embeddings", "vocab_size", "rms_norm_eps", "model_type", "sliding_window")
    special = ("head_dim", "query_pre_attn_scalar", "rope_local_base_freq", "sliding_window_pattern", "attention_bias")
    for name in (*SAME, *renamed, *(name for name in special if name in config)):
        assert read.get(name) == config.get(name), name
    # MLC does not keep the context window of a model with a sliding one.
    assert read["max_position_embeddings"] == (64 if model_type == "mistral" else 256)


def test_the_older_name_of_the_index_is_found(tmp_path: Path) -> None:
    config = hf_config()
    meant = write_mlc_folder(tmp_path, random_weights(config), config, index_name="ndarray-cache.json")
    assert_holds(MlcCheckpoint(tmp_path), meant)


@pytest.mark.parametrize("quantization", ["q4f32_1", "q0f32"])
def test_float32_that_is_stored_in_full_is_kept_in_full(tmp_path: Path, quantization: Quantization) -> None:
    config = hf_config("gemma3_text")
    meant = write_mlc_folder(tmp_path, random_weights(config), config, quantization, encode_format="raw")
    assert_holds(MlcCheckpoint(tmp_path), meant)


def test_a_split_projection_reads_its_own_rows_alone(tmp_path: Path) -> None:
    config = hf_config("qwen2")
    meant = write_mlc_folder(tmp_path, random_weights(config), config)
    tensors = MlcCheckpoint(tmp_path).tensors
    key, bias = tensors["model.layers.1.self_attn.k_proj.weight"], tensors["model.layers.1.self_attn.k_proj.bias"]
    assert key.name == "model.layers.1.self_attn.c_attn.weight (k_proj)"
    np.testing.assert_array_equal(
        dequantize(key.read(slice(3, 5)), key.encoding), meant["model.layers.1.self_attn.k_proj.weight"][3:5]
    )
    assert key.read(slice(60, 99)).shape[0] == 4
    assert key.read(slice(5, 5)).shape[0] == 0
    assert bias.read().shape == (1, 2 * 64)


def test_longrope_keeps_its_factors_and_loses_what_mlc_adds(tmp_path: Path) -> None:
    config = hf_config("phi3")
    write_mlc_folder(tmp_path, random_weights(config), config)
    factors = {"type": "longrope", "short_factor": [1.0] * 16, "long_factor": [2.0] * 16}
    added = {"rope_type": "longrope", "max_position_embeddings": 256, "original_max_position_embeddings": 0}
    chat = json.loads((tmp_path / "mlc-chat-config.json").read_text())
    chat["model_config"] |= {"rope_scaling": factors | added, "original_max_position_embeddings": 0}
    write_json(tmp_path / "mlc-chat-config.json", chat)
    read = MlcCheckpoint(tmp_path).config
    assert read["rope_scaling"] == {**factors, "rope_type": "longrope"}
    assert "original_max_position_embeddings" not in read


def test_without_a_word_about_it_a_model_is_tied_when_it_has_no_head(tmp_path: Path) -> None:
    for tied in (True, False):
        config = hf_config("mistral", tie_word_embeddings=tied)
        write_mlc_folder(tmp_path / str(tied), random_weights(config), config)
        assert "tie_word_embeddings" not in mlc_chat_config(config, "q4f16_1")["model_config"]
        assert MlcCheckpoint(tmp_path / str(tied)).config["tie_word_embeddings"] is tied


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("language_model.model.", "model.vision_tower.patch."),
        ("model.language_model.", "vision_tower.patch."),
        ("", "multi_modal_projector."),
    ],
)
def test_the_text_model_of_a_model_that_sees_is_found(tmp_path: Path, before: str, after: str) -> None:
    config = hf_config("gemma3_text")
    weights = random_weights(config)
    write_hf_folder(tmp_path, weights, config)
    stored = {before + name.removeprefix("model."): values for name, values in weights.items()}
    write_safetensors(tmp_path / "model.safetensors", {**stored, f"{after}weight": np.zeros((2, 2), np.float32)})
    write_json(
        tmp_path / "config.json",
        {"model_type": "gemma3", "text_config": config, "vision_config": {"hidden_size": 7}, "eos_token_id": 1},
    )
    checkpoint = HfCheckpoint(tmp_path)
    assert checkpoint.config == {**config, "eos_token_id": 1}
    assert_holds(checkpoint, weights)


def test_buffers_that_older_checkpoints_store_are_left_out(tmp_path: Path) -> None:
    config = hf_config()
    weights = random_weights(config)
    write_hf_folder(tmp_path, weights, config)
    buffer = {"model.layers.0.self_attn.rotary_emb.inv_freq": np.ones(4, np.float32)}
    write_safetensors(tmp_path / "model.safetensors", weights | buffer)
    assert_holds(HfCheckpoint(tmp_path), weights)


def test_a_tensor_that_is_there_under_two_names_is_refused(tmp_path: Path) -> None:
    config = hf_config()
    weights = random_weights(config)
    write_hf_folder(tmp_path, weights, config)
    write_safetensors(tmp_path / "model.safetensors", weights | {"norm.weight": np.ones(128, np.float32)})
    with pytest.raises(ModelBroken, match=r"'model\.norm\.weight' twice"):
        HfCheckpoint(tmp_path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"num_key_value_heads": 3}, "not 320 rows"),
        ({"intermediate_size": 192}, "not 384 rows"),
        ({"num_attention_heads": 0}, "0 for num_attention_heads"),
        ({"num_attention_heads": "4"}, "4 for num_attention_heads"),
        ({"num_attention_heads": 2**40}, "for num_attention_heads"),
        ({"intermediate_size": None}, "None for intermediate_size"),
        ({"head_dim": -1}, "-1 for head_dim"),
        ({"hidden_size": None}, "None for hidden_size"),
        ({"hidden_size": []}, "for hidden_size"),
    ],
)
def test_a_joined_projection_that_does_not_fit_the_configuration_is_refused(
    tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    config = hf_config("phi3")
    write_hf_folder(tmp_path, random_weights(config), config)
    write_json(tmp_path / "config.json", config | changes)
    with pytest.raises(ModelBroken) as failure:
        HfCheckpoint(tmp_path)
    assert words in failure.value.message


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"quantization_config": {"quant_method": "gptq"}}, "quantized by gptq"),
        ({"quantization_config": "fp8"}, "quantized by fp8"),
        ({"model_type": None}, "does not say model_type"),
        ({"text_config": 5}, "text_config"),
    ],
)
def test_a_config_json_that_cannot_be_used_is_refused(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    config = hf_config()
    write_hf_folder(tmp_path, random_weights(config), config)
    write_json(tmp_path / "config.json", config | changes)
    with pytest.raises(ModelBroken) as failure:
        HfCheckpoint(tmp_path)
    assert words in failure.value.message
    assert failure.value.hint


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b"\xff", b"[" * 200_000, b'{"a": 1, "a": 1}', b"{" * 9])
@pytest.mark.parametrize("kind", [HfCheckpoint, MlcCheckpoint])
def test_a_configuration_that_is_no_json_object_is_refused(tmp_path: Path, kind: type, content: bytes) -> None:
    for name in ("config.json", "mlc-chat-config.json"):
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelBroken):
        kind(tmp_path)


def test_an_adapter_is_told_from_a_model(tmp_path: Path) -> None:
    write_json(tmp_path / "adapter_config.json", {})
    with pytest.raises(ModelBroken, match=r"adapter.*Merge"):
        HfCheckpoint(tmp_path)


@pytest.mark.parametrize("kind", [HfCheckpoint, MlcCheckpoint])
def test_a_folder_without_a_configuration_is_told(tmp_path: Path, kind: type) -> None:
    with pytest.raises(ModelBroken, match=r"config\.json is missing"):
        kind(tmp_path)


@pytest.mark.parametrize("changes", [{"model_config": None}, {"quantization": 4}, {"model_type": 4}])
def test_an_mlc_configuration_that_lacks_a_value_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    config = hf_config()
    write_mlc_folder(tmp_path, random_weights(config), config)
    write_json(tmp_path / "mlc-chat-config.json", mlc_chat_config(config, "q4f16_1") | changes)
    with pytest.raises(ModelBroken, match="does not say"):
        MlcCheckpoint(tmp_path)


def test_the_number_of_devices_that_mlc_would_use_does_not_matter_to_whole_weights(tmp_path: Path) -> None:
    config = hf_config()
    meant = write_mlc_folder(tmp_path, random_weights(config), config, tensor_parallel_shards=2)
    assert_holds(MlcCheckpoint(tmp_path), meant)


ANYTHING = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.lists(st.integers(), max_size=2)
)


@pytest.fixture(scope="module")
def gemma(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that is one of MLC's and of Hugging Face's at once, with a configuration of several levels."""
    folder = tmp_path_factory.mktemp("gemma")
    config = hf_config("gemma3_text")
    write_mlc_folder(folder, random_weights(config), config)
    write_hf_folder(folder, random_weights(config), config)
    write_json(folder / "config.json", {"model_type": "gemma3", "text_config": config})
    return folder


@given(
    data=st.data(), is_mlc=st.booleans(), value=ANYTHING | st.dictionaries(st.text(max_size=3), ANYTHING, max_size=2)
)
@settings(deadline=None, max_examples=150, derandomize=True)
def test_no_configuration_leads_to_anything_but_a_checkpoint_or_a_clear_error(
    gemma: Path, data: st.DataObject, *, is_mlc: bool, value: Any
) -> None:
    path = gemma / ("mlc-chat-config.json" if is_mlc else "config.json")
    original = path.read_text(encoding="utf-8")
    document = json.loads(original)
    levels = [document, document.get("model_config"), document.get("text_config")]
    levels += [levels[1]["text_config"], levels[1]["text_config"]["kwargs"]] if is_mlc else []
    level = data.draw(st.sampled_from([level for level in levels if level]))
    level[data.draw(st.sampled_from([*level, "quantization_config", "rope_scaling", "kwargs"]))] = value
    write_json(path, document)
    try:
        with suppress(TetherError):
            (MlcCheckpoint if is_mlc else HfCheckpoint)(gemma)
    finally:
        path.write_text(original, encoding="utf-8")
