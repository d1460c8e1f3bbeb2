"""Writing MLC's weight shards: ``params_shard_*.bin`` and the ``tensor-cache.json`` that lists them.

Tensors are aligned to 64 bytes within a shard, so that they can be used memory-mapped.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable
from math import prod
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from tether_desktop.errors import InstallError

ALIGNMENT = 64
SHARD_BYTES = 256 << 20
INDEX_NAME = "tensor-cache.json"


class ShardWriter:
    """Streams tensors into shards; only one chunk of one tensor is in memory at a time.

    ``with ShardWriter(folder) as writer: writer.add(...)``; a clean end writes the index. Every file is
    flushed to the disk before the writer lets go of it.
    """

    def __init__(self, folder: Path, shard_bytes: int = SHARD_BYTES) -> None:
        self._folder = folder
        self._shard_bytes = shard_bytes
        self._shards: list[_Shard] = []
        self._parameters = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._abandon()
            return
        try:
            if self._shards:
                self._shards[-1].close()
        except OSError as failure:
            raise write_failed(self._folder, failure) from failure
        self._write_index()

    def add(
        self, name: str, shape: tuple[int, ...], dtype: DTypeLike, chunks: Iterable[NDArray[Any]], parameters: int = 0
    ) -> None:
        """Append a tensor.

        Args:
            name: unique in the folder.
            shape: of the whole tensor.
            dtype: of the whole tensor; stored little-endian.
            chunks: its parts along the leading dimension, in order.
            parameters: model parameters that it stands for, which the index sums up.

        Raises:
            InstallError: the disk is full or cannot be written.
        """
        kind = np.dtype(dtype).newbyteorder("<")
        size = prod(shape) * kind.itemsize
        try:
            shard = self._shard_for(size)
            offset = shard.align()
            for chunk in chunks:
                shard.write(np.ascontiguousarray(chunk, kind).data.cast("B"))
        except OSError as error:
            raise write_failed(self._folder, error) from error
        if shard.size - offset != size:
            raise ValueError(f"{name}: {shard.size - offset} bytes were given, {size} are needed")
        self._parameters += parameters
        record = {"name": name, "shape": list(shape), "dtype": kind.name}
        shard.records.append({**record, "format": "raw", "nbytes": size, "byteOffset": offset})

    def _shard_for(self, size: int) -> _Shard:
        """The last shard, or a fresh one when that has no room."""
        if self._shards:
            if self._shards[-1].size + size <= self._shard_bytes:
                return self._shards[-1]
            self._shards[-1].close()
        self._shards.append(_Shard(self._folder / f"params_shard_{len(self._shards)}.bin"))
        return self._shards[-1]

    def _abandon(self) -> None:
        """Let go of the open file; that the disk is full is known already."""
        if self._shards:
            with contextlib.suppress(OSError):
                self._shards[-1].close()

    def _write_index(self) -> None:
        size = sum(shard.size for shard in self._shards)
        metadata = {
            "ParamSize": sum(len(shard.records) for shard in self._shards),
            "ParamBytes": size,
            "BitsPerParam": round(size * 8 / self._parameters, 3) if self._parameters else 0.0,
        }
        records = [shard.index_entry() for shard in self._shards]
        write_json(self._folder / INDEX_NAME, {"metadata": metadata, "records": records})


class _Shard:
    """One shard file being written; its checksum is computed on the way."""

    def __init__(self, path: Path) -> None:
        self.size = 0
        self.records: list[dict[str, Any]] = []
        self._name = path.name
        self._file = path.open("xb")
        self._hash = hashlib.md5(usedforsecurity=False)

    def align(self) -> int:
        """Fill up to a multiple of the alignment; the offset of what comes next."""
        self.write(bytes(-self.size % ALIGNMENT))
        return self.size

    def write(self, data: bytes | memoryview) -> None:
        self._file.write(data)
        self._hash.update(data)
        self.size += len(data)

    def close(self) -> None:
        """Flush to the disk and close."""
        with self._file:
            self._file.flush()
            os.fsync(self._file.fileno())

    def index_entry(self) -> dict[str, Any]:
        entry = {"dataPath": self._name, "format": "raw-shard", "nbytes": self.size, "records": self.records}
        return {**entry, "md5sum": self._hash.hexdigest()}


def write_json(path: Path, value: object) -> None:
    """Write a new JSON file and flush it to the disk."""
    write_file(path, (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode("utf-8", "replace"))


def write_file(path: Path, content: bytes) -> None:
    """Write a new file and flush it to the disk.

    Raises:
        InstallError: the disk is full or cannot be written.
    """
    try:
        with path.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise write_failed(path, error) from error


def write_failed(path: Path, error: OSError) -> InstallError:
    """What to tell a person when a file of a model cannot be written."""
    return InstallError(
        "The model cannot be written",
        f"{path}: {error.strerror or error}.",
        "Free some space, or choose another model folder in the settings.",
    )
