"""One model folder in MLC's layout: its configuration and its weight files, read without opening the weights."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

from tether_desktop.errors import ModelBroken
from tether_desktop.model.decoder_shape import DecoderShape, Params, shape_of
from tether_desktop.model.engine import EngineKind

CONFIG_NAME = "mlc-chat-config.json"
INDEX_NAMES = ("tensor-cache.json", "ndarray-cache.json")
"""The index of the weights; the second is its name in folders made before 2025."""

LONG_ROPE = "rope.long_inv_freq"
"""The one tensor of a packed model that its decoder's shape does not tell of."""

_TILES = "t16"
"""How the quantizations of packed weights end, and none of MLC's does."""

_BLOCK = 1 << 20
_LARGEST_JSON = 2 << 20
"""What is read while looking for models; as objects it takes twenty times as much memory."""

_LONGEST_NAME = 200
_LARGEST_NUMBER = 1 << 53
_LARGEST_WINDOW = 1 << 24
_LARGEST_CHUNK = 1 << 16
_BLOCK_OF_PROMPT = 16
_WORD = re.compile(r"[A-Za-z0-9][\w.+-]{0,99}", re.ASCII)
_ITEM_BYTES = {"uint8": 1, "int32": 4, "float32": 4}
_ALIGNMENT = 64
_ADD_AGAIN = "Add the model again, or remove its folder."


@dataclass(frozen=True, slots=True)
class ChatConfig:
    """What ``mlc-chat-config.json`` says that we need.

    Attributes:
        kind: which engine it is meant for; "mlc" where the weights are as MLC-LLM stores them.
        context_window: tokens, 0 where it does not say.
        shape: of the decoder, where the weights are packed for our engine.
        prefill_chunk: prompt tokens that its library reads at once, where the weights are packed for our engine.
        long_rope: whether its positions have a long form besides.
        sizes: the numbers of its ``model_config``, by which shapes in MLC's libraries are named.
        packed_from: of a prepared copy: what it was made from.
    """

    kind: EngineKind
    model_type: str
    quantization: str
    context_window: int
    shape: DecoderShape | None = None
    prefill_chunk: int = 0
    long_rope: bool = False
    sizes: Mapping[str, int] = field(default_factory=dict)
    packed_from: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Shard:
    """A weight file: where it is, how long it must be, and its MD5 (empty when the index has none)."""

    path: Path
    size: int
    md5: str
    records: list[dict[str, Any]]


def read_config(folder: Path) -> ChatConfig:
    """The configuration of a model folder.

    Raises:
        ModelBroken: it is missing, unreadable, lacks a value or describes what cannot be.
    """
    fields = read_json(folder / CONFIG_NAME)
    try:
        model_type = _word(fields["model_type"])
        if model_type == "scripted":
            return ChatConfig("scripted", model_type, "", _window(fields["context_window_size"]))
        quantization = _word(fields["quantization"])
        if "decoder" in fields:
            return _packed_config(fields, model_type, quantization)
        if quantization.endswith(_TILES):
            raise broken("It was packed by an older version of Tether.")
        return ChatConfig("mlc", model_type, quantization, _mlc_window(fields), sizes=_sizes(fields))
    except KeyError as error:
        raise broken(f"{CONFIG_NAME} does not say {error.args[0]}.") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise broken(f"{CONFIG_NAME} has a value of the wrong kind{_details(error)}.") from error


def is_packed(path: Path) -> bool:
    """Whether a path is a folder that was packed for our engine."""
    try:
        return path.is_dir() and read_config(path).shape is not None
    except ModelBroken:
        return False


def was_packed(path: Path) -> bool:
    """Whether a path is a folder that was packed for our engine, even if it is broken now, or of an older format."""
    try:
        config = read_json(path / CONFIG_NAME)
        return "decoder" in config or str(config.get("quantization", "")).endswith("t16")
    except ModelBroken:
        return False


def _packed_config(fields: dict[str, Any], model_type: str, quantization: str) -> ChatConfig:
    if not 0 < fields["rope"]["scale"] < _LARGEST_NUMBER:
        raise ValueError("positions that cannot be computed with")
    return ChatConfig(
        kind="tvm",
        model_type=model_type,
        quantization=quantization,
        context_window=_window(fields["context_window_size"]),
        shape=shape_of(fields),
        prefill_chunk=_chunk(fields["prefill_chunk_size"]),
        long_rope=_count(fields["rope"]["original_context"]) > 0,
        packed_from=dict(fields.get("packed_from", {})),
    )


def _mlc_window(fields: dict[str, Any]) -> int:
    """The context window of an MLC folder; one with a sliding window says -1, and means that one."""
    windows = (fields.get("context_window_size", -1), fields.get("sliding_window_size", -1))
    return next((window for window in windows if type(window) is int and 0 < window < _LARGEST_NUMBER), 0)


def _sizes(fields: dict[str, Any]) -> dict[str, int]:
    document = {**fields, **fields["model_config"]}
    return {str(name): value for name, value in document.items() if type(value) is int}


def read_shards(folder: Path) -> list[Shard]:
    """The weight files that the index lists, whether they are there or not.

    Raises:
        ModelBroken: the index is missing or not understood.
    """
    index = next((folder / name for name in INDEX_NAMES if (folder / name).exists()), None)
    if index is None:
        raise broken(f"{INDEX_NAMES[0]} is missing.")
    document = read_json(index)
    try:
        shards = [
            Shard(
                folder / plain_name(entry["dataPath"]),
                _count(entry["nbytes"]),
                str(entry.get("md5sum", "")),
                list(entry["records"]),
            )
            for entry in document["records"]
        ]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise broken(f"{index.name} is not a list of weight files{_details(error)}.") from error
    if len({shard.path for shard in shards}) != len(shards):
        raise broken(f"{index.name} lists a weight file twice.")
    return shards


def tensors_of(shards: list[Shard]) -> Params:
    """Shape and dtype of every tensor in the weight files.

    Raises:
        ModelBroken: the index is not understood, or lists a tensor twice.
    """
    try:
        listed = [
            (str(record["name"]), tuple(_count(size) for size in record["shape"]), str(record["dtype"]))
            for shard in shards
            for record in shard.records
        ]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise broken(f"The index of the weights is not a list of tensors{_details(error)}.") from error
    tensors = {name: (shape, dtype) for name, shape, dtype in listed}
    if len(tensors) != len(listed):
        raise broken("The index of the weights lists a tensor twice.")
    return tensors


def check_tensors(config: ChatConfig, shards: list[Shard]) -> None:
    """Compare the tensors in the index of a packed model with those that its decoder has.

    Raises:
        ModelBroken: one is missing, is not needed, has another shape or type, or lies outside of its file.
    """
    if config.shape is None:
        return
    found, expected = tensors_of(shards), config.shape.stored_tensors()
    if config.long_rope:
        expected[LONG_ROPE] = expected["rope.inv_freq"]
    for name, tensor in expected.items():
        if name not in found:
            raise broken(f"Its weights lack {name}.")
        if found[name] != tensor:
            raise broken(f"{name} is {_tensor_text(*found[name])}; {_tensor_text(*tensor)} is expected.")
    for name in found.keys() - expected.keys():
        raise broken(f"Its weights have {name[:_LONGEST_NAME]}, which its decoder has not.")
    _check_places(shards, expected)


def _check_places(shards: list[Shard], tensors: Params) -> None:
    """Make sure that each tensor has the bytes of its shape within its file, and that files hold little else."""
    used = 0
    for shard in shards:
        for record in shard.records:
            shape, dtype = tensors[record["name"]]
            size = prod(shape) * _ITEM_BYTES[dtype]
            used += size
            offset = record.get("byteOffset")
            if record.get("nbytes") != size or type(offset) is not int or not 0 <= offset <= shard.size - size:
                raise broken(f"{record['name']} does not lie within {shard.path.name}.")
    spare = sum(shard.size for shard in shards) - used
    if not 0 <= spare < _ALIGNMENT * (len(tensors) + len(shards)):
        raise broken("Its weight files have another size than its tensors.")


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


def read_json(path: Path, largest: int = _LARGEST_JSON) -> dict[str, Any]:
    """The JSON object in a file of a model.

    Raises:
        ModelBroken: it is missing, cannot be read or is something else.
    """
    try:
        if not path.is_file():
            raise broken(f"{path.name} is missing.")
        if path.stat().st_size > largest:
            raise broken(f"{path.name} is larger than {largest >> 20} MB.")
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise broken(f"{path.name} cannot be read: {error.strerror}.") from error
    except RecursionError:
        raise broken(f"{path.name} is nested too deeply.") from None
    except ValueError as error:
        raise broken(f"{path.name} is not JSON: {error}.") from error
    if not isinstance(document, dict):
        raise broken(f"{path.name} is not a JSON object.")
    return document


def broken(reason: str, remedy: str = _ADD_AGAIN) -> ModelBroken:
    """The error of a folder that cannot be used for that reason."""
    return ModelBroken("The model cannot be used", reason, remedy)


def plain_name(name: object) -> str:
    """A file name that cannot lead out of the folder, on any system.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(name, str) or name in {"", ".", ".."} or any(letter in name for letter in "/\\:\0"):
        raise ValueError(f"{name!r} is not the name of a file in the folder")
    name.encode()  # raises a ValueError for what is no text
    return name


def _details(error: Exception) -> str:
    """What an error of ours says; Python's own speak of its types, which nobody needs to know."""
    return f": {error}" if isinstance(error, ValueError) else ""


def _word(value: object) -> str:
    """A name that may become part of the names of files and folders."""
    if not isinstance(value, str) or not _WORD.fullmatch(value):
        raise ValueError(f"{ascii(value)[:_LONGEST_NAME]} is no name")
    return value


def _window(value: object) -> int:
    if _count(value) == 0:
        raise ValueError("a context window of no tokens")
    if _count(value) > _LARGEST_WINDOW:
        raise ValueError(f"a context window of {value} tokens")
    return _count(value)


def _chunk(value: object) -> int:
    if not 0 < _count(value) <= _LARGEST_CHUNK or _count(value) % _BLOCK_OF_PROMPT:
        raise ValueError(f"prompts that are read {value} tokens at once")
    return _count(value)


def _count(value: object) -> int:
    if type(value) is not int or not 0 <= value < _LARGEST_NUMBER:
        raise ValueError(f"{str(value)[:_LONGEST_NAME]!r} is no size")
    return value


def _tensor_text(shape: tuple[int, ...], dtype: str) -> str:
    return f"{dtype[:_LONGEST_NAME]}[{', '.join(map(str, shape))}]"
