"""How fast memory can be read."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor

# Read when numpy is first imported: each of our threads reads for itself.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
from numpy.typing import NDArray

BYTES = 256 << 20
"""Read in one pass; many times what caches hold."""


class MemoryReader:
    """Reads memory on several threads by dot products, which were faster than every other way numpy has."""

    def __init__(self, threads: int) -> None:
        self._parts = [np.ones(BYTES // 4 // threads, np.float32) for _ in range(threads)]
        self._pool = ThreadPoolExecutor(threads)

    def read(self, passes: int) -> float:
        """Bytes per second of the fastest pass."""
        return max(self._pass() for _ in range(passes))

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown()

    def _pass(self) -> float:
        started = time.perf_counter()
        list(self._pool.map(_read, self._parts))
        return sum(part.nbytes for part in self._parts) / (time.perf_counter() - started)


def _read(part: NDArray[np.float32]) -> None:
    np.dot(part, part)
