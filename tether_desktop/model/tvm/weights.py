"""Memory-mapped weights: the tensors of a model folder as arrays, without reading them."""

from __future__ import annotations

import json
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tether_desktop.errors import ModelBroken

INDEX_NAMES = ("tensor-cache.json", "ndarray-cache.json")
"""The index of the shards; the second is its name in folders made before 2025."""

_ALIGNMENT = 64
_DTYPES = frozenset({"uint8", "int8", "uint32", "float16", "float32"})


def open_weights(model_dir: Path) -> dict[str, NDArray[Any]]:
    """Every tensor by name, mapped copy-on-write: pages are read when used and shared with the page cache.

    Each array starts on a 64-byte boundary.

    Raises:
        ModelBroken: the index or a shard is missing, or one has another size than the index says.
    """
    index = _find_index(model_dir)
    try:
        shards = json.loads(index.read_text(encoding="utf-8"))["records"]
        return {name: array for shard in shards for name, array in _open_shard(model_dir, shard)}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _broken(f"{index.name} cannot be understood ({type(error).__name__}: {error}).") from error


def _find_index(model_dir: Path) -> Path:
    for name in INDEX_NAMES:
        if (model_dir / name).is_file():
            return model_dir / name
    raise _broken(f"{model_dir.name} has no {INDEX_NAMES[0]}.")


def _open_shard(model_dir: Path, shard: dict[str, Any]) -> list[tuple[str, NDArray[Any]]]:
    path = model_dir / _plain_name(shard["dataPath"])
    _check_size(path, int(shard["nbytes"]))
    data = np.memmap(path, dtype=np.uint8, mode="c")
    return [(str(record["name"]), _tensor(path, data, record)) for record in shard["records"]]


def _plain_name(name: object) -> str:
    """A file name that cannot lead out of the model folder."""
    if not isinstance(name, str) or Path(name).name != name or name in {"", ".", ".."}:
        raise _broken(f"the index names {name!r}, which is not a file of the model folder.")
    return name


def _check_size(path: Path, expected: int) -> None:
    if not path.is_file():
        raise _broken(f"{path.name} is missing.")
    actual = path.stat().st_size
    if actual != expected or expected < 1:
        raise _broken(f"{path.name} has {actual:,} bytes, {expected:,} are expected.")


def _tensor(path: Path, data: NDArray[np.uint8], record: dict[str, Any]) -> NDArray[Any]:
    name, shape, offset = record["name"], tuple(record["shape"]), record["byteOffset"]
    if record["dtype"] not in _DTYPES or record["format"] != "raw":
        raise _broken(f"{name} is {record['dtype']} ({record['format']}), which this engine does not run.")
    dtype = np.dtype(record["dtype"])
    size = prod(shape) * dtype.itemsize
    if size != record["nbytes"] or not 0 <= offset <= len(data) - size or min(shape, default=1) < 0:
        raise _broken(f"{name} does not lie within {path.name}.")
    if offset % _ALIGNMENT:
        raise _broken(f"{name} starts at byte {offset} of {path.name}, which is no multiple of {_ALIGNMENT}.")
    array: NDArray[Any] = np.asarray(data[offset : offset + size]).view(dtype).reshape(shape)
    return array


def _broken(reason: str) -> ModelBroken:
    return ModelBroken("The model's weights are damaged", reason, "Verify the model, or add it again.")
