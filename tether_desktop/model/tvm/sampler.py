"""Choosing the next token from the model's logits, without ever sorting a whole vocabulary."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from tether_desktop.errors import EngineError
from tether_desktop.model.engine import SamplingParams

_NEGLIGIBLE = 25.0
"""Tokens this far below the best, in units of temperature, are left out: all together they have less than a
millionth of its probability, which is what float32 can tell."""

_NEAR = np.float32(-8.0)
"""What is chosen nearly always lies above this, in units of temperature; it is looked at first."""

_BINS_PER_UNIT = 8
_BLOCK = 256

Floats = NDArray[np.float32]
Ids = NDArray[np.int64]


class Sampler:
    """Chooses the tokens of one reply.

    The order is penalties, temperature, top-k, top-p over what top-k kept, min-p; as in Hugging Face's
    ``transformers``.
    """

    def __init__(self, params: SamplingParams, vocab_size: int, prompt_tokens: Iterable[int]) -> None:
        """Prepare a reply.

        Args:
            params: how to choose.
            vocab_size: logits beyond it belong to padding and are never chosen.
            prompt_tokens: what the repetition penalty counts as seen from the start.
        """
        self._params = params
        self._vocab_size = vocab_size
        self._random = np.random.default_rng(None if params.seed is None else params.seed % 2**64)
        self._seen = _TokenSet(vocab_size, prompt_tokens) if params.repetition_penalty != 1.0 else None
        penalized = params.presence_penalty != 0.0 or params.frequency_penalty != 0.0
        self._generated = _TokenSet(vocab_size, ()) if penalized else None

    def next(self, logits: Floats) -> int:
        """Choose a token and remember it for the penalties.

        Args:
            logits: ``float32[>= vocab_size]``; not changed.

        Raises:
            EngineError: the logits are not numbers.
        """
        if self._params.temperature <= 0:
            penalized = self._penalize(logits[: self._vocab_size])
            token = int(penalized.argmax())
            _check_best(penalized[token])
        else:
            ids, weights = self.distribution(logits)
            token = int(ids[self._draw(weights)])
        for tokens in (self._seen, self._generated):
            if tokens is not None:
                tokens.add(token)
        return token

    def distribution(self, logits: Floats) -> tuple[Ids, Floats]:
        """Tokens that may be chosen, in no order, and their weights: probability relative to the best token's.

        Raises:
            EngineError: the logits are not numbers.
        """
        params = self._params
        penalized = self._penalize(logits[: self._vocab_size])
        best = penalized.max()
        _check_best(best)
        ids = np.flatnonzero(penalized >= best - np.float32(_NEGLIGIBLE * params.temperature))
        scaled = (penalized[ids] - best) / np.float32(max(params.temperature, 1e-6))
        if 0 < params.top_k < len(ids):
            kept = _best(scaled, params.top_k)
            ids, scaled = ids[kept], scaled[kept]
        weights = np.exp(scaled)
        if params.top_p < 1.0:
            kept = _nucleus(scaled, weights, params.top_p)
            ids, weights = ids[kept], weights[kept]
        if params.min_p > 0.0:
            kept = np.flatnonzero(weights >= min(params.min_p, 1.0))
            ids, weights = ids[kept], weights[kept]
        return ids, weights

    def _penalize(self, logits: Floats) -> Floats:
        """Logits with the penalties applied, on a copy when there are any."""
        if self._seen is None and self._generated is None:
            return logits
        logits = logits.copy()
        if self._seen is not None:
            ids, penalty = self._seen.ids(), np.float32(self._params.repetition_penalty)
            values = logits[ids]
            logits[ids] = np.where(values > 0, values / penalty, values * penalty)
        if self._generated is not None:
            ids = self._generated.ids()
            counts = self._generated.counts[ids]
            logits[ids] -= (
                np.float32(self._params.presence_penalty) + np.float32(self._params.frequency_penalty) * counts
            )
        return logits

    def _draw(self, weights: Floats) -> int:
        """A place in ``weights``, with probability proportional to the weight there."""
        start = 0
        if len(weights) > 4 * _BLOCK:
            sums = np.add.reduceat(weights, np.arange(0, len(weights), _BLOCK))
            start = _BLOCK * self._place(sums)
            weights = weights[start : start + _BLOCK]
        return start + self._place(weights)

    def _place(self, weights: Floats) -> int:
        cumulative = np.cumsum(weights, dtype=np.float64)
        return int(np.searchsorted(cumulative, self._random.random() * cumulative[-1], side="right"))


class _TokenSet:
    """Tokens seen so far with their counts; adding one and listing them costs nothing per vocabulary."""

    def __init__(self, vocab_size: int, tokens: Iterable[int]) -> None:
        self.counts = np.zeros(vocab_size, np.float32)
        self._ids = np.empty(vocab_size, np.int64)
        self._length = 0
        for token in tokens:
            self.add(token)

    def add(self, token: int) -> None:
        if self.counts[token] == 0:
            self._ids[self._length] = token
            self._length += 1
        self.counts[token] += 1

    def ids(self) -> Ids:
        return self._ids[: self._length]


def _check_best(best: np.float32) -> None:
    """The largest logit tells: NaN wins over every number, and +inf is larger than all."""
    if not np.isfinite(best):
        raise EngineError(
            "The model failed",
            f"Its scores for the next token are not numbers (the best is {best}).",
            "Try again; if it happens again, verify the model's files.",
        )


def _best(scaled: Floats, count: int) -> Ids:
    """Places of the ``count`` largest values."""
    near = np.flatnonzero(scaled > _NEAR)
    places = near if len(near) >= count else np.arange(len(scaled))
    return places[np.argpartition(scaled[places], len(places) - count)[len(places) - count :]]


def _nucleus(scaled: Floats, weights: Floats, share: float) -> Ids:
    """Places of the fewest largest weights that together reach ``share`` of all.

    Sums by bins of equal logits find the bin where the share is reached, and only that bin is sorted.
    """
    wanted = share * float(weights.sum(dtype=np.float64))
    near = np.flatnonzero(scaled > _NEAR)
    if len(near) < len(scaled) and weights[near].sum(dtype=np.float64) > wanted:
        return near[_first_bins(scaled[near], weights[near], wanted)]
    return _first_bins(scaled, weights, wanted)


def _first_bins(scaled: Floats, weights: Floats, wanted: float) -> Ids:
    """Places of the fewest largest weights that together reach ``wanted``."""
    bins = (scaled * np.float32(-_BINS_PER_UNIT)).astype(np.intp)
    sums = np.cumsum(np.bincount(bins, weights))
    last = min(int(np.searchsorted(sums, wanted)), len(sums) - 1)
    border = np.flatnonzero(bins == last)
    border = border[np.argsort(-scaled[border])]
    before = sums[last - 1] if last else 0.0
    needed = int(np.searchsorted(before + np.cumsum(weights[border], dtype=np.float64), wanted)) + 1
    return np.concatenate([np.flatnonzero(bins < last), border[:needed]])
