"""What llama.cpp expects of a text, token by token."""

from __future__ import annotations

from dataclasses import asdict

import llama_cpp
import numpy as np
from numpy.typing import NDArray

from benchmarks.quality_logits import CONTEXT, SKIPPED, Expectation, expectation


class LlamaLogits:
    """llama.cpp, which gives the logits of all positions of a batch."""

    def __init__(self, path: str) -> None:
        """Load a GGUF file.

        Raises:
            RuntimeError: it cannot be loaded.
        """
        llama_cpp.llama_backend_init()
        self._model = llama_cpp.llama_model_load_from_file(path.encode(), llama_cpp.llama_model_default_params())
        params = llama_cpp.llama_context_default_params()
        params.n_ctx = params.n_batch = params.n_ubatch = CONTEXT
        self._context = llama_cpp.llama_init_from_model(self._model, params) if self._model else None
        if not self._context:
            raise RuntimeError(f"llama.cpp cannot load {path}")
        self._vocab = llama_cpp.llama_model_get_vocab(self._model)

    def tokenize(self, text: str) -> list[int]:
        """Tokens of a text, without the one that begins it."""
        data = text.encode()
        room = (llama_cpp.llama_token * (len(data) + 8))()
        count = llama_cpp.llama_tokenize(self._vocab, data, len(data), room, len(room), False, False)
        return list(room[:count])

    def read(self, tokens: list[list[int]]) -> dict[str, object]:
        """Judge every piece; see :class:`Expectation`."""
        found: list[tuple[float, int]] = []
        for piece in tokens:
            logits = self._logits(piece)
            found += [expectation(logits[at - 1], piece[at]) for at in range(SKIPPED + 1, len(piece))]
        losses, best = zip(*found, strict=True)
        return asdict(Expectation(list(losses), list(best)))

    def close(self) -> None:
        """Free the model."""
        llama_cpp.llama_free(self._context)
        llama_cpp.llama_model_free(self._model)

    def _logits(self, piece: list[int]) -> NDArray[np.float32]:
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(self._context), True)
        batch = llama_cpp.llama_batch_init(len(piece), 0, 1)
        batch.n_tokens = len(piece)
        for at, token in enumerate(piece):
            batch.token[at], batch.pos[at] = token, at
            batch.n_seq_id[at], batch.seq_id[at][0], batch.logits[at] = 1, 0, True
        try:
            if llama_cpp.llama_decode(self._context, batch):
                raise RuntimeError("llama.cpp cannot read the tokens")
        finally:
            llama_cpp.llama_batch_free(batch)
        size = (len(piece), llama_cpp.llama_vocab_n_tokens(self._vocab))
        return np.ctypeslib.as_array(llama_cpp.llama_get_logits(self._context), size)
