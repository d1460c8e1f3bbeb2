"""Query and key rows in the order that the kernels rotate, from the order in which GGUF has those of llama."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from gguf import GGMLQuantizationType
from numpy.typing import NDArray

from tether_desktop.model.compiler.source import SourceTensor


@dataclass(frozen=True, slots=True)
class RotatedHalves:
    """Query or key rows in the order of rotated halves, from GGUF's order of rotated neighbours.

    Row ``i`` of the first half of a head is GGUF's row ``2*i`` of it, row ``i`` of the second half ``2*i + 1``.

    Attributes:
        stored: the matrix in GGUF's order.
        head_dim: rows of a head.
    """

    stored: SourceTensor
    head_dim: int

    @property
    def name(self) -> str:
        """As the source calls it, for messages."""
        return self.stored.name

    @property
    def encoding(self) -> GGMLQuantizationType:
        """Of its rows."""
        return self.stored.encoding

    @property
    def shape(self) -> tuple[int, ...]:
        """(rows, columns)."""
        return self.stored.shape

    def read(self, rows: slice = slice(None)) -> NDArray[np.uint8]:
        """Some rows; those of their heads are read from the source."""
        wanted = np.arange(self.shape[0])[rows]
        if not len(wanted):
            return self.stored.read(slice(0, 0))
        first_head, last_head = wanted.min() // self.head_dim, wanted.max() // self.head_dim
        start = first_head * self.head_dim
        heads = self.stored.read(slice(int(start), int((last_head + 1) * self.head_dim)))
        in_head = wanted % self.head_dim
        half, row = np.divmod(in_head, self.head_dim // 2)
        return np.asarray(heads[wanted - in_head - start + 2 * row + half])
