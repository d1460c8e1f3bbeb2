"""Configurations of checkpoints, all as ``transformers`` writes config.json of a text model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tether_desktop.model.compiler.strict_json import damaged, read_object
from tether_desktop.model.compiler.weight_file import file_in
from tether_desktop.model.discovery.model_folder import CONFIG_NAME

_UNQUANTIZED = "Fetch the model with float16, bfloat16 or float32 weights, or as a GGUF file."


def read_hf_config(folder: Path) -> dict[str, Any]:
    """config.json of a Hugging Face folder, of the text model where it has several.

    Raises:
        ModelBroken: it is missing, damaged, or says that the weights are quantized.
    """
    if not (folder / "config.json").exists() and (folder / "adapter_config.json").exists():
        raise damaged(folder, "it is an adapter and no model", "Merge it into its model first, then add the result.")
    config = read_object(file_in(folder, "config.json"))
    if quantization := config.get("quantization_config"):
        method = quantization.get("quant_method") if isinstance(quantization, dict) else quantization
        raise damaged(folder, f"its weights are quantized by {str(method)[:40]}, which cannot be used", _UNQUANTIZED)
    return _checked(folder, _of_text_model(folder, config))


def read_mlc_config(folder: Path) -> tuple[dict[str, Any], str]:
    """The model's configuration in mlc-chat-config.json, and the name of the quantization.

    Raises:
        ModelBroken: it is missing or damaged.
    """
    chat = read_object(file_in(folder, CONFIG_NAME))
    model, quantization = chat.get("model_config"), chat.get("quantization")
    if not isinstance(model, dict) or not isinstance(quantization, str):
        raise damaged(folder, f"{CONFIG_NAME} does not say model_config and quantization")
    config = _of_text_model(
        folder, {"vocab_size": chat.get("vocab_size"), **model, "model_type": chat.get("model_type")}
    )
    return _checked(folder, _by_hf_names(config, chat)), quantization


def _of_text_model(folder: Path, config: dict[str, Any]) -> dict[str, Any]:
    """The configuration with ``text_config``, and what MLC leaves in its ``kwargs``, brought to the top."""
    text = config.get("text_config") or {}
    if not isinstance(text, dict):
        raise damaged(folder, "the text_config of its configuration is no JSON object")
    leftover = text.get("kwargs", {})
    nested = ("text_config", "vision_config", "audio_config", "kwargs")
    merged = {
        **config,
        **(leftover if isinstance(leftover, dict) else {}),
        **{key: value for key, value in text.items() if value is not None},
    }
    return {key: value for key, value in merged.items() if key not in nested}


def _by_hf_names(config: dict[str, Any], chat: dict[str, Any]) -> dict[str, Any]:
    """MLC's names of fields as those of config.json."""
    theta = config.pop("position_embedding_base", None) or config.get("rope_theta")
    window = _positive(config.pop("sliding_window_size", None))
    contexts = (config.get("max_position_embeddings"), config.pop("context_window_size", None))
    # A model with a sliding window may come without a context window: then what it sees is what is certain.
    context = next(filter(_positive, (*contexts, chat.get("context_window_size"), window)), None)
    renamed = {
        **config,
        "max_position_embeddings": context,
        "rope_theta": theta,
        "rope_scaling": _rope_scaling(config.get("rope_scaling")),
        "original_max_position_embeddings": _positive(config.get("original_max_position_embeddings")),
        "sliding_window": window,
    }
    return {key: value for key, value in renamed.items() if value is not None}


def _rope_scaling(scaling: object) -> object:
    """MLC writes 0 where there is none, and copies context windows into it, also where they are not known."""
    if not isinstance(scaling, dict):
        return scaling or None
    scaling = {key: value for key, value in scaling.items() if key != "max_position_embeddings"}
    if not scaling.get("original_max_position_embeddings"):
        scaling.pop("original_max_position_embeddings", None)
    return scaling


def _positive(value: object) -> int | None:
    return value if type(value) is int and value > 0 else None


def _checked(folder: Path, config: dict[str, Any]) -> dict[str, Any]:
    """The configuration, once it says what kind of model it is of."""
    if not isinstance(config.get("model_type"), str):
        raise damaged(folder, "its configuration does not say model_type")
    return config
