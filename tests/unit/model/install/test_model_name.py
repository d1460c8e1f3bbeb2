"""Names of models come from their files, and suit every file system."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tether_desktop.model.install.model_name import bare_name, check_name, folder_name, safe_name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("SmolLM2-135M-Instruct.Q4_1", "SmolLM2-135M-Instruct"),
        ("Llama-3.2-1B-Instruct-Q4_K_M", "Llama-3.2-1B-Instruct"),
        ("qwen2.5-0.5b-instruct-fp16", "qwen2.5-0.5b-instruct"),
        ("gemma-3-270m-it-bf16", "gemma-3-270m-it"),
        ("big-Q8_0-00001-of-00003", "big"),
        ("Llama-3.2-1B-q4f16_1-MLC", "Llama-3.2-1B"),
        ("Tiny-q4_1t16-MLC", "Tiny"),
        ("Tiny-mixed_t16-MLC", "Tiny"),
        ("Qwen3-0.6B-GGUF", "Qwen3-0.6B"),
        ("phi-3-mini-4k-instruct", "phi-3-mini-4k-instruct"),
        ("SmolLM2 135M Instruct", "SmolLM2-135M-Instruct"),
        ("模型-Q4_0", "模型"),
        ("model", ""),
        ("ggml-model-q4_0", ""),
        ("../../etc/passwd", "etc-passwd"),
        ("", ""),
    ],
)
def test_what_files_add_to_a_name_is_left_out(text: str, name: str) -> None:
    assert bare_name(text) == name


def test_a_packed_model_is_called_by_its_quantization() -> None:
    assert folder_name("Tiny", "q4_1t16") == "Tiny-q4_1t16-MLC"


@settings(derandomize=True, max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_a_safe_name_is_one_part_of_a_path_and_short(text: str) -> None:
    name = safe_name(text)
    assert not set(name) & set('/\\:*?"<>|\0\n')
    assert len(name.encode()) <= 80
    assert not name.startswith((".", "-", " "))
    assert not name.endswith((".", "-", " "))
    assert safe_name(name) == name
    if name:
        check_name(folder_name(name, "q4_0t16"))
