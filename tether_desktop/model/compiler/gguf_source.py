"""Reading GGUF files strictly: metadata as plain values, tensors as memory-mapped bytes.

The file may come from anywhere, so every length is checked against what is left of the file before it is
used. Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, versions 2 and 3, little-endian.
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType
from numpy.typing import NDArray

from tether_desktop.errors import ModelBroken

GgufValue = bool | int | float | str | list[Any]
Expected = TypeVar("Expected", bool, int, float, str, list[Any])

_SCALARS = dict(zip((0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12), "BbHhIif?Qqd", strict=True))
_STRING, _ARRAY = 8, 9
_DEFAULT_ALIGNMENT = 32
_MAX_DIMENSIONS = 4


@dataclass(frozen=True, slots=True)
class GgufTensor:
    """A tensor of the file.

    Attributes:
        name: GGUF's name of it, as ``blk.0.attn_q.weight``.
        type: how its elements are stored.
        shape: outermost dimension first; a matrix is (rows, columns).
        data: its bytes, ``uint8[rows, bytes_per_row]``, read from the file when used.
    """

    name: str
    type: GGMLQuantizationType
    shape: tuple[int, ...]
    data: NDArray[np.uint8]


class GgufFile:
    """An open GGUF file.

    Attributes:
        path: the file.
        fields: metadata by key.
        tensors: tensors by name.
    """

    def __init__(self, path: Path) -> None:
        """Read the header.

        Raises:
            ModelBroken: the file is missing, no GGUF file, truncated or malformed.
        """
        self.path = path
        cursor = _Cursor(path)
        if cursor.take(4) != b"GGUF":
            raise _broken(path, "it is not a GGUF file.")
        version = cursor.scalar("I")
        if version not in (2, 3):
            raise _broken(path, f"its GGUF version {version} is not known; 2 and 3 are.")
        tensor_count, field_count = cursor.scalar("Q"), cursor.scalar("Q")
        self.fields = self._read_fields(cursor, field_count)
        self.tensors = self._read_tensors(cursor, tensor_count)

    def require(self, key: str, kind: type[Expected]) -> Expected:
        """The metadata value of ``key``.

        Raises:
            ModelBroken: it is not there or not of that kind.
        """
        value = self.fields.get(key)
        if kind is float and type(value) is int:
            value = float(value)
        if type(value) is not kind:
            raise _broken(self.path, f"its metadata {key!r} is {type(value).__name__}, not {kind.__name__}.")
        return value

    def get(self, key: str, default: Expected) -> Expected:
        """The metadata value of ``key``, or ``default`` when the file does not say.

        Raises:
            ModelBroken: it is not of the default's kind.
        """
        return self.require(key, type(default)) if key in self.fields else default

    def _read_fields(self, cursor: _Cursor, count: int) -> dict[str, GgufValue]:
        fields: dict[str, GgufValue] = {}
        for _ in range(count):
            key = cursor.string()
            if key in fields:
                raise _broken(self.path, f"its metadata has {key!r} twice.")
            fields[key] = cursor.value(cursor.scalar("I"))
        return fields

    def _read_tensors(self, cursor: _Cursor, count: int) -> dict[str, GgufTensor]:
        entries = [self._read_tensor_entry(cursor) for _ in range(count)]
        alignment = self.get("general.alignment", _DEFAULT_ALIGNMENT)
        if alignment <= 0 or alignment & (alignment - 1):
            raise _broken(self.path, f"its alignment {alignment} is no power of two.")
        start = -(-cursor.offset // alignment) * alignment
        tensors = {entry[0]: self._map(cursor, start, *entry) for entry in entries}
        if len(tensors) != count:
            raise _broken(self.path, "two of its tensors have the same name.")
        return tensors

    def _read_tensor_entry(self, cursor: _Cursor) -> tuple[str, tuple[int, ...], int, int]:
        name, dimensions = cursor.string(), cursor.scalar("I")
        if not 1 <= dimensions <= _MAX_DIMENSIONS:
            raise _broken(self.path, f"its tensor {name!r} has {dimensions} dimensions.")
        shape = tuple(cursor.scalar("Q") for _ in range(dimensions))[::-1]
        return name, shape, cursor.scalar("I"), cursor.scalar("Q")

    def _map(
        self, cursor: _Cursor, start: int, name: str, shape: tuple[int, ...], type_number: int, offset: int
    ) -> GgufTensor:
        try:
            kind = GGMLQuantizationType(type_number)
        except ValueError:
            raise _broken(self.path, f"its tensor {name!r} has the unknown type {type_number}.") from None
        block, block_bytes = GGML_QUANT_SIZES[kind]
        if 0 in shape or shape[-1] % block:
            raise _broken(self.path, f"its tensor {name!r} of type {kind.name} cannot have the shape {shape}.")
        rows, row_bytes = prod(shape[:-1]), shape[-1] // block * block_bytes
        data = cursor.bytes_at(start + offset, rows * row_bytes)
        return GgufTensor(name, kind, shape, data.reshape(rows, row_bytes))


class _Cursor:
    """Bounds-checked reading of little-endian values from a memory-mapped file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.offset = 0
        try:
            with path.open("rb") as file:
                self._bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            raise _broken(path, f"it cannot be opened ({error}).") from error

    def take(self, count: int) -> bytes:
        self._check(self.offset, count)
        self.offset += count
        return self._bytes[self.offset - count : self.offset]

    def scalar(self, code: str) -> Any:
        layout = struct.Struct("<" + code)
        return layout.unpack(self.take(layout.size))[0]

    def string(self) -> str:
        try:
            return self.take(self.scalar("Q")).decode()
        except UnicodeDecodeError:
            raise _broken(self.path, f"the text at byte {self.offset} is not UTF-8.") from None

    def value(self, kind: int) -> GgufValue:
        if kind == _STRING:
            return self.string()
        if kind == _ARRAY:
            return self._array(self.scalar("I"), self.scalar("Q"))
        if kind not in _SCALARS:
            raise _broken(self.path, f"the value at byte {self.offset} has the unknown type {kind}.")
        result: GgufValue = self.scalar(_SCALARS[kind])
        return result

    def bytes_at(self, offset: int, count: int) -> NDArray[np.uint8]:
        self._check(offset, count)
        return np.frombuffer(self._bytes, np.uint8, count, offset)

    def _array(self, kind: int, count: int) -> list[Any]:
        if kind == _STRING:
            return [self.string() for _ in range(count)]
        if kind not in _SCALARS:
            raise _broken(self.path, f"the list at byte {self.offset} has elements of the type {kind}.")
        size = struct.calcsize("<" + _SCALARS[kind])
        self._check(self.offset, size * count)
        return list(struct.unpack(f"<{count}{_SCALARS[kind]}", self.take(size * count)))

    def _check(self, offset: int, count: int) -> None:
        if offset + count > len(self._bytes):
            raise _broken(
                self.path,
                f"it is truncated: it has {len(self._bytes)} bytes, and the next {count} start at {offset}.",
            )


def _broken(path: Path, reason: str) -> ModelBroken:
    return ModelBroken("The model file cannot be read", f"{path.name}: {reason}", "Fetch the file again.")
