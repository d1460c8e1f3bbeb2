"""A decoder that runs: compiled functions on memory-mapped weights and the KV cache of a conversation."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tether_desktop.errors import LibraryMismatch, ModelBroken
from tether_desktop.model.tvm.kv_cache import BLOCK, KvCache, SharedArray, to_tensor
from tether_desktop.model.tvm.rotation import read_rope, rotation_tables
from tether_desktop.model.tvm.runtime import CompiledLibrary, Runtime
from tether_desktop.model.tvm.threads import ThreadGovernor
from tether_desktop.model.tvm.weights import open_weights

_PREFILL_CALL_SECONDS = 0.15
"""About how long a prefill call may last, so that cancelling is answered soon."""

_TOUCH_BYTES = 16 << 20
_PAGE_BYTES = 4096

_SPLIT_POSITIONS = ((1024, 8), (256, 4), (32, 2))
"""From these positions on, attention is split into so many parts. It depends on nothing else, so that a
reply does not depend on the number of threads."""


class Decoder:
    """Reads tokens into a KV cache and gives the logits of what follows.

    Attributes:
        shape: the dimensions.
        isa: the instruction set of its library.
        context_window: positions that its caches have room for.
        weight_bytes: of all tensors.
        governors: what chooses the threads of "decode" and "prefill".
    """

    def __init__(self, runtime: Runtime, model_dir: Path, library: Path, context_window: int) -> None:
        """Map the weights; nothing is read yet.

        Raises:
            ModelBroken: the weights are damaged.
            LibraryMismatch: the library is for another model or processor.
        """
        self._library = CompiledLibrary(library)
        self.shape = self._library.metadata.shape
        self.isa = self._library.metadata.isa
        self._tensors = open_weights(model_dir)
        self._weights = self._weight_arguments()
        self.weight_bytes = sum(tensor.nbytes for tensor in self._tensors.values())
        self.context_window = context_window
        self.governors = {name: ThreadGovernor(runtime) for name in ("decode", "prefill")}
        self._chunk = self._library.metadata.prefill_chunk_size
        self._blocks = self._chunk // BLOCK
        self._tables = rotation_tables(self._tensors, read_rope(model_dir), context_window)
        self._ids = SharedArray((self._chunk,), np.int32)
        self._hidden = SharedArray((self._chunk, self.shape.hidden), np.float32)
        self._logits = SharedArray((self.shape.vocab,), np.float32)

    @property
    def logits(self) -> NDArray[np.float32]:
        """float32[vocab, padded]: what the last call left; overwritten by the next."""
        return self._logits.array

    def new_cache(self) -> KvCache:
        """An empty cache for one conversation."""
        return KvCache(self.shape, self.context_window)

    def use_threads(self, count: int) -> None:
        """Compute on this many threads from now on, whatever is faster."""
        for governor in self.governors.values():
            governor.pin(count)

    def touch_weights(self) -> Iterator[float]:
        """Bring the weights into memory piece by piece; yields the fraction that is there."""
        done = 0
        for tensor in self._tensors.values():
            flat = tensor.reshape(-1).view(np.uint8)
            for start in range(0, flat.size, _TOUCH_BYTES):
                piece = flat[start : start + _TOUCH_BYTES]
                piece[::_PAGE_BYTES].max()
                done += piece.size
                yield done / self.weight_bytes

    def warm_up(self) -> None:
        """Start the threads and run each function once, so that the first prompt need not."""
        cache = self.new_cache()
        for _ in self.prefill(cache, [0] * BLOCK, 0):
            pass
        self.decode(cache, 0, BLOCK)

    def prefill(self, cache: KvCache, tokens: Sequence[int], position: int) -> Iterator[int]:
        """Read ``tokens`` from ``position`` on; yields how many are read. Logits are set at the end."""
        if tokens and not 0 <= min(tokens) <= max(tokens) < self.shape.vocab:
            message = f"It gives the token {max(tokens)}, and the model has {self.shape.vocab:,}."
            raise ModelBroken("The model's tokenizer does not fit", message, "Add the model again.")
        done = 0
        while done < len(tokens):
            count = min(self._blocks * BLOCK, len(tokens) - done)
            self._prefill_call(cache, tokens[done : done + count], position + done)
            done += count
            if done == len(tokens):
                self._library.head(self._hidden.tensor, count - 1, *self._weights, self._logits.tensor)
            yield done

    def decode(self, cache: KvCache, token: int, position: int) -> None:
        """Read one token and set the logits."""
        splits = next((splits for start, splits in _SPLIT_POSITIONS if position >= start), 1)
        with self.governors["decode"].measured():
            self._library.decode(
                token, position, splits, *cache.tensors, *self._tables, *self._weights, self._logits.tensor
            )

    def _prefill_call(self, cache: KvCache, tokens: Sequence[int], position: int) -> None:
        blocks = -(-len(tokens) // BLOCK)
        self._ids.array[: len(tokens)] = tokens
        self._ids.array[len(tokens) : blocks * BLOCK] = 0
        started = time.perf_counter()
        with self.governors["prefill"].measured(blocks):
            self._library.prefill(
                self._ids.tensor, blocks, position, *cache.tensors, *self._tables, *self._weights, self._hidden.tensor
            )
        per_block = (time.perf_counter() - started) / blocks
        self._blocks = max(1, min(self._chunk // BLOCK, int(_PREFILL_CALL_SECONDS / per_block)))

    def _check_places(self) -> None:
        """Make sure that what the kernels look up by the weights is there; they trust it."""
        limits = {
            "layers.rope": (0, self.shape.rope_tables),
            "layers.window": (0, 1 << 31),
            **{
                f"layers.{matrix}.place": (-wide, self.shape.layers - wide)
                for matrix, wide in self.shape.wide_layers.items()
            },
        }
        for name, (first, end) in limits.items():
            values = self._tensors.get(name)
            if values is not None and not (first <= int(values.min()) and int(values.max()) < end):
                message = f"{name} points to where nothing is."
                raise ModelBroken("The model's weights are damaged", message, "Verify the model, or add it again.")

    def _weight_arguments(self) -> list[Any]:
        """The tensors the functions take, in their order."""
        expected = self.shape.stored_tensors()
        actual = {name: (tensor.shape, tensor.dtype.name) for name, tensor in self._tensors.items()}
        if any(actual.get(name) != form for name, form in expected.items()):
            raise LibraryMismatch(
                "The library does not fit the model",
                "Its tensors have other names or shapes than the model's.",
                "Compile the model again.",
            )
        self._check_places()
        return [to_tensor(self._tensors[name]) for name in self._library.metadata.arguments]
