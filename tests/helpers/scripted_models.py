"""Scripted model folders: a model that says exactly what a test wants it to say."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tether_desktop.model.engine import EngineSpec

CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)


def write_scripted_model(
    root: Path,
    name: str = "Scripted",
    *,
    replies: Sequence[str | Mapping[str, Any]] = ("Hello there.",),
    load: Sequence[Any] = (),
    prefill: Sequence[Any] = (),
    tokens_per_second: float = 0,
    context_window: int = 2048,
    chat_template: str = CHATML,
) -> Path:
    """Write a model folder that the catalogue lists under ``name``; see model/scripted/script.py for the steps."""
    folder = root / name
    folder.mkdir(parents=True, exist_ok=True)
    script = {"replies": replies, "load": load, "prefill": prefill, "tokens_per_second": tokens_per_second}
    config = {"model_type": "scripted", "quantization": "", "context_window_size": context_window}
    template = {"chat_template": chat_template, "bos_token": "<|im_start|>", "eos_token": "<|im_end|>"}
    _write(folder / "script.json", script)
    _write(folder / "mlc-chat-config.json", config)
    _write(folder / "tokenizer_config.json", template)
    return folder


def scripted_spec(folder: Path, context_window: int = 2048) -> EngineSpec:
    """The spec of a scripted model folder, as the pool would make it."""
    return EngineSpec(folder.name, "scripted", folder, context_window=context_window)


def _write(path: Path, document: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(document, indent=2), encoding="utf-8")
