"""The keys and values of one conversation, as the kernels read and write them."""

from __future__ import annotations

import mmap
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from tether_desktop.model.decoder_shape import DecoderShape

BLOCK = 16
"""Positions that lie together."""

_SPARE_BLOCKS = 8
"""Kernels may read or write this many blocks past the last position; what they find there is masked."""


class KvCache:
    """Room for ``context_window`` positions; memory is taken as they are written.

    Attributes:
        keys: float16[layers, kv_heads, blocks, head_dim, BLOCK].
        values: float16[layers, kv_heads, blocks * BLOCK, head_dim].
    """

    def __init__(self, shape: DecoderShape, context_window: int) -> None:
        self._shape = shape
        blocks = blocks_for(context_window)
        self.keys = SharedArray((shape.layers, shape.kv_heads, blocks, shape.head_dim, BLOCK), np.float16)
        self.values = SharedArray((shape.layers, shape.kv_heads, blocks * BLOCK, shape.head_dim), np.float16)

    @property
    def tensors(self) -> tuple[Any, Any]:
        """What the kernels take."""
        return self.keys.tensor, self.values.tensor

    def copy_prefix(self, other: KvCache, positions: int) -> None:
        """Take over the first ``positions`` of a cache of the same shape, bit for bit.

        The last block of keys is copied whole; what lies in it past ``positions`` is masked, as after a pop.
        """
        blocks = -(-positions // BLOCK)
        self.keys.array[:, :, :blocks] = other.keys.array[:, :, :blocks]
        self.values.array[:, :, :positions] = other.values.array[:, :, :positions]

    def bytes_for(self, positions: int) -> int:
        """Memory that is taken, at most, once so many positions were written; each head of a layer fills its pages."""
        if positions <= 0:
            return 0
        per_head = -(-positions // BLOCK) * BLOCK * self._shape.head_dim * self.keys.array.itemsize
        # A head starts anywhere in a page, so that it may touch one more.
        pages = -(-per_head // mmap.PAGESIZE) + 1
        heads = 2 * self._shape.layers * self._shape.kv_heads
        return min(heads * pages * mmap.PAGESIZE, self.keys.array.nbytes + self.values.array.nbytes)


class SharedArray:
    """An array of zeros on its own pages, and the same memory as a tensor; pages are taken when first written."""

    def __init__(self, shape: tuple[int, ...], dtype: DTypeLike) -> None:
        memory = mmap.mmap(-1, int(np.prod(shape)) * np.dtype(dtype).itemsize)
        if hasattr(mmap, "MADV_NOHUGEPAGE"):
            # The cache of a layer fills from its start; huge pages would take the memory of all of it at once.
            memory.madvise(mmap.MADV_NOHUGEPAGE)
        self.array: NDArray[Any] = np.frombuffer(memory, dtype).reshape(shape)
        self.tensor = to_tensor(self.array)


def blocks_for(context_window: int) -> int:
    """Blocks of positions in a cache for so many tokens, spare ones included."""
    return -(-context_window // BLOCK) + _SPARE_BLOCKS


def to_tensor(array: NDArray[Any]) -> Any:
    """The same memory as a tensor of TVM."""
    import tvm_ffi

    return tvm_ffi.from_dlpack(array)
