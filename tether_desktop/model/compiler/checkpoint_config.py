"""Configurations of checkpoints, all as ``transformers`` 4 writes config.json of a text model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tether_desktop.model.compiler.strict_json import damaged, read_object
from tether_desktop.model.compiler.weight_file import file_in
from tether_desktop.model.model_folder import CONFIG_NAME

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
    config = _of_text_model(folder, config)
    _flatten_rope_parameters(config)
    return _checked(folder, config)


def read_mlc_config(folder: Path) -> tuple[dict[str, Any], str]:
    """The model's configuration in mlc-chat-config.json, and the name of the quantization.

    Raises:
        ModelBroken: it is missing, damaged, or the weights are divided among several devices.
    """
    chat = read_object(file_in(folder, CONFIG_NAME))
    model, quantization = chat.get("model_config"), chat.get("quantization")
    if not isinstance(model, dict) or not isinstance(quantization, str):
        raise damaged(folder, f"{CONFIG_NAME} does not say model_config and quantization")
    if max(_shards(chat), _shards(model)) > 1:
        raise damaged(
            folder,
            "its weights are divided among several devices",
            "Fetch or convert the model with tensor_parallel_shards = 1.",
        )
    config = _of_text_model(
        folder, {"vocab_size": chat.get("vocab_size"), **model, "model_type": chat.get("model_type")}
    )
    return _checked(folder, _by_hf_names(config, chat)), quantization


def _of_text_model(folder: Path, config: dict[str, Any]) -> dict[str, Any]:
    """The configuration with ``text_config``, and what MLC leaves in its ``kwargs``, brought to the top."""
    text = config.get("text_config", {})
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


def _flatten_rope_parameters(config: dict[str, Any]) -> None:
    """What ``transformers`` 5 writes as ``rope_parameters``, one or one for each type of layer, as 4 does."""
    parameters = config.pop("rope_parameters", None)
    if not isinstance(parameters, dict):
        return
    local = parameters.get("sliding_attention")
    everywhere = parameters.get("full_attention", parameters)
    if isinstance(local, dict) and "rope_theta" in local:
        config.setdefault("rope_local_base_freq", local["rope_theta"])
    if not isinstance(everywhere, dict):
        return
    scaling = {key: value for key, value in everywhere.items() if key not in {"rope_theta", "partial_rotary_factor"}}
    for key in everywhere.keys() - scaling.keys():
        config.setdefault(key, everywhere[key])
    if scaling.get("rope_type", "default") != "default":
        config.setdefault("rope_scaling", scaling)


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
        "rope_scaling": config.get("rope_scaling") or None,
        "sliding_window": window,
    }
    return {key: value for key, value in renamed.items() if value is not None}


def _positive(value: object) -> int | None:
    return value if type(value) is int and value > 0 else None


def _checked(folder: Path, config: dict[str, Any]) -> dict[str, Any]:
    """The configuration, once it says what kind of model it is of."""
    if not isinstance(config.get("model_type"), str):
        raise damaged(folder, "its configuration does not say model_type")
    return config


def _shards(config: dict[str, Any]) -> int:
    shards = config.get("tensor_parallel_shards", 1)
    return shards if type(shards) is int else 1
