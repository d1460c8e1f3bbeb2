"""Our engine to be measured: runtime and decoder alone, without sampling."""

from __future__ import annotations

import time
from pathlib import Path

from tether_desktop.model.tvm.decoder import Decoder
from tether_desktop.model.tvm.runtime import Runtime

CONTEXT_WINDOW = 1024


class Ours:
    """Our decoder, reading the tokens it was given."""

    def __init__(self, model_dir: str, library: str, tokens: list[int], threads: int | None) -> None:
        """Load; ``threads`` of None leaves the choice to the governor."""
        self._tokens = tokens
        self._decoder = Decoder(Runtime(threads), Path(model_dir), Path(library), CONTEXT_WINDOW)
        if threads is not None:
            for governor in self._decoder.governors.values():
                governor.pin(threads)
        for _ in self._decoder.touch_weights():
            pass
        self._decoder.warm_up()
        self._cache = self._decoder.new_cache()

    def prefill(self, count: int) -> float:
        """Seconds that reading the first ``count`` tokens takes, until the logits are there."""
        started = time.perf_counter()
        for _ in self._decoder.prefill(self._cache, self._tokens[:count], 0):
            pass
        self._decoder.logits.argmax()
        return time.perf_counter() - started

    def decode(self, depth: int, count: int) -> float:
        """Seconds for ``count`` tokens one by one after the first ``depth``, which have been read before."""
        started = time.perf_counter()
        for position in range(depth, depth + count):
            self._decoder.decode(self._cache, self._tokens[position], position)
            self._decoder.logits.argmax()
        return time.perf_counter() - started

    def close(self) -> None:
        """The process is about to end, and with it all that was loaded."""


class Loading:
    """Loading our decoder, again and again."""

    def __init__(self, model_dir: str, library: str) -> None:
        self._runtime, self._paths = Runtime(None), (Path(model_dir), Path(library))

    def load(self) -> float:
        """Seconds until the weights are mapped and touched, the tables made and the first functions run."""
        started = time.perf_counter()
        decoder = Decoder(self._runtime, *self._paths, CONTEXT_WINDOW)
        for _ in decoder.touch_weights():
            pass
        decoder.warm_up()
        return time.perf_counter() - started

    def close(self) -> None:
        """Nothing is kept."""
