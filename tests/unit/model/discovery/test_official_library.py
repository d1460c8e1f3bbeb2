"""Libraries of MLC-LLM: told by what they say of themselves, and matched weight by weight."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.helpers.packed_models import MLC_TENSORS, write_library, write_mlc_model, write_official_library
from tether_desktop.model.decoder_shape import Params
from tether_desktop.model.discovery.model_folder import ChatConfig, read_config
from tether_desktop.model.discovery.official_library import fitting_official, official_engine_there, read_official


@pytest.fixture
def config(tmp_path: Path) -> ChatConfig:
    return read_config(write_mlc_model(tmp_path / "models"))


def test_a_library_says_what_it_is_for(tmp_path: Path) -> None:
    library = read_official(write_official_library(tmp_path))
    assert library is not None
    assert (library.model_type, library.quantization, library.context_window) == ("llama", "q4f16_1", 4096)
    assert (library.prefill_chunk_size, library.tensor_parallel_shards) == (2048, 1)
    assert library.params[0] == ("model.embed_tokens.q_weight", ("vocab_size", 4), "uint32")


def test_our_own_libraries_are_none_of_these(tmp_path: Path) -> None:
    assert read_official(write_library(tmp_path)) is None


@pytest.mark.parametrize(
    "change",
    [
        {"prefill_chunk_size": "many"},
        {"tensor_parallel_shards": True},
        {"params": 3},
        {"params": [3]},
        {"params": [{"name": "x", "shape": [1.5], "dtype": "float16"}]},
        {"params": [{"name": "x", "dtype": "float16"}]},
    ],
)
def test_metadata_of_another_kind_is_passed_over(tmp_path: Path, config: ChatConfig, change: dict[str, Any]) -> None:
    assert fitting_official(config, MLC_TENSORS, [write_official_library(tmp_path, **change)]) == []


def test_it_fits_the_weights_it_was_compiled_for_whatever_its_name(tmp_path: Path, config: ChatConfig) -> None:
    library = write_official_library(tmp_path, "Another-model-q0f32.so")
    assert [path for path, _ in fitting_official(config, MLC_TENSORS, [library])] == [library]


@pytest.mark.parametrize(
    "change",
    [
        {"model_type": "mistral"},
        {"quantization": "q4f32_1"},
        {"tensor_parallel_shards": 2},
        {"params": []},
        {"params": [{"name": "x", "shape": ["unheard_of"], "dtype": "float16"}]},
    ],
)
def test_it_fits_nothing_else(tmp_path: Path, config: ChatConfig, change: dict[str, Any]) -> None:
    library = write_official_library(tmp_path, **change)
    assert fitting_official(config, MLC_TENSORS, [library, tmp_path / "gone.so"]) == []


@pytest.mark.parametrize(
    "weight",
    [{"model.norm.weight": ((64,), "float16")}, {"model.norm.weight": ((32,), "float32")}, {"x": ((1,), "int8")}],
)
def test_every_weight_must_be_as_the_library_expects_it(tmp_path: Path, config: ChatConfig, weight: Params) -> None:
    assert fitting_official(config, {**MLC_TENSORS, **weight}, [write_official_library(tmp_path)]) == []


def test_an_open_dimension_is_what_the_model_says(tmp_path: Path) -> None:
    config = read_config(write_mlc_model(tmp_path, model_config={"vocab_size": 17}))
    library = write_official_library(tmp_path)
    assert fitting_official(config, MLC_TENSORS, [library]) == []
    grown = {**MLC_TENSORS, "model.embed_tokens.q_weight": ((17, 4), "uint32")}
    assert len(fitting_official(config, grown, [library])) == 1


def test_the_engine_is_found_without_being_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "mlc_llm", raising=False)
    (tmp_path / "mlc_llm").mkdir()
    (tmp_path / "mlc_llm" / "__init__.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    assert official_engine_there()
    monkeypatch.setitem(sys.modules, "mlc_llm", ModuleType("mlc_llm"))
    assert official_engine_there()
