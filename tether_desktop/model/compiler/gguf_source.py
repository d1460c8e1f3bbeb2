"""Reading GGUF files strictly: metadata as plain values, tensors as bytes that are read when used.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, versions 2 and 3, little-endian. A model may be
split into several files; the first has the metadata, and each has tensors.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from io import FileIO
from math import prod
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType
from numpy.typing import NDArray

from tether_desktop.model.compiler.architectures.settings import KINDS
from tether_desktop.model.compiler.gguf_header import GgufValue, HeaderCursor, broken

Expected = TypeVar("Expected", bool, int, float, str, list[Any])

SPLIT_NAME = re.compile(r"(?P<model>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf", re.IGNORECASE)
"""Names of the files of a split model, numbered from 1."""

_VERSIONS = (2, 3)
_DEFAULT_ALIGNMENT = 32
_MOST_ALIGNMENT = 1 << 20
_MOST_DIMENSIONS = 4
_MOST_SPLITS = 1000
_MOST_FIELDS, _LEAST_FIELD_BYTES = 10_000, 8 + 4 + 1
_MOST_TENSORS, _LEAST_TENSOR_BYTES = 100_000, 8 + 4 + 8 + 4 + 8


@dataclass(frozen=True, slots=True)
class GgufTensor:
    """A tensor of the file.

    Attributes:
        name: GGUF's name of it, as ``blk.0.attn_q.weight``.
        encoding: how its elements are stored.
        shape: outermost dimension first; a matrix is (rows, columns).
        path: the file it is in.
        offset: of its first byte in the file.
    """

    name: str
    encoding: GGMLQuantizationType
    shape: tuple[int, ...]
    path: Path
    offset: int

    @property
    def row_bytes(self) -> int:
        """Bytes of a row."""
        block, block_bytes = GGML_QUANT_SIZES[self.encoding]
        return int(self.shape[-1] // block * block_bytes)

    @property
    def nbytes(self) -> int:
        """Bytes of all rows."""
        return prod(self.shape[:-1]) * self.row_bytes

    def read(self, rows: slice = slice(None)) -> NDArray[np.uint8]:
        """Some rows as ``uint8[rows, row_bytes]``; a vector is one row.

        Raises:
            ModelBroken: the file cannot be read any more.
        """
        wanted = range(prod(self.shape[:-1]))[rows]
        if not wanted:
            return np.empty((0, self.row_bytes), np.uint8)
        low, high = min(wanted[0], wanted[-1]), max(wanted[0], wanted[-1])
        data = np.empty((high + 1 - low, self.row_bytes), np.uint8)
        try:
            with self.path.open("rb", buffering=0) as file:
                file.seek(self.offset + low * self.row_bytes)
                _fill(file, data.reshape(-1))
        except (OSError, EOFError) as error:
            raise broken(self.path, f"its tensor {self.name!r} cannot be read ({error}).") from error
        return data[:: wanted.step]


class GgufFile:
    """An open GGUF file, with the other files of its model where it is split.

    Attributes:
        path: the file; the first one of a split model.
        fields: metadata by key.
        tensors: tensors by name.
    """

    def __init__(self, path: Path) -> None:
        """Read the header.

        Raises:
            ModelBroken: the file is missing, no GGUF file, truncated or malformed.
        """
        first = _Part(path)
        if first.number != 0:
            path = split_path(path, 0)
            first = _Part(path)
        self.path = path
        self.fields = first.fields
        self.tensors = dict(first.tensors)
        for number in range(1, first.count):
            self._add(_Part(split_path(path, number)), number, first.count)
        total = self.get("split.tensors.count", len(self.tensors))
        if total != len(self.tensors):
            raise broken(path, f"its files have {len(self.tensors)} tensors together, not {total}.")

    def require(self, key: str, kind: type[Expected]) -> Expected:
        """The metadata value of ``key``.

        Raises:
            ModelBroken: it is not there or not of that kind.
        """
        value = self.fields.get(key)
        if kind is float and type(value) is int:
            value = float(value)
        if value is None:
            raise broken(self.path, f"its metadata do not say {key!r}.")
        if type(value) is not kind:
            raise broken(self.path, f"its metadata {key!r} is {KINDS[type(value)]}, not {KINDS[kind]}.")
        return value

    def get(self, key: str, default: Expected) -> Expected:
        """The metadata value of ``key``, or ``default`` when the file does not say.

        Raises:
            ModelBroken: it is not of the default's kind.
        """
        return self.require(key, type(default)) if key in self.fields else default

    def _add(self, part: _Part, number: int, count: int) -> None:
        if (part.number, part.count) != (number, count):
            raise broken(part.path, f"it says it is file {part.number + 1} of {part.count}, not what its name says.")
        if twice := self.tensors.keys() & part.tensors.keys():
            raise broken(part.path, f"its tensor {min(twice)!r} is also in another file of the model.")
        self.tensors |= part.tensors


def split_path(path: Path, number: int) -> Path:
    """The path of file ``number`` (from 0) of the model that ``path`` is a file of.

    Raises:
        ModelBroken: its name is not that of a file of a split model.
    """
    name = SPLIT_NAME.fullmatch(path.name)
    if name is None:
        raise broken(
            path,
            "it is one of several files of a model, and its name does not say which.",
            "Give the files the names they had, as model-00001-of-00002.gguf.",
        )
    return path.with_name(f"{name['model']}-{number + 1:05}-of-{name['count']}.gguf")


class _Part:
    """One GGUF file by itself, and which of the files of a split model it is."""

    def __init__(self, path: Path) -> None:
        self.path = path
        cursor = HeaderCursor(path)
        try:
            self._read(cursor)
        finally:
            cursor.close()

    def _read(self, cursor: HeaderCursor) -> None:
        if cursor.take(4) != b"GGUF":
            raise broken(self.path, "it is not a GGUF file.", "Choose a file in the GGUF format.")
        _check_version(self.path, cursor.scalar("I"))
        tensor_count, field_count = cursor.scalar("Q"), cursor.scalar("Q")
        cursor.check(tensor_count * _LEAST_TENSOR_BYTES + field_count * _LEAST_FIELD_BYTES)
        if tensor_count > _MOST_TENSORS or field_count > _MOST_FIELDS:
            raise broken(self.path, f"it has {tensor_count} tensors and {field_count} metadata, more than any model.")
        self.fields = self._read_fields(cursor, field_count)
        self.number, self.count = self._number("split.no", 0), max(self._number("split.count", 1), 1)
        if self.number >= self.count or self.count > _MOST_SPLITS:
            raise broken(self.path, f"it cannot be file {self.number + 1} of {self.count}.")
        self.tensors = self._read_tensors(cursor, tensor_count)

    def _number(self, key: str, default: int) -> int:
        value = self.fields.get(key, default)
        if type(value) is not int or value < 0:
            raise broken(self.path, f"its metadata {key!r} is {value!r}.")
        return value

    def _read_fields(self, cursor: HeaderCursor, count: int) -> dict[str, GgufValue]:
        fields: dict[str, GgufValue] = {}
        for _ in range(count):
            key = cursor.string()
            if key in fields:
                raise broken(self.path, f"its metadata has {key!r} twice.")
            fields[key] = cursor.value(cursor.scalar("I"))
        return fields

    def _read_tensors(self, cursor: HeaderCursor, count: int) -> dict[str, GgufTensor]:
        entries = [self._read_entry(cursor) for _ in range(count)]
        alignment = self._number("general.alignment", _DEFAULT_ALIGNMENT)
        if not 0 < alignment <= _MOST_ALIGNMENT or alignment & (alignment - 1):
            raise broken(self.path, f"its alignment {alignment} is no power of two.")
        start = -(-cursor.offset // alignment) * alignment
        tensors: dict[str, GgufTensor] = {}
        end = 0
        for entry in sorted(entries, key=lambda entry: entry.offset):
            if entry.name in tensors:
                raise broken(self.path, f"two of its tensors have the same name {entry.name!r}.")
            if entry.offset % alignment or entry.offset < end:
                raise broken(self.path, f"its tensor {entry.name!r} begins where none can.")
            end = entry.offset + entry.nbytes
            if start + end > cursor.file_bytes:
                raise broken(self.path, f"it is truncated: its tensor {entry.name!r} ends at byte {start + end}.")
            tensors[entry.name] = GgufTensor(entry.name, entry.encoding, entry.shape, self.path, start + entry.offset)
        return {entry.name: tensors[entry.name] for entry in entries}

    def _read_entry(self, cursor: HeaderCursor) -> GgufTensor:
        """A tensor whose offset is from the first one, not yet from the begin of the file."""
        name, dimensions = cursor.string(), cursor.scalar("I")
        if not 1 <= dimensions <= _MOST_DIMENSIONS:
            raise broken(self.path, f"its tensor {name!r} has {dimensions} dimensions.")
        shape = tuple(cursor.scalar("Q") for _ in range(dimensions))[::-1]
        type_number, offset = cursor.scalar("I"), cursor.scalar("Q")
        try:
            encoding = GGMLQuantizationType(type_number)
        except ValueError:
            raise broken(
                self.path,
                f"its tensor {name!r} has the unknown type {type_number}.",
                "Choose a file of the same model in a common quantization, as Q4_K_M or Q8_0.",
            ) from None
        if 0 in shape or shape[-1] % GGML_QUANT_SIZES[encoding][0]:
            raise broken(self.path, f"its tensor {name!r} of type {encoding.name} cannot have the shape {shape}.")
        return GgufTensor(name, encoding, shape, self.path, offset)


def _check_version(path: Path, version: int) -> None:
    if version in _VERSIONS:
        return
    if int.from_bytes(version.to_bytes(4, "little"), "big") in _VERSIONS:
        raise broken(path, "it is for big-endian computers.", "Choose a file of the same model for little-endian ones.")
    raise broken(path, f"its GGUF version {version} is not known; 2 and 3 are.", "Choose a newer file of the model.")


def _fill(file: FileIO, target: NDArray[np.uint8]) -> None:
    """Fill the target, in as many reads as it takes."""
    done = 0
    while done < len(target):
        count = file.readinto(target[done:].data)
        if not count:
            raise EOFError("the file has become shorter")
        done += count
