"""A checkpoint is the source of a model when it has all of its tensors, and no others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gguf import GGMLQuantizationType
from numpy.typing import NDArray

from tests.helpers.hf_writer import hf_config, random_weights, weight_shapes
from tests.helpers.source_decoder import floats
from tether_desktop.errors import ModelBroken
from tether_desktop.model.compiler.hf_model import HfModel
from tether_desktop.model.compiler.inventory import expected_shapes
from tether_desktop.model.compiler.source import SourceTensor


@dataclass(frozen=True)
class FloatTensor:
    """A tensor in memory."""

    name: str
    values: NDArray[np.float32]
    encoding: GGMLQuantizationType = GGMLQuantizationType.F32

    @property
    def shape(self) -> tuple[int, ...]:
        return self.values.shape

    def read(self, rows: slice = slice(None)) -> NDArray[np.uint8]:
        matrix = np.atleast_2d(self.values)
        return np.ascontiguousarray(matrix[rows]).view(np.uint8)


@dataclass
class MemoryCheckpoint:
    """A checkpoint in memory."""

    config: dict[str, Any]
    tensors: Mapping[str, SourceTensor] = field(default_factory=dict)


def checkpoint(config: dict[str, Any]) -> MemoryCheckpoint:
    return MemoryCheckpoint(
        config, {name: FloatTensor(name, values) for name, values in random_weights(config).items()}
    )


def opened(of: MemoryCheckpoint) -> HfModel:
    return HfModel(of, Path("Tiny"))


def changed(of: MemoryCheckpoint, changes: dict[str, SourceTensor | None]) -> MemoryCheckpoint:
    tensors = {**of.tensors, **changes}
    return MemoryCheckpoint(of.config, {name: tensor for name, tensor in tensors.items() if tensor is not None})


@pytest.mark.parametrize("kind", ["llama", "mistral", "qwen2", "qwen3", "gemma3_text", "phi3"])
def test_every_tensor_of_a_checkpoint_has_its_place(kind: str) -> None:
    config = hf_config(kind)
    model = opened(checkpoint(config))
    placed = {model.tensor(*key).name for key in expected_shapes(model.config)}
    assert placed == weight_shapes(config).keys()


def test_the_four_norms_of_a_gemma3_layer_are_told_apart() -> None:
    model = opened(checkpoint(hf_config("gemma3_text")))
    names = {name: model.tensor(name, 0).name for name in ("attn_norm", "post_attn_norm", "ffn_norm", "post_ffn_norm")}
    assert names == {
        "attn_norm": "model.layers.0.input_layernorm.weight",
        "post_attn_norm": "model.layers.0.post_attention_layernorm.weight",
        "ffn_norm": "model.layers.0.pre_feedforward_layernorm.weight",
        "post_ffn_norm": "model.layers.0.post_feedforward_layernorm.weight",
    }


def test_the_norm_of_a_llama_after_attention_is_that_before_feed_forward() -> None:
    model = opened(checkpoint(hf_config("llama")))
    assert model.tensor("ffn_norm", 1).name == "model.layers.1.post_attention_layernorm.weight"


def test_query_rows_stay_as_they_are() -> None:
    of = checkpoint(hf_config("llama"))
    expected = random_weights(of.config)["model.layers.0.self_attn.q_proj.weight"]
    np.testing.assert_array_equal(floats(opened(of), "q", 0), expected)


def test_a_head_that_is_stored_but_tied_is_left_out() -> None:
    of = checkpoint(hf_config("llama", tie_word_embeddings=True))
    head = FloatTensor("lm_head.weight", np.zeros((512, 128), np.float32))
    model = opened(changed(of, {"lm_head.weight": head}))
    with pytest.raises(KeyError):
        model.tensor("lm_head")


@pytest.mark.parametrize(
    ("name", "tensor", "words"),
    [
        ("model.layers.1.mlp.up_proj.weight", None, "lacks the tensor 'model.layers.1.mlp.up_proj.weight'"),
        ("model.norm.weight", None, "lacks the tensor 'model.norm.weight'"),
        ("lm_head.weight", None, "lacks the tensor 'lm_head.weight'"),
        ("model.layers.0.self_attn.o_proj.bias", np.zeros(128, np.float32), "o_proj.bias', which is unknown"),
        ("model.layers.2.mlp.up_proj.weight", np.zeros((160, 128), np.float32), "layers.2.mlp.up_proj.weight', which"),
        ("model.norm.weight", np.zeros((1, 128), np.float32), "the shape (1, 128), not (128,)"),
        ("model.embed_tokens.weight", np.zeros((511, 128), np.float32), "the shape (511, 128), not (512, 128)"),
    ],
)
def test_tensors_that_do_not_fit_the_configuration_are_refused(
    name: str, tensor: NDArray[np.float32] | None, words: str
) -> None:
    of = checkpoint(hf_config("llama"))
    replaced = None if tensor is None else FloatTensor(name, tensor)
    with pytest.raises(ModelBroken) as failure:
        opened(changed(of, {name: replaced}))
    assert words in failure.value.message
    assert failure.value.message.startswith("Tiny: ")
    assert failure.value.hint


def test_quantized_vectors_are_refused() -> None:
    of = checkpoint(hf_config("llama"))
    norm = FloatTensor("model.norm.weight", np.zeros(128, np.float32), GGMLQuantizationType.Q8_0)
    with pytest.raises(ModelBroken, match="stored as Q8_0"):
        opened(changed(of, {"model.norm.weight": norm}))


def test_a_configuration_without_a_kind_is_refused() -> None:
    with pytest.raises(ModelBroken, match="does not say 'model_type'"):
        opened(MemoryCheckpoint({}))
