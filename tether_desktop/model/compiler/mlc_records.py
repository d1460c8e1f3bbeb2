"""The tensors that the index of an MLC folder lists: ``tensor-cache.json``, formerly ``ndarray-cache.json``.

Source: TVM's ``tvm.contrib.tvmjs.dump_tensor_cache``, by which MLC's converter writes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import prod
from pathlib import Path
from typing import Any

from tether_desktop.errors import ModelBroken
from tether_desktop.model.compiler.strict_json import MAX_BYTES, damaged
from tether_desktop.model.compiler.weight_file import LONGEST_NAME, MAX_DIMENSIONS, FileRegion, file_in
from tether_desktop.model.discovery.model_folder import INDEX_NAMES, Shard, check_sizes, read_shards

ITEM_BYTES = {"float32": 4, "float16": 2, "bfloat16": 2, "uint32": 4}
"""Size of a number of the types that can be used."""


@dataclass(frozen=True, slots=True)
class MlcRecord:
    """A tensor of the index; ``dtype`` is how it is stored, so bfloat16 for float32 in the format f32-to-bf16."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    region: FileRegion


def read_mlc_records(folder: Path) -> dict[str, MlcRecord]:
    """The tensors of a folder by MLC's names.

    Raises:
        ModelBroken: a file is missing or of the wrong size, or the index is damaged.
    """
    for name in INDEX_NAMES:
        if (folder / name).exists() and file_in(folder, name).stat().st_size > MAX_BYTES:
            raise damaged(folder, f"its list of weights has over {MAX_BYTES:,} bytes")
    shards = read_shards(folder)
    for shard in shards:
        file_in(folder, shard.path.name)
    check_sizes(shards)
    records: dict[str, MlcRecord] = {}
    for shard in shards:
        for record in _read_records(shard):
            if record.name in records:
                raise damaged(folder, f"its list of weights has {record.name!r} twice")
            records[record.name] = record
    return records


def _read_records(shard: Shard) -> list[MlcRecord]:
    records = sorted((_read_record(shard, entry) for entry in shard.records), key=lambda record: record.region.offset)
    regions = [record.region for record in records]
    if any(before.offset + before.size > after.offset for before, after in pairwise(regions)):
        raise damaged(shard.path, "its tensors overlap")
    if regions and regions[-1].offset + regions[-1].size > shard.size:
        raise damaged(shard.path, "a tensor reaches beyond its end")
    return records


def _read_record(shard: Shard, entry: Any) -> MlcRecord:
    try:
        name, dtype, shape, form = entry["name"], entry["dtype"], entry["shape"], entry["format"]
        offset, size = entry["byteOffset"], entry["nbytes"]
    except (TypeError, KeyError) as error:
        raise damaged(shard.path, "a tensor is not described as it should be") from error
    try:
        _check_kinds(name, dtype, shape, (offset, size))
    except ValueError as error:
        raise _damaged_record(shard, name, str(error)) from error
    if not isinstance(form, str) or form not in {"raw", "f32-to-bf16"}:
        raise _damaged_record(shard, name, f"has the unknown format {str(form)[:20]!r}")
    stored = "bfloat16" if form == "f32-to-bf16" and dtype == "float32" else dtype
    if stored in ITEM_BYTES and prod(shape) * ITEM_BYTES[stored] != size:
        raise _damaged_record(shard, name, f"has {size:,} bytes, which does not fit {dtype} of the shape {shape}")
    return MlcRecord(name, stored, tuple(shape), FileRegion(shard.path, offset, size))


def _check_kinds(name: object, dtype: object, shape: object, numbers: tuple[object, ...]) -> None:
    if not isinstance(name, str) or not isinstance(dtype, str) or len(name) > LONGEST_NAME:
        raise ValueError("has no usable name or type")
    if not isinstance(shape, list) or len(shape) > MAX_DIMENSIONS:
        raise ValueError("has no usable shape")
    if not all(type(number) is int and 0 <= number < 1 << 63 for number in (*shape, *numbers)):
        raise ValueError("has a size or place that cannot be")


def _damaged_record(shard: Shard, name: object, reason: str) -> ModelBroken:
    return damaged(shard.path, f"its tensor {str(name)[:100]!r} {reason}")
