"""Reading the weights of MLC folders: plain ones, and its groups of 32 four-bit levels as GGML's Q4_0 blocks.

Of a group MLC stores the levels 0..14 and a scale, and a weight is ``(level - 7) * scale``. Eight levels are in a
uint32, the first in its lowest bits. In layout NK a matrix of N outputs has ``q_weight uint32[N, K/8]`` and
``q_scale[N, K/32]``, in layout KN both are transposed, except for embeddings. Source: mlc-llm,
``python/mlc_llm/quantization/group_quantization.py``, and TVM's ``tvmjs.dump_tensor_cache`` for the files.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGMLQuantizationType
from numpy.typing import NDArray

from tether_desktop.errors import ModelBroken
from tether_desktop.model.compiler.source import SourceTensor
from tether_desktop.model.compiler.strict_json import damaged
from tether_desktop.model.compiler.weight_file import FileRegion, StoredTensor, UnreadableTensor, file_in
from tether_desktop.model.model_folder import Shard, check_sizes, read_shards

QUANTIZATIONS = {
    **dict.fromkeys(("q0f16", "q0f32", "q0bf16"), "plain"),
    **dict.fromkeys(("q4f16_1", "q4f32_1", "q4bf16_1", "q4f16_2"), "NK"),
    **dict.fromkeys(("q4f16_0", "q4bf16_0"), "KN"),
}
"""Quantizations that can be read, and how their linear layers lie."""

_GROUP = 32
_BLOCK_BYTES = 18
_ENCODINGS = {
    "float32": GGMLQuantizationType.F32,
    "float16": GGMLQuantizationType.F16,
    "bfloat16": GGMLQuantizationType.BF16,
}
_ITEM_BYTES = {"float32": 4, "float16": 2, "bfloat16": 2, "uint32": 4}
_MAX_DIMENSIONS = 8
_LARGEST_FLOAT16 = 65504.0


@dataclass(frozen=True, slots=True)
class MlcRecord:
    """A tensor of the index; ``dtype`` is how it is stored, so bfloat16 for float32 in the format f32-to-bf16."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    region: FileRegion


@dataclass(frozen=True, slots=True)
class MlcQ4Tensor:
    """A matrix in groups of 32 four-bit levels, delivered as Q4_0.

    Scales become float16, as Q4_0 has them. MLC writes them as float16 or bfloat16, which is exact (below 2**-17 it
    rounds); raw float32 is rounded by at most one part in 2048, see :meth:`rounding`.
    """

    name: str
    shape: tuple[int, int]
    levels: MlcRecord
    scales: MlcRecord
    transposed: bool

    @property
    def encoding(self) -> GGMLQuantizationType:
        """Q4_0."""
        return GGMLQuantizationType.Q4_0

    def read(self, rows: slice = slice(None)) -> NDArray[np.uint8]:
        """Some rows as ``uint8[rows, bytes per row]``.

        Raises:
            ModelBroken: a level or a scale is none that MLC writes.
        """
        groups = self.shape[1] // _GROUP
        levels = self._rows(self.levels, rows).view(np.uint8).reshape(-1, groups, _GROUP // 2)
        if np.any((levels & 0x0F) == 0x0F) or np.any(levels >= 0xF0):
            raise damaged(self.levels.region.path, f"{self.name!r} has levels that MLC does not write")
        blocks = np.empty((len(levels), groups, _BLOCK_BYTES), np.uint8)
        blocks[..., :2] = self._scales(rows).astype("<f2")[..., np.newaxis].view(np.uint8)
        first, second = levels[..., :8] + np.uint8(0x11), levels[..., 8:] + np.uint8(0x11)
        blocks[..., 2::2] = (first & 0x0F) | (second << 4)
        blocks[..., 3::2] = (first >> 4) | (second & 0xF0)
        return blocks.reshape(len(levels), -1)

    def rounding(self, rows: slice = slice(None)) -> float:
        """The largest change of a scale by rounding it to float16, as a part of the largest scale of these rows."""
        scales = self._scales(rows)
        largest = float(np.abs(scales).max(initial=0.0))
        change = np.abs(scales.astype(np.float16).astype(np.float32) - scales)
        return float(change.max(initial=0.0)) / largest if largest else 0.0

    def _scales(self, rows: slice) -> NDArray[np.float32]:
        stored = self._rows(self.scales, rows)
        scales = _floats(stored, self.scales.dtype)
        if not np.all(np.abs(scales) <= _LARGEST_FLOAT16):
            raise damaged(self.scales.region.path, f"{self.name!r} has scales that are no numbers or too large")
        return scales

    def _rows(self, record: MlcRecord, rows: slice) -> NDArray[Any]:
        """Some of the matrix's rows, contiguous, in the stored type (bfloat16 as uint16)."""
        dtype = np.dtype(f"<u{_ITEM_BYTES[record.dtype]}")
        if not self.transposed:
            return record.region.matrix(rows, record.shape[1] * dtype.itemsize).view(dtype)
        whole = record.region.matrix(slice(None), record.shape[1] * dtype.itemsize)
        return np.ascontiguousarray(whole.view(dtype)[:, rows].T)


@dataclass(frozen=True, slots=True)
class ShiftedVector:
    """A plain vector with a number added to each element, as float32."""

    tensor: SourceTensor
    offset: float

    @property
    def name(self) -> str:
        """That of the stored vector."""
        return self.tensor.name

    @property
    def encoding(self) -> GGMLQuantizationType:
        """F32."""
        return GGMLQuantizationType.F32

    @property
    def shape(self) -> tuple[int, ...]:
        """(columns,)."""
        return self.tensor.shape

    def read(self, rows: slice = slice(None)) -> NDArray[np.uint8]:
        """The vector as one row ``uint8[1, bytes]``."""
        dtype = next(name for name, encoding in _ENCODINGS.items() if encoding == self.tensor.encoding)
        stored = self.tensor.read(rows).view(f"<u{_ITEM_BYTES[dtype]}")
        return (_floats(stored, dtype) + np.float32(self.offset)).astype("<f4").view(np.uint8)


def read_mlc_weights(folder: Path, quantization: str) -> dict[str, SourceTensor]:
    """The weights of a folder by MLC's names; ``q_weight`` and ``q_scale`` become one tensor ``weight``.

    Raises:
        ModelBroken: a file is missing or of the wrong size, the index is damaged, or the quantization cannot be read.
    """
    if quantization not in QUANTIZATIONS:
        raise damaged(folder, f"its quantization {quantization[:40]!r} cannot be used", _OTHER_QUANTIZATION)
    try:
        shards = read_shards(folder)
    except (OverflowError, RecursionError) as error:
        raise damaged(folder, f"its list of weights is damaged ({error})") from error
    for shard in shards:
        file_in(folder, shard.path.name)
    check_sizes(shards)
    records: dict[str, MlcRecord] = {}
    for shard in shards:
        for record in _read_records(shard):
            if record.name in records:
                raise damaged(folder, f"its list of weights has {record.name!r} twice")
            records[record.name] = record
    return dict(_tensors(folder, records, QUANTIZATIONS[quantization]))


_OTHER_QUANTIZATION = (
    f"Fetch it in one of the quantizations {', '.join(QUANTIZATIONS)}, or as a GGUF file, or as safetensors."
)


def plus(tensor: SourceTensor, offset: float) -> SourceTensor:
    """A plain vector with a number added to each element, as float32; other tensors as they are."""
    return ShiftedVector(tensor, offset) if tensor.encoding in _ENCODINGS.values() else tensor


def _floats(stored: NDArray[Any], dtype: str) -> NDArray[np.float32]:
    if dtype == "bfloat16":
        return (stored.astype(np.uint32) << 16).view(np.float32)
    return stored.view("<f2" if dtype == "float16" else "<f4").astype(np.float32)


def _tensors(folder: Path, records: dict[str, MlcRecord], layout: str) -> Iterable[tuple[str, SourceTensor]]:
    for name, record in records.items():
        stem, _, kind = name.rpartition(".")
        if kind == "q_weight":
            yield f"{stem}.weight", _quantized(folder, stem, record, records.get(f"{stem}.q_scale"), layout)
        elif kind == "q_scale" and f"{stem}.q_weight" in records:
            continue
        elif record.dtype in _ENCODINGS and record.region.size:
            yield name, StoredTensor(name, _ENCODINGS[record.dtype], record.shape or (1,), record.region)
        else:
            yield name, UnreadableTensor(name, record.shape, record.region.path, f"has the type {record.dtype[:20]}")


def _quantized(folder: Path, stem: str, levels: MlcRecord, scales: MlcRecord | None, layout: str) -> MlcQ4Tensor:
    if scales is None or levels.dtype != "uint32" or scales.dtype not in _ENCODINGS:
        raise damaged(folder, f"{stem!r} has no scales, or is of other types than MLC writes")
    if layout == "plain" or len(levels.shape) != 2 or len(scales.shape) != 2 or not levels.region.size:
        raise damaged(folder, f"{stem!r} is not quantized as the configuration says")
    # Embeddings are looked up by rows and are never transposed.
    transposed = layout == "KN" and not stem.endswith(("embed_tokens", "embd"))
    rows, eighths = reversed(levels.shape) if transposed else levels.shape
    expected = (eighths * 8 // _GROUP, rows) if transposed else (rows, eighths * 8 // _GROUP)
    if eighths * 8 % _GROUP or scales.shape != expected:
        raise damaged(folder, f"{stem!r} has scales of the shape {scales.shape} for levels of {levels.shape}")
    return MlcQ4Tensor(f"{stem}.weight", (rows, eighths * 8), levels, scales, transposed)


def _read_records(shard: Shard) -> list[MlcRecord]:
    if not isinstance(shard.records, list):
        raise damaged(shard.path, "its tensors are not listed as they should be")
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
        raise damaged(shard.path, f"a tensor is not described as it should be ({error})") from error
    try:
        _check_kinds(name, dtype, shape, (offset, size))
    except ValueError as error:
        raise _damaged_record(shard, name, str(error)) from error
    if form not in {"raw", "f32-to-bf16"}:
        raise _damaged_record(shard, name, f"has the unknown format {str(form)[:20]!r}")
    stored = "bfloat16" if form == "f32-to-bf16" and dtype == "float32" else dtype
    if stored in _ITEM_BYTES and prod(shape) * _ITEM_BYTES[stored] != size:
        raise _damaged_record(shard, name, f"has {size:,} bytes, which does not fit {dtype} of the shape {shape}")
    return MlcRecord(name, stored, tuple(shape), FileRegion(shard.path, offset, size))


def _check_kinds(name: object, dtype: object, shape: object, numbers: tuple[object, ...]) -> None:
    if not isinstance(name, str) or not isinstance(dtype, str):
        raise ValueError("has no usable name or type")  # noqa: TRY004 - a value of the file, not of the caller
    if not isinstance(shape, list) or len(shape) > _MAX_DIMENSIONS:
        raise ValueError("has no usable shape")
    if not all(type(number) is int and 0 <= number < 1 << 63 for number in (*shape, *numbers)):
        raise ValueError("has a size or place that cannot be")


def _damaged_record(shard: Shard, name: object, reason: str) -> ModelBroken:
    return damaged(shard.path, f"its tensor {str(name)[:100]!r} {reason}")
