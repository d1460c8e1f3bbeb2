"""A decoder that runs: compiled functions, memory-mapped weights, and the KV cache they write."""

from __future__ import annotations

import mmap
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from tether_desktop.errors import LibraryMismatch
from tether_desktop.model.tvm.runtime import CompiledLibrary, Runtime
from tether_desktop.model.tvm.threads import ThreadGovernor
from tether_desktop.model.tvm.weights import open_weights

_PREFILL_BLOCK = 16
_SPARE_BLOCKS = 8
"""Kernels may read or write this many blocks past the last position; what they find there is masked."""

_PREFILL_CALL_SECONDS = 0.15
"""About how long a prefill call may last, so that cancelling is answered soon."""

_TOUCH_BYTES = 16 << 20
_PAGE_BYTES = 4096

_SPLIT_POSITIONS = ((1024, 8), (256, 4), (32, 2))
"""From these positions on, attention is split into so many parts. It depends on nothing else, so that a
reply does not depend on the number of threads."""


class Decoder:
    """Reads tokens into its KV cache and gives the logits of what follows.

    Attributes:
        context_window: positions it has room for.
        memory_bytes: of weights and KV cache.
        governors: what chooses the threads of "decode" and "prefill".
    """

    def __init__(self, runtime: Runtime, model_dir: Path, library: Path, context_window: int) -> None:
        """Map the weights and set up an empty cache; nothing is read yet.

        Raises:
            ModelBroken: the weights are damaged.
            LibraryMismatch: the library is for another model or processor.
        """
        self._library = CompiledLibrary(library)
        self._tensors = open_weights(model_dir)
        self._weights = self._weight_arguments()
        self.context_window = context_window
        self.governors = {name: ThreadGovernor(runtime) for name in ("decode", "prefill")}
        self._chunk = self._library.metadata.prefill_chunk_size
        self._blocks = self._chunk // _PREFILL_BLOCK
        self._set_up_cache()
        shape = self._library.metadata.shape
        self._ids = _Shared((self._chunk,), np.int32)
        self._hidden = _Shared((self._chunk, shape.hidden_size), np.float32)
        self._logits = _Shared((self._padded_vocab(),), np.float32)

    @property
    def logits(self) -> NDArray[np.float32]:
        """float32[vocab, padded]: what the last call left; overwritten by the next."""
        return self._logits.array

    @property
    def isa(self) -> str:
        """The instruction set of its library."""
        return self._library.metadata.isa

    def use_threads(self, count: int) -> None:
        """Compute on this many threads from now on, whatever is faster."""
        for governor in self.governors.values():
            governor.pin(count)

    def touch_weights(self) -> Iterator[float]:
        """Bring the weights into memory piece by piece; yields the fraction that is there."""
        total = sum(tensor.nbytes for tensor in self._tensors.values())
        done = 0
        for tensor in self._tensors.values():
            flat = tensor.reshape(-1).view(np.uint8)
            for start in range(0, flat.size, _TOUCH_BYTES):
                piece = flat[start : start + _TOUCH_BYTES]
                piece[::_PAGE_BYTES].max()
                done += piece.size
                yield done / total

    def warm_up(self) -> None:
        """Start the threads and run each function once, so that the first prompt need not."""
        for _ in self.prefill([0] * _PREFILL_BLOCK, 0):
            pass
        self.decode(0, _PREFILL_BLOCK)

    def prefill(self, tokens: Sequence[int], position: int) -> Iterator[int]:
        """Read ``tokens`` from ``position`` on; yields how many are read. Logits are set at the end."""
        done = 0
        while done < len(tokens):
            count = min(self._blocks * _PREFILL_BLOCK, len(tokens) - done)
            self._prefill_call(tokens[done : done + count], position + done)
            done += count
            if done == len(tokens):
                self._library.head(self._hidden.tensor, count - 1, *self._weights, self._logits.tensor)
            yield done

    def decode(self, token: int, position: int) -> None:
        """Read one token and set the logits."""
        splits = next((splits for start, splits in _SPLIT_POSITIONS if position >= start), 1)
        with self.governors["decode"].measured():
            self._library.decode(token, position, splits, *self._cache, *self._weights, self._logits.tensor)

    def _prefill_call(self, tokens: Sequence[int], position: int) -> None:
        blocks = -(-len(tokens) // _PREFILL_BLOCK)
        self._ids.array[: len(tokens)] = tokens
        self._ids.array[len(tokens) : blocks * _PREFILL_BLOCK] = 0
        started = time.perf_counter()
        with self.governors["prefill"].measured(blocks):
            self._library.prefill(self._ids.tensor, blocks, position, *self._cache, *self._weights, self._hidden.tensor)
        per_block = (time.perf_counter() - started) / blocks
        self._blocks = max(1, min(self._chunk // _PREFILL_BLOCK, int(_PREFILL_CALL_SECONDS / per_block)))

    def _weight_arguments(self) -> list[Any]:
        """The tensors the functions take, in their order."""
        expected = self._library.metadata.shape.params
        actual = {name: (tensor.shape, tensor.dtype.name) for name, tensor in self._tensors.items()}
        if {param.name: (param.shape, param.dtype) for param in expected} != actual:
            raise LibraryMismatch(
                "The library does not fit the model",
                "Its tensors have other names or shapes than the model's.",
                "Compile the model again.",
            )
        return [_to_tensor(self._tensors[name]) for name in self._library.metadata.arguments]

    def _set_up_cache(self) -> None:
        shape = self._library.metadata.shape
        blocks = -(-self.context_window // _PREFILL_BLOCK) + _SPARE_BLOCKS
        positions = blocks * _PREFILL_BLOCK
        angles = np.arange(positions)[:, None] * self._tensors["rope.inv_freq"].astype(np.float64)
        keys = _Shared((shape.num_layers, shape.kv_heads, blocks, shape.head_dim, _PREFILL_BLOCK), np.float16)
        values = _Shared((shape.num_layers, shape.kv_heads, positions, shape.head_dim), np.float16)
        tables = [_Shared(angles.shape, np.float32) for _ in range(2)]
        for table, function in zip(tables, (np.cos, np.sin), strict=True):
            table.array[:] = function(angles)
        self._cache = [shared.tensor for shared in (keys, values, *tables)]
        weights = sum(tensor.nbytes for tensor in self._tensors.values())
        self.memory_bytes = weights + keys.array.nbytes + values.array.nbytes

    def _padded_vocab(self) -> int:
        return int(self._tensors["embed.tiles"].shape[0]) * 16


class _Shared:
    """An array of zeros on its own pages, and the same memory as a tensor; pages are taken when first written."""

    def __init__(self, shape: tuple[int, ...], dtype: DTypeLike) -> None:
        memory = mmap.mmap(-1, int(np.prod(shape)) * np.dtype(dtype).itemsize)
        if hasattr(mmap, "MADV_NOHUGEPAGE"):
            # The cache of a layer fills from its start; huge pages would take the memory of all of it at once.
            memory.madvise(mmap.MADV_NOHUGEPAGE)
        self.array: NDArray[Any] = np.frombuffer(memory, dtype).reshape(shape)
        self.tensor = _to_tensor(self.array)


def _to_tensor(array: NDArray[Any]) -> Any:
    import tvm_ffi

    return tvm_ffi.from_dlpack(array)
