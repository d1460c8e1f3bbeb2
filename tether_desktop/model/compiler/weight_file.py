"""Weights in files: which file of a folder may be opened, and its bytes by rows.

A file is mapped anew for each read, so that neither open files nor resident memory grow with the model.
"""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType
from numpy.typing import NDArray

from tether_desktop.model.compiler.source import SourceTensor
from tether_desktop.model.compiler.strict_json import damaged
from tether_desktop.model.discovery.model_folder import plain_name

MAX_DIMENSIONS = 8
LONGEST_NAME = 400
"""Tensors of more dimensions or with longer names are not believed."""


@dataclass(frozen=True, slots=True)
class FileRegion:
    """Some bytes of a file."""

    path: Path
    offset: int
    size: int

    def part(self, offset: int, size: int) -> NDArray[np.uint8]:
        """Bytes of the region, mapped from the file.

        Raises:
            ModelBroken: the file is gone, or has become shorter.
        """
        begin = self.offset + offset
        start = begin - begin % mmap.ALLOCATIONGRANULARITY
        try:
            with self.path.open("rb") as file:
                content = mmap.mmap(file.fileno(), begin - start + size, offset=start, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            raise damaged(self.path, f"it cannot be read ({error})") from error
        return np.frombuffer(content, np.uint8, size, begin - start)

    def matrix(self, rows: slice, row_bytes: int) -> NDArray[np.uint8]:
        """Rows of the region as ``uint8[rows, row_bytes]``."""
        start, stop, _ = rows.indices(self.size // row_bytes)
        if stop <= start:
            return np.empty((0, row_bytes), np.uint8)
        return self.part(start * row_bytes, (stop - start) * row_bytes).reshape(-1, row_bytes)


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """A tensor that lies in a file as it is delivered."""

    name: str
    encoding: GGMLQuantizationType
    shape: tuple[int, ...]
    region: FileRegion

    def read(self, rows: slice = slice(None)) -> NDArray[np.uint8]:
        """Some rows as ``uint8[rows, bytes per row]``; a vector is one row."""
        return self.region.matrix(rows, self.region.size // prod(self.shape[:-1]))


@dataclass(frozen=True, slots=True)
class UnreadableTensor:
    """A tensor that cannot be delivered; whoever asks for it is told why."""

    name: str
    shape: tuple[int, ...]
    path: Path
    reason: str

    @property
    def encoding(self) -> GGMLQuantizationType:
        """There is none.

        Raises:
            ModelBroken: always.
        """
        raise damaged(self.path, f"its tensor {self.name!r} {self.reason}", "Use the model in another form.")

    def read(self, rows: slice = slice(None)) -> NDArray[np.uint8]:  # noqa: ARG002 - the signature of all tensors
        """Nothing.

        Raises:
            ModelBroken: always.
        """
        raise damaged(self.path, f"its tensor {self.name!r} {self.reason}", "Use the model in another form.")


@dataclass(frozen=True, slots=True)
class RowsOfTensor:
    """Some rows of a matrix, or some elements of a vector, as a tensor of its own."""

    name: str
    tensor: SourceTensor
    start: int
    stop: int

    @property
    def encoding(self) -> GGMLQuantizationType:
        """That of the whole."""
        return self.tensor.encoding

    @property
    def shape(self) -> tuple[int, ...]:
        """(rows, columns), or (columns,) for a vector."""
        return (self.stop - self.start, *self.tensor.shape[1:])

    def read(self, rows: slice = slice(None)) -> NDArray[np.uint8]:
        """Some rows as ``uint8[rows, bytes per row]``; a vector is one row."""
        if len(self.shape) == 1:
            item = GGML_QUANT_SIZES[self.encoding][1]
            return self.tensor.read()[rows, self.start * item : self.stop * item]
        first, last, _ = rows.indices(self.stop - self.start)
        return self.tensor.read(slice(self.start + first, self.start + last))


def file_in(folder: Path, name: str) -> Path:
    """The file of that name in a folder of weights.

    A link may lead out of the folder only where a hub's cache keeps the content: from ``snapshots/<revision>`` to
    anywhere below the parent of ``snapshots``.

    Raises:
        ModelBroken: the name or a link leads elsewhere, or there is no such file.
    """
    try:
        path = folder / plain_name(name)
    except ValueError as error:
        raise damaged(folder, str(error)[:200]) from error
    try:
        target, root = path.resolve(), _root_of(folder.resolve())
        if not target.is_relative_to(root):
            raise damaged(folder, f"{name} leads out of the folder", "Copy the file itself into the folder.")
        if not target.is_file():
            raise damaged(folder, f"{name} is missing")
    except (OSError, RuntimeError) as error:
        raise damaged(folder, f"{name} cannot be opened ({error})") from error
    return path


def _root_of(folder: Path) -> Path:
    return folder.parent.parent if folder.parent.name == "snapshots" else folder
