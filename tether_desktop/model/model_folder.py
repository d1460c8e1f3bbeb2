"""One model folder in MLC's layout: its configuration and its weight files, read without opening the weights."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tether_desktop.errors import ModelBroken
from tether_desktop.model.engine import EngineKind
from tether_desktop.model.library import ModelShape, parse_params

CONFIG_NAME = "mlc-chat-config.json"
INDEX_NAMES = ("tensor-cache.json", "ndarray-cache.json")
"""The index of the weights; the second is its name in folders made before 2025."""

_MODEL_FILES = (CONFIG_NAME, *INDEX_NAMES)
_SOURCE_SUFFIXES = (".safetensors", ".gguf")
_BLOCK = 1 << 20
_ADD_AGAIN = "Add the model again, or remove its folder."


@dataclass(frozen=True, slots=True)
class ChatConfig:
    """What ``mlc-chat-config.json`` says that we need; ``dimensions`` is its ``model_config``."""

    kind: EngineKind
    model_type: str
    quantization: str
    context_window: int
    dimensions: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Shard:
    """A weight file: where it is, how long it must be, and its MD5 (empty when the index has none)."""

    path: Path
    size: int
    md5: str
    records: list[dict[str, Any]]


def looks_like_model(names: list[str]) -> bool:
    """Whether a folder with files of these names is meant to be a model."""
    return any(
        name in _MODEL_FILES or name.startswith("params_shard_") or name.endswith(_SOURCE_SUFFIXES) for name in names
    )


def read_config(folder: Path) -> ChatConfig:
    """The configuration of a model folder.

    Raises:
        ModelBroken: it is missing, unreadable or lacks a value.
    """
    if not (folder / CONFIG_NAME).exists():
        raise _without_config(folder)
    fields = read_json(folder / CONFIG_NAME)
    try:
        scripted = fields["model_type"] == "scripted"
        return ChatConfig(
            kind="scripted" if scripted else "tvm",
            model_type=str(fields["model_type"]),
            quantization=str(fields.get("quantization", "") if scripted else fields["quantization"]),
            context_window=int(fields["context_window_size"]),
            dimensions={} if scripted else {"vocab_size": fields["vocab_size"], **fields["model_config"]},
        )
    except KeyError as error:
        raise broken(f"{CONFIG_NAME} does not say {error.args[0]}.") from error
    except (TypeError, ValueError) as error:
        raise broken(f"{CONFIG_NAME} has a value of the wrong kind: {error}.") from error


def read_shards(folder: Path) -> list[Shard]:
    """The weight files that the index lists, whether they are there or not.

    Raises:
        ModelBroken: the index is missing or not understood.
    """
    index = next((folder / name for name in INDEX_NAMES if (folder / name).exists()), None)
    if index is None:
        raise broken(f"{INDEX_NAMES[0]} is missing.")
    try:
        return [
            Shard(
                folder / _plain_name(entry["dataPath"]), int(entry["nbytes"]), entry.get("md5sum", ""), entry["records"]
            )
            for entry in read_json(index)["records"]
        ]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise broken(f"{index.name} is not a list of weight files ({error}).") from error


def check_present(path: Path) -> None:
    """Make sure that a file is there and not empty.

    Raises:
        ModelBroken: it is not.
    """
    if not path.is_file() or path.stat().st_size == 0:
        raise broken(f"{path.name} is missing or empty.")


def check_sizes(shards: list[Shard]) -> None:
    """Compare each weight file with the size in the index.

    Raises:
        ModelBroken: one is missing, truncated or too long.
    """
    for shard in shards:
        try:
            actual = shard.path.stat().st_size
        except FileNotFoundError as error:
            raise broken(f"{shard.path.name} is missing.") from error
        except OSError as error:
            raise broken(f"{shard.path.name} cannot be read: {error.strerror}.") from error
        if actual != shard.size:
            raise broken(f"{shard.path.name} has {actual:,} bytes; {shard.size:,} are expected.")


def check_md5(shards: list[Shard], on_progress: Callable[[float], None]) -> None:
    """Compare each weight file with its checksum in the index; ``on_progress`` gets fractions 0..1.

    Raises:
        ModelBroken: one differs or cannot be read.
    """
    total = sum(shard.size for shard in shards)
    done = 0
    for shard in shards:
        digest = hashlib.md5(usedforsecurity=False)
        try:
            with shard.path.open("rb") as file:
                while block := file.read(_BLOCK):
                    digest.update(block)
                    done += len(block)
                    on_progress(done / total)
        except OSError as error:
            raise broken(f"{shard.path.name} cannot be read: {error.strerror}.") from error
        if shard.md5 and digest.hexdigest() != shard.md5:
            raise broken(f"{shard.path.name} is damaged: its MD5 is {digest.hexdigest()}; {shard.md5} is expected.")


def model_shape(config: ChatConfig, shards: list[Shard]) -> ModelShape:
    """What a library must have in common with the model.

    Raises:
        ModelBroken: the configuration or the index lacks a value.
    """
    try:
        return ModelShape(
            model_type=config.model_type,
            quantization=config.quantization,
            vocab_size=int(config.dimensions["vocab_size"]),
            hidden_size=int(config.dimensions["hidden_size"]),
            num_layers=int(config.dimensions["num_hidden_layers"]),
            heads=int(config.dimensions["num_attention_heads"]),
            kv_heads=int(config.dimensions["num_key_value_heads"]),
            head_dim=int(config.dimensions["head_dim"]),
            norm_eps=float(config.dimensions["rms_norm_eps"]),
            params=parse_params(record for shard in shards for record in shard.records),
        )
    except KeyError as error:
        raise broken(f"Neither {CONFIG_NAME} nor the index of the weights says {error.args[0]}.") from error
    except (TypeError, ValueError) as error:
        raise broken(f"{CONFIG_NAME} or the index of the weights has a value of the wrong kind: {error}.") from error


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file of a model.

    Raises:
        ModelBroken: it cannot be read or is something else.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise broken(f"{path.name} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise broken(f"{path.name} is not JSON: {error}.") from error
    if not isinstance(document, dict):
        raise broken(f"{path.name} is not a JSON object.")
    return document


def broken(reason: str, remedy: str = _ADD_AGAIN) -> ModelBroken:
    """The error of a folder that cannot be used for that reason."""
    return ModelBroken("The model cannot be used", reason, remedy)


def _without_config(folder: Path) -> ModelBroken:
    if any(path.suffix in _SOURCE_SUFFIXES for path in folder.iterdir()):
        return broken("It holds source weights, which are not compiled yet.", "Compile the model, then use the result.")
    return broken(f"{CONFIG_NAME} is missing.")


def _plain_name(name: str) -> str:
    """A file name that cannot lead out of the folder."""
    if Path(name).name != name or name in {"", ".", ".."}:
        raise ValueError(f"{name!r} is not the name of a file in the folder")
    return name
