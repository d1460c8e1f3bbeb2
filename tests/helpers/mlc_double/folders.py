"""MLC folders and libraries for the double; a tokenizer, a template, and weights of no meaning."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.helpers.mlc_double.runtime import library_bytes
from tests.helpers.random_chat_model import SPECIAL_TOKENS, chat_tokenizer
from tether_desktop.model.engine import EngineSpec

END = SPECIAL_TOKENS.index("<|im_end|>")


def write_double_model(parent: Path, *, window: int = 1024, stop_str: tuple[str, ...] = (), **fields: Any) -> Path:
    """Write ``parent/Double-q4f16_1-MLC``; ``fields`` are added to or replace its configuration."""
    folder = parent / "Double-q4f16_1-MLC"
    folder.mkdir(parents=True)
    config = {
        "model_type": "llama",
        "quantization": "q4f16_1",
        "context_window_size": window,
        "eos_token_id": END,
        "conv_template": {"name": "chatml", "stop_token_ids": [END], "stop_str": list(stop_str)},
        **fields,
    }
    (folder / "mlc-chat-config.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "params_shard_0.bin").write_bytes(bytes(1000))
    chat_tokenizer().save(str(folder / "tokenizer.json"))
    return folder


def write_double_library(parent: Path, device: str = "vulkan") -> Path:
    """Write a library for a device."""
    path = parent / f"double-{device}.so"
    path.write_bytes(library_bytes(device))
    return path


def double_spec(parent: Path, *, window: int = 1024, device: str = "vulkan", **fields: Any) -> EngineSpec:
    """A model and a library, ready to load."""
    folder = write_double_model(parent, window=window, **fields)
    return EngineSpec("Double", "mlc", folder, write_double_library(parent, device), window)
