"""llama.cpp to be measured, by its C interface, and its conversion of files."""

from __future__ import annotations

import ctypes
import time
from pathlib import Path

import llama_cpp
import numpy as np

from benchmarks.engine_ours import CONTEXT_WINDOW

BATCH = 512

_SILENCE = llama_cpp.llama_log_callback(lambda *_: None)
"""llama.cpp tells much about every file; what goes wrong is raised here."""

llama_cpp.llama_log_set(_SILENCE, None)


class Llama:
    """llama.cpp with flash attention, reading the tokens it was given."""

    def __init__(self, path: str, tokens: list[int], threads: int) -> None:
        """Load a GGUF file.

        Raises:
            RuntimeError: it cannot be loaded.
        """
        llama_cpp.llama_backend_init()
        self._tokens = (llama_cpp.llama_token * len(tokens))(*tokens)
        self._model = llama_cpp.llama_model_load_from_file(path.encode(), llama_cpp.llama_model_default_params())
        self._context = llama_cpp.llama_init_from_model(self._model, _context_params(threads)) if self._model else None
        if not self._context:
            raise RuntimeError(f"llama.cpp cannot load {path}")
        self._memory = llama_cpp.llama_get_memory(self._context)
        self._vocab_size = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(self._model))
        self.prefill(32)
        self.decode(32, 4)

    def prefill(self, count: int) -> float:
        """Seconds that reading the first ``count`` tokens takes, until the logits are there."""
        llama_cpp.llama_memory_clear(self._memory, False)
        started = time.perf_counter()
        for start in range(0, count, BATCH):
            self._read(start, min(BATCH, count - start))
        self._best()
        return time.perf_counter() - started

    def decode(self, depth: int, count: int) -> float:
        """Seconds for ``count`` tokens one by one after the first ``depth``, which have been read before."""
        llama_cpp.llama_memory_seq_rm(self._memory, 0, depth, -1)
        started = time.perf_counter()
        for position in range(depth, depth + count):
            self._read(position, 1)
            self._best()
        return time.perf_counter() - started

    def close(self) -> None:
        """Free the model."""
        llama_cpp.llama_free(self._context)
        llama_cpp.llama_model_free(self._model)

    def _read(self, start: int, count: int) -> None:
        tokens = ctypes.cast(ctypes.byref(self._tokens, start * 4), ctypes.POINTER(llama_cpp.llama_token))
        if llama_cpp.llama_decode(self._context, llama_cpp.llama_batch_get_one(tokens, count)):
            raise RuntimeError("llama.cpp cannot read the tokens")

    def _best(self) -> int:
        """The most likely token; reading the logits waits until they are there."""
        logits = llama_cpp.llama_get_logits(self._context)
        return int(np.ctypeslib.as_array(logits, (self._vocab_size,)).argmax())


def requantize(source: Path, target: Path, kind: str) -> None:
    """Write a GGUF file anew with weights of another type; Q4_0 is repacked for llama.cpp's fastest kernels.

    Raises:
        RuntimeError: it cannot be converted.
    """
    defaults = llama_cpp.llama_model_quantize_default_params()
    params = _set(defaults, ftype=getattr(llama_cpp, f"LLAMA_FTYPE_MOSTLY_{kind}"), allow_requantize=True)
    if llama_cpp.llama_model_quantize(str(source).encode(), str(target).encode(), ctypes.byref(params)):
        raise RuntimeError(f"llama.cpp cannot requantize {source}")


def _context_params(threads: int) -> llama_cpp.llama_context_params:
    return _set(
        llama_cpp.llama_context_default_params(),
        n_ctx=CONTEXT_WINDOW,
        n_batch=BATCH,
        n_ubatch=BATCH,
        n_threads=threads,
        n_threads_batch=threads,
        flash_attn_type=llama_cpp.LLAMA_FLASH_ATTN_TYPE_ENABLED,
    )


def _set(params: ctypes.Structure, **values: int) -> ctypes.Structure:
    for name, value in values.items():
        setattr(params, name, value)
    return params
