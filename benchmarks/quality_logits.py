"""What our engine expects of a text, token by token, and what there is to say about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tether_desktop.model.tvm.decoder import Decoder
from tether_desktop.model.tvm.runtime import Runtime

CONTEXT = 512
"""Tokens that are read from an empty context, one piece of the text after the other."""

CUTS = (0, 128, 256, 384)
"""Where the text is first cut."""

SKIPPED = 16
"""Tokens at the start of a piece that are not judged: there is too little before them."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """What an engine expected at each judged position.

    Attributes:
        losses: negative log-probabilities of the tokens that came.
        best: the tokens that it thought most likely.
    """

    losses: list[float]
    best: list[int]


def expectation(logits: NDArray[np.float32], following: int) -> tuple[float, int]:
    """The loss of the token that follows, and the most likely one; computed in float64."""
    best = int(logits.argmax())
    shifted = logits.astype(np.float64) - float(logits[best])
    return float(np.log(np.exp(shifted).sum()) - shifted[following]), best


def pieces(tokens: Sequence[int], bos: int | None) -> list[list[int]]:
    """The text in pieces of CONTEXT tokens, each after the token that begins a text; cut in several ways.

    So each token is judged behind different beginnings, which evens out what rounding does by chance.
    """
    start = [] if bos is None else [bos]
    size = CONTEXT - len(start)
    starts = [at for first in CUTS for at in range(first, len(tokens) - SKIPPED, size)]
    return [start + list(tokens[at : at + size]) for at in starts]


class OurLogits:
    """Our decoder; one token at a time, or in whole chunks up to each judged token."""

    def __init__(self, model_dir: str, library: str, vocab: int) -> None:
        self._decoder = Decoder(Runtime(None), Path(model_dir), Path(library), CONTEXT)
        self._vocab = vocab

    def read(self, tokens: list[list[int]]) -> dict[str, object]:
        """Judge every piece; see :class:`Expectation`."""
        found: list[tuple[float, int]] = []
        for piece in tokens:
            cache = self._decoder.new_cache()
            for _ in self._decoder.prefill(cache, piece[: SKIPPED + 1], 0):
                pass
            for position in range(SKIPPED + 1, len(piece)):
                found.append(expectation(self._decoder.logits[: self._vocab], piece[position]))
                self._decoder.decode(cache, piece[position], position)
        losses, best = zip(*found, strict=True)
        return asdict(Expectation(list(losses), list(best)))

    def close(self) -> None:
        """The process is about to end, and with it all that was loaded."""
