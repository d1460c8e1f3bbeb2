"""Memory-mapped weights: the tensors of a model folder as arrays, without reading them."""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tether_desktop.errors import ModelBroken
from tether_desktop.model.discovery.model_folder import Shard, check_sizes, read_shards

_ALIGNMENT = 64
_DTYPES = frozenset({"uint8", "int8", "int32", "uint32", "float16", "float32"})


def open_weights(model_dir: Path) -> dict[str, NDArray[Any]]:
    """Every tensor by name, mapped copy-on-write: pages are read when used and shared with the page cache.

    Each array starts on a 64-byte boundary.

    Raises:
        ModelBroken: the index or a shard is missing, or one has another size than the index says.
    """
    shards = read_shards(model_dir)
    check_sizes(shards)
    try:
        return {name: array for shard in shards for name, array in _open_shard(shard)}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _broken(f"its index cannot be understood ({type(error).__name__}: {error}).") from error


def _open_shard(shard: Shard) -> list[tuple[str, NDArray[Any]]]:
    data = np.memmap(shard.path, dtype=np.uint8, mode="c")
    return [(str(record["name"]), _tensor(shard.path, data, record)) for record in shard.records]


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
