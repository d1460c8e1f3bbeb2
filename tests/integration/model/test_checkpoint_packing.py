"""A checkpoint becomes a packed model: MLC's four bits as they are, other weights with their error measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.helpers.hf_writer import hf_config, random_weights, write_hf_folder
from tests.helpers.mlc_writer import Quantization, write_mlc_folder
from tether_desktop.model.compiler.folder import Card, PackReport, pack_model
from tether_desktop.model.compiler.sources import open_source
from tether_desktop.model.compiler.tokenizer_files import open_tokenizer
from tether_desktop.model.discovery.model_folder import check_sizes, check_tensors, read_config, read_shards

MODEL_TYPES = ("llama", "mistral", "qwen2", "qwen3", "phi3", "gemma3_text")


def pack(source: Path, folder: Path, **options: Any) -> PackReport:
    folder.mkdir()
    card = Card("Tiny", "a test", "none", "")
    opened, tokenizer = open_source(source), open_tokenizer(source)
    report = pack_model(opened, tokenizer, folder, card=card, on_progress=lambda _: None, **options)
    shards = read_shards(folder)
    check_sizes(shards)
    check_tensors(read_config(folder), shards)
    return report


@pytest.mark.parametrize("model_type", MODEL_TYPES)
@pytest.mark.parametrize("quantization", ["q4f16_1", "q4f32_1", "q4f16_0"])
def test_four_bits_of_mlc_are_packed_without_loss(tmp_path: Path, model_type: str, quantization: Quantization) -> None:
    config = hf_config(model_type)
    write_mlc_folder(tmp_path / "source", random_weights(config), config, quantization)
    report = pack(tmp_path / "source", tmp_path / "packed")
    assert report.quantization == "q4_0t16"
    assert all(mapping.exact and mapping.encodings == ("Q4_0",) for mapping in report.mappings)


@pytest.mark.parametrize("model_type", MODEL_TYPES)
def test_float_weights_are_packed_with_their_error_measured(tmp_path: Path, model_type: str) -> None:
    config = hf_config(model_type)
    write_hf_folder(tmp_path / "source", random_weights(config), config, dtype="BF16", shards=2)
    report = pack(tmp_path / "source", tmp_path / "packed")
    assert report.quantization == "q8_0t16"
    assert all(not mapping.exact and 0 < mapping.relative_rms < 0.01 for mapping in report.mappings)


def test_full_float32_scales_are_not_rounded_unmeasured(tmp_path: Path) -> None:
    config = hf_config()
    write_mlc_folder(tmp_path / "source", random_weights(config), config, "q4f32_1", encode_format="raw")
    report = pack(tmp_path / "source", tmp_path / "packed", bits=4)
    assert all(mapping.relative_rms > 0 and not mapping.exact for mapping in report.mappings)
