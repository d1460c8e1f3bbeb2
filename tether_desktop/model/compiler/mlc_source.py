"""Reading the weights of MLC folders: plain ones, and its groups of 32 four-bit levels as GGML's Q4_0 blocks.

Of a group MLC stores the levels 0..14 and a scale, and a weight is ``(level - 7) * scale``. Eight levels are in a
uint32, the first in its lowest bits. In layout NK a matrix of N outputs has ``q_weight uint32[N, K/8]`` and
``q_scale[N, K/32]``, in layout KN both are transposed, except for embeddings. Source: mlc-llm,
``python/mlc_llm/quantization/group_quantization.py``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGMLQuantizationType
from numpy.typing import NDArray

from tether_desktop.model.compiler.mlc_records import ITEM_BYTES, MlcRecord, read_mlc_records
from tether_desktop.model.compiler.source import SourceTensor
from tether_desktop.model.compiler.strict_json import damaged
from tether_desktop.model.compiler.weight_file import StoredTensor, UnreadableTensor

QUANTIZATIONS = {
    **dict.fromkeys(("q0f16", "q0f32", "q0bf16"), "plain"),
    **dict.fromkeys(("q4f16_1", "q4f32_1", "q4bf16_1", "q4f16_2"), "NK"),
    **dict.fromkeys(("q4f16_0", "q4bf16_0"), "KN"),
}
"""Quantizations that can be read, and how their linear layers lie."""

_OTHER_QUANTIZATION = (
    f"Fetch it in one of the quantizations {', '.join(QUANTIZATIONS)}, or as a GGUF file, or as safetensors."
)
_WHOLE = "Fetch the model as it was converted for one device, or as a GGUF file, or as safetensors."
_PIECE = re.compile(r"_shard-\d+$")
_GROUP = 32
_BLOCK_BYTES = 18
_MIDDLE = np.float32(7)
_ENCODINGS = {
    "float32": GGMLQuantizationType.F32,
    "float16": GGMLQuantizationType.F16,
    "bfloat16": GGMLQuantizationType.BF16,
}
_LARGEST_FLOAT16 = 65504.0


@dataclass(frozen=True, slots=True)
class MlcQ4Tensor:
    """A matrix in groups of 32 four-bit levels.

    It is delivered as Q4_0, whose scales are float16. MLC writes them as float16, or as bfloat16, which float16 holds
    exactly from 2**-17 on. Where they are full float32, which MLC's converter does not write, the matrix is delivered
    as F32, so that nothing is rounded unmeasured.
    """

    name: str
    shape: tuple[int, int]
    levels: MlcRecord
    scales: MlcRecord
    transposed: bool

    @property
    def encoding(self) -> GGMLQuantizationType:
        """Q4_0 or F32."""
        return GGMLQuantizationType.F32 if self.scales.dtype == "float32" else GGMLQuantizationType.Q4_0

    def read(self, rows: slice = slice(None)) -> NDArray[np.uint8]:
        """Some rows as ``uint8[rows, bytes per row]``.

        Raises:
            ModelBroken: a level or a scale is none that MLC writes.
        """
        packed = np.ascontiguousarray(self._rows(self.levels, rows))
        levels = packed.view(np.uint8).reshape(len(packed), self.shape[1] // _GROUP, _GROUP // 2)
        if np.any((levels & 0x0F) == 0x0F) or np.any(levels >= 0xF0):
            raise damaged(self.levels.region.path, f"{self.name!r} has levels that MLC does not write")
        scales = self._scales(rows)
        return _q4_0(levels, scales) if self.encoding == GGMLQuantizationType.Q4_0 else _f32(levels, scales)

    def _scales(self, rows: slice) -> NDArray[np.float32]:
        scales = _floats(self._rows(self.scales, rows), self.scales.dtype)
        if not np.all(np.abs(scales) <= _LARGEST_FLOAT16):
            raise damaged(self.scales.region.path, f"{self.name!r} has scales that are no numbers or too large")
        return scales

    def _rows(self, record: MlcRecord, rows: slice) -> NDArray[Any]:
        """Some of the matrix's rows in the stored type, bfloat16 as uint16."""
        dtype = np.dtype(f"<u{ITEM_BYTES[record.dtype]}")
        row_bytes = record.shape[1] * dtype.itemsize
        if self.transposed:
            # Only the pages that hold these columns are read of the mapped whole.
            return record.region.matrix(slice(None), row_bytes).view(dtype)[:, rows].T
        return record.region.matrix(rows, row_bytes).view(dtype)


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
        stored = self.tensor.read(rows).view(f"<u{ITEM_BYTES[dtype]}")
        return (_floats(stored, dtype) + np.float32(self.offset)).astype("<f4").view(np.uint8)


def read_mlc_weights(folder: Path, quantization: str) -> dict[str, SourceTensor]:
    """The weights of a folder by MLC's names; ``q_weight`` and ``q_scale`` become one tensor ``weight``.

    Raises:
        ModelBroken: a file is missing or of the wrong size, the index is damaged, or the quantization cannot be read.
    """
    if quantization not in QUANTIZATIONS:
        raise damaged(folder, f"its quantization {quantization[:40]!r} cannot be used", _OTHER_QUANTIZATION)
    records = read_mlc_records(folder)
    if any(_PIECE.search(name) for name in records):
        raise damaged(folder, "its weights are cut into pieces for several devices", _WHOLE)
    return dict(_tensors(folder, records, QUANTIZATIONS[quantization]))


def plus(tensor: SourceTensor, offset: float) -> SourceTensor:
    """A plain vector with a number added to each element, as float32; other tensors as they are."""
    return ShiftedVector(tensor, offset) if tensor.encoding in _ENCODINGS.values() else tensor


def _floats(stored: NDArray[Any], dtype: str) -> NDArray[np.float32]:
    stored = np.ascontiguousarray(stored)
    if dtype == "bfloat16":
        return (stored.astype(np.uint32) << 16).view(np.float32)
    return stored.view("<f2" if dtype == "float16" else "<f4").astype(np.float32)


def _q4_0(levels: NDArray[np.uint8], scales: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Blocks of groups ``uint8[rows, groups, 16]``: Q4_0 counts from 8 and has columns j and j + 16 in byte j."""
    blocks = np.empty((*scales.shape, _BLOCK_BYTES), np.uint8)
    blocks[..., :2] = scales.astype("<f2")[..., np.newaxis].view(np.uint8)
    # No level is 15, so that adding one to both halves of a byte carries nothing over.
    first, second = levels[..., :8] + np.uint8(0x11), levels[..., 8:] + np.uint8(0x11)
    blocks[..., 2::2] = (first & 0x0F) | (second << 4)
    blocks[..., 3::2] = (first >> 4) | (second & 0xF0)
    return blocks.reshape(len(blocks), scales.shape[1] * _BLOCK_BYTES)


def _f32(levels: NDArray[np.uint8], scales: NDArray[np.float32]) -> NDArray[np.uint8]:
    columns = np.stack([levels & 0x0F, levels >> 4], axis=-1).reshape(*scales.shape, _GROUP).astype(np.float32)
    weights = (columns - _MIDDLE) * scales[..., np.newaxis]
    return weights.astype("<f4").reshape(len(weights), scales.shape[1] * _GROUP).view(np.uint8)


def _tensors(folder: Path, records: dict[str, MlcRecord], layout: str) -> Iterable[tuple[str, SourceTensor]]:
    for name, record in records.items():
        stem, _, kind = name.rpartition(".")
        if kind == "q_weight":
            if f"{stem}.weight" in records:
                raise damaged(folder, f"it holds {stem!r} both quantized and not")
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
