"""The files of a model folder that say how its prompts are written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

CHATML_TOKENS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")


def write_prompt_files(
    folder: Path,
    *,
    chat_template: object = None,
    special: tuple[str, ...] = CHATML_TOKENS,
    conv_template: dict[str, Any] | None = None,
    **tokenizer_config: Any,
) -> Path:
    """Write tokenizer.json, tokenizer_config.json and mlc-chat-config.json; token ids count from 0."""
    folder.mkdir(parents=True, exist_ok=True)
    added = [{"id": number, "content": text, "special": True} for number, text in enumerate(special)]
    tokenizer = {"version": "1.0", "added_tokens": added, "model": {"vocab": {"a": 100}}}
    config = tokenizer_config if chat_template is None else {"chat_template": chat_template, **tokenizer_config}
    _write(folder / "tokenizer.json", tokenizer)
    _write(folder / "tokenizer_config.json", config)
    _write(folder / "mlc-chat-config.json", {"conv_template": conv_template or {}})
    return folder


def _write(path: Path, document: dict[str, Any]) -> None:
    path.write_text(json.dumps(document), encoding="utf-8")
