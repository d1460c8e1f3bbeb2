"""The double's model: it goes from token to token by the pairs that it has seen, those of the prompt first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tests.helpers.mlc_double.protocol import CompletionRequest

if TYPE_CHECKING:
    from tests.helpers.mlc_double.grammar import Grammar

Floats = NDArray[np.float64]

_SEEN_BEFORE = 4.0
_SMALLEST_PROBABILITY = 1e-10


class PairMachine:
    """Logits that depend on the last token alone, and on what followed it before."""

    def __init__(self, vocab_size: int, never: Sequence[int]) -> None:
        """Prepare.

        Args:
            vocab_size: number of tokens.
            never: tokens that do not come by themselves.
        """
        self._never = list(never)
        self._noise = lru_cache(maxsize=None)(lambda token: np.random.default_rng(token).random(vocab_size) * 3)

    def logits(self, tokens: Sequence[int]) -> Floats:
        """``float64[vocab]`` of what may follow."""
        logits: Floats = self._noise(tokens[-1]).copy()
        for before, after in pairwise(tokens):
            if before == tokens[-1]:
                logits[after] += _SEEN_BEFORE
                break
        logits[self._never] = -50.0
        return logits


class Sampler:
    """Chooses the tokens of one reply; bias, then penalties, then temperature, then top-p."""

    def __init__(self, request: CompletionRequest) -> None:
        self._request = request
        self._random = np.random.default_rng(request.seed)
        self._counts: dict[int, int] = {}

    def next(self, logits: Floats, grammar: Grammar | None = None) -> tuple[int, Floats]:
        """A token, and the probabilities that it was chosen by; changes ``logits``."""
        request = self._request
        for token, bias in request.logit_bias.items():
            if not 0 <= token < len(logits):
                raise IndexError("a bias was written outside the logits")
            logits[token] += bias
        for token, count in self._counts.items():
            logits[token] -= request.presence_penalty + request.frequency_penalty * count
        if grammar is not None:
            grammar.forbid(logits)
        probabilities = _softmax(logits, request.temperature)
        token = self._draw(probabilities)
        if grammar is not None:
            grammar.take(token)
        self._counts[token] = self._counts.get(token, 0) + 1
        return token, probabilities

    def _draw(self, probabilities: Floats) -> int:
        order = np.argsort(-probabilities, kind="stable")
        reached = np.cumsum(probabilities[order])
        kept = int(np.searchsorted(reached, min(self._request.top_p, reached[-1]))) + 1
        place = np.searchsorted(reached[:kept], self._random.random() * reached[kept - 1], side="right")
        return int(order[min(int(place), kept - 1)])


def logprob(probability: float) -> float:
    """As the engine tells it: never of less than a certain probability."""
    return math.log(max(probability, _SMALLEST_PROBABILITY))


def _softmax(logits: Floats, temperature: float) -> Floats:
    if temperature < 1e-6:
        best = np.zeros_like(logits)
        best[logits.argmax()] = 1.0
        return best
    weights: Floats = np.exp((logits - logits.max()) / temperature)
    weights /= weights.sum()
    return weights
