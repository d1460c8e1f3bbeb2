"""A model folder in MLC's layout, made from a GGUF file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from math import prod
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from tether_desktop.errors import ModelBroken
from tether_desktop.model.compiler.gguf_source import GgufFile
from tether_desktop.model.compiler.llama import LlamaSource
from tether_desktop.model.compiler.packed_model import PackedTensor
from tether_desktop.model.compiler.shards import ShardWriter, write_file, write_json
from tether_desktop.model.compiler.source import TokenizerSource
from tether_desktop.model.compiler.tokenizer_files import open_tokenizer

PREFILL_CHUNK = 64
OnProgress = Callable[[float], None]


def pack_gguf(source: Path, folder: Path, *, system_message: str = "", on_progress: OnProgress) -> None:
    """Write weights, tokenizer and configuration of a GGUF model into an empty folder.

    Args:
        source: the GGUF file.
        folder: exists and is empty.
        system_message: the one its chat template takes when a conversation has none.
        on_progress: gets fractions 0..1.

    Raises:
        ModelBroken: the file is damaged or of a kind we do not run.
        InstallError: the folder cannot be written.
    """
    file = GgufFile(source)
    model, tokenizer = _open_model(file), open_tokenizer(source)
    for name, content in tokenizer.files().items():
        write_file(folder / name, content)
    _write_weights(folder, list(model.tensors()), on_progress)
    write_json(folder / "mlc-chat-config.json", _chat_config(model, tokenizer, system_message))


def _open_model(file: GgufFile) -> LlamaSource:
    architecture = file.require("general.architecture", str)
    if architecture != LlamaSource.model_type:
        raise ModelBroken(
            "The model cannot be packed",
            f"{file.path.name}: its architecture {architecture!r} is not supported; {LlamaSource.model_type!r} is.",
            "Choose another model.",
        )
    return LlamaSource(file)


def _write_weights(folder: Path, tensors: list[PackedTensor], on_progress: OnProgress) -> None:
    total = sum(prod(tensor.shape) * tensor.dtype.itemsize for tensor in tensors)
    done = 0

    def counted(chunks: Iterator[NDArray[Any]]) -> Iterator[NDArray[Any]]:
        nonlocal done
        for chunk in chunks:
            yield chunk
            done += chunk.nbytes
            on_progress(min(done / total, 1.0))

    with ShardWriter(folder) as writer:
        for tensor in tensors:
            writer.add(tensor.name, tensor.shape, tensor.dtype, counted(tensor.chunks()), tensor.parameters)


def _chat_config(model: LlamaSource, tokenizer: TokenizerSource, system_message: str) -> dict[str, Any]:
    eos = tokenizer.eos_token_ids
    return {
        "model_type": model.model_type,
        "quantization": model.quantization,
        "model_config": asdict(model.config),
        "vocab_size": model.config.vocab_size,
        "context_window_size": model.config.context_window_size,
        "sliding_window_size": -1,
        "prefill_chunk_size": PREFILL_CHUNK,
        "attention_sink_size": -1,
        "tensor_parallel_shards": 1,
        "conv_template": _chatml(system_message, eos) if system_message else tokenizer.conv_template,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": eos,
    }


def _chatml(system_message: str, eos: list[int]) -> dict[str, Any]:
    """MLC's conversation template of that name."""
    return {
        "name": "chatml",
        "system_template": "<|im_start|>system\n{system_message}<|im_end|>\n",
        "system_message": system_message,
        "add_role_after_system_message": True,
        "roles": {"user": "<|im_start|>user", "assistant": "<|im_start|>assistant"},
        "role_templates": {
            "user": "{user_message}",
            "assistant": "{assistant_message}",
            "tool": "{tool_message}",
        },
        "messages": [],
        "seps": ["<|im_end|>\n"],
        "role_content_sep": "\n",
        "role_empty_sep": "\n",
        "stop_str": ["<|im_end|>"],
        "stop_token_ids": eos,
    }
