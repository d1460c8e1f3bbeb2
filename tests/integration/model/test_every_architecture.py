"""From source to packed folder no architecture loses what its logits depend on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.helpers.gguf_writer import write_gguf
from tests.helpers.hf_writer import hf_config, random_weights
from tests.helpers.reference_decoder import ReferenceDecoder
from tests.helpers.source_decoder import SourceDecoder
from tether_desktop.model.compiler.folder import Card, pack_model
from tether_desktop.model.compiler.sources import open_source
from tether_desktop.model.compiler.tokenizer_files import open_tokenizer
from tether_desktop.model.decoder_shape import shape_of
from tether_desktop.model.tvm.weights import open_weights

IDS = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 2, 3, 8, 4, 6, 2, 6, 4, 3, 3, 8, 3, 2, 7, 9, 5, 0, 2, 8, 8, 4, 1]
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64}
MODELS = {
    "llama": hf_config("llama", tie_word_embeddings=False),
    "mistral": hf_config("mistral", sliding_window=16),
    "qwen2": hf_config("qwen2", rope_scaling=YARN, num_key_value_heads=1),
    "qwen3": hf_config("qwen3"),
    "gemma3": hf_config("gemma3_text", num_hidden_layers=7, sliding_window=16),
    "phi3": hf_config("phi3", hidden_size=256, partial_rotary_factor=0.5),
}


@pytest.mark.parametrize("name", MODELS)
def test_the_packed_folder_says_what_the_source_says(tmp_path: Path, name: str) -> None:
    config: dict[str, Any] = MODELS[name]
    write_gguf(tmp_path / "tiny.gguf", random_weights(config), config, matrices="Q8_0")
    source, folder = open_source(tmp_path), tmp_path / "packed"
    folder.mkdir()
    card = Card("Tiny", "made for the tests", "", "")
    report = pack_model(source, open_tokenizer(tmp_path), folder, card=card, on_progress=lambda _: None)
    packed = json.loads((folder / "mlc-chat-config.json").read_text(encoding="utf-8"))
    decoder = ReferenceDecoder(shape_of(packed), dict(open_weights(folder)), packed["rope"]["scale"])
    expected = SourceDecoder(source).logits(IDS)
    assert report.quantization == "q8_0t16"
    np.testing.assert_allclose(decoder.logits(IDS)[:, :512], expected, atol=2e-4)
