"""Choosing the next token from the model's logits, without ever sorting a whole vocabulary."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tether_desktop.errors import EngineError
from tether_desktop.model.engine import SamplingParams

_NEAR = 16.0
"""Tokens are first looked for this far below the best, in units of temperature: nearly always few, and enough."""

_NEGLIGIBLE = 25.0
"""Tokens this far below the best are left out: all together they have less than a millionth of its probability,
which is what float32 can tell."""

_FEW = 512
"""So many logits are sorted as they are."""

_BINS_PER_UNIT = 8
_BLOCK = 256

Floats = NDArray[np.float32]
Ids = NDArray[np.int64]
Flags = NDArray[np.bool_]


class Sampler:
    """Chooses the tokens of one reply.

    The order is bias, penalties, temperature, top-k, top-p over what top-k kept, min-p; as in Hugging Face's
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
        # Clients name tokens by number: one that this vocabulary does not have can never come.
        bias = {token: value for token, value in params.logit_bias if 0 <= token < vocab_size}
        self._biased_ids = np.array(list(bias), np.int64)
        self._biases = np.array(list(bias.values()), np.float32)

    def next(self, logits: Floats, allowed: Flags | None = None) -> int:
        """Choose a token and remember it for the penalties.

        Args:
            logits: ``float32[>= vocab_size]``; not changed.
            allowed: ``bool[vocab_size]``, what may be chosen, as if all others had no probability at all; None for
                everything. Nearly free where the likeliest token is among it.

        Raises:
            EngineError: the logits are not numbers, or nothing is allowed.
        """
        if self._params.temperature <= 0:
            token = self._best_token(logits, allowed)
        else:
            ids, weights = self.distribution(logits, allowed)
            token = int(ids[self._draw(weights)])
        self.remember(token)
        return token

    def be_exact(self) -> None:
        """Take the likeliest token from now on, without penalties: what follows is data, not prose."""
        self._params = replace(self._params, temperature=0.0)
        self._seen = self._generated = None

    def remember(self, token: int) -> None:
        """Count a token that belongs to the reply and was not chosen here."""
        for tokens in (self._seen, self._generated):
            if tokens is not None:
                tokens.add(token)

    def distribution(self, logits: Floats, allowed: Flags | None = None) -> tuple[Ids, Floats]:
        """Tokens that may be chosen, in no order, and their weights: probability relative to the best token's.

        Raises:
            EngineError: the logits are not numbers, or nothing is allowed.
        """
        scores = self._penalize(logits[: self._vocab_size])
        best = scores.argmax()
        if allowed is None or allowed[best]:
            return self._near(scores, scores[best], allowed)
        _check_best(scores[best])
        ids = _ids(allowed)
        scores = scores[ids]
        places, weights = self._near(scores, scores.max(), None)
        return ids[places], weights

    def _best_token(self, logits: Floats, allowed: Flags | None) -> int:
        scores = self._penalize(logits[: self._vocab_size])
        best = int(scores.argmax())
        _check_best(scores[best])
        if allowed is None or allowed[best]:
            return best
        ids = _ids(allowed)
        return int(ids[scores[ids].argmax()])

    def _near(self, scores: Floats, best: np.float32, allowed: Flags | None) -> tuple[Ids, Floats]:
        """Places of the scores that are near enough to the best one to be chosen, and their weights."""
        _check_best(best)
        for margin in (_NEAR, _NEGLIGIBLE):
            ids = np.flatnonzero(scores >= best - np.float32(margin * self._params.temperature))
            rest = (len(scores) - len(ids)) * math.exp(-margin) if margin < _NEGLIGIBLE else 0.0
            if allowed is not None:
                ids = ids[allowed[ids]]
            scaled = (scores[ids] - best) / np.float32(max(self._params.temperature, 1e-6))
            kept = _keep(scaled, self._params, rest)
            if kept is not None:
                break
        return ids[kept], np.exp(scaled[kept])

    def _penalize(self, logits: Floats) -> Floats:
        """Logits with bias and penalties applied, on a copy when there are any."""
        if self._seen is None and self._generated is None and not len(self._biases):
            return logits
        logits = logits.copy()
        logits[self._biased_ids] += self._biases
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


def _ids(allowed: Flags) -> Ids:
    ids = np.flatnonzero(allowed)
    if not len(ids):
        raise EngineError("The reply cannot go on", "No token may follow.", "Ask for a simpler form.")
    return ids


def _check_best(best: np.float32) -> None:
    """The largest logit tells: NaN wins over every number, and +inf is larger than all."""
    if not math.isfinite(best):
        raise EngineError(
            "The model failed",
            f"Its scores for the next token are not numbers (the best is {best}).",
            "Try again; if it happens again, verify the model's files.",
        )


def _keep(scaled: Floats, params: SamplingParams, rest: float) -> Ids | None:
    """Places of the tokens that top-k, top-p and min-p keep.

    Args:
        scaled: logits of the best tokens, relative to the very best and divided by the temperature.
        params: the limits.
        rest: weight that the tokens which are not in ``scaled`` have at most.

    Returns:
        The places in no order; None when that depends on tokens which are not in ``scaled``.
    """
    places = np.arange(len(scaled))
    if params.top_k > 0 and (rest > 0 or len(scaled) > params.top_k):
        if len(scaled) < params.top_k:
            return None
        places, rest = _best(scaled, params.top_k), 0.0
    if params.top_p < 1.0:
        inside = _nucleus(scaled[places], params.top_p, rest)
        if inside is None:
            return None
        places, rest = places[inside], 0.0
    if params.min_p > 0.0:
        least = math.log(min(params.min_p, 1.0))
        if rest > 0 and least < -_NEAR:
            return None
        places = places[scaled[places] >= np.float32(least)]
        rest = 0.0
    return None if rest > 0 else places


def _best(scaled: Floats, count: int) -> Ids:
    """Places of the ``count`` largest values."""
    return np.argpartition(scaled, len(scaled) - count)[len(scaled) - count :]


def _nucleus(scaled: Floats, share: float, rest: float) -> Ids | None:
    """Places of the fewest largest weights that together reach ``share`` of all.

    Returns:
        None when it depends on how much of ``rest`` the tokens that are not here really have.
    """
    weights = np.exp(scaled)
    total = float(weights.sum(dtype=np.float64))
    wanted, before = share * total, 0.0
    sure, border = np.empty(0, np.intp), np.arange(len(scaled))
    if len(scaled) > _FEW:
        sure, border = _split_at(scaled, weights, wanted)
        before = float(weights[sure].sum(dtype=np.float64))
    border = border[np.argsort(-scaled[border])]
    reached = before + np.cumsum(weights[border], dtype=np.float64)
    needed = int(np.searchsorted(reached, wanted))
    if rest > 0 and (needed == len(border) or reached[needed] < wanted + share * rest):
        return None
    return np.concatenate([sure, border[: needed + 1]])


def _split_at(scaled: Floats, weights: Floats, wanted: float) -> tuple[Ids, Ids]:
    """Places of the largest weights that ``wanted`` surely takes, and of those next to them, which it takes in part.

    Sums by bins of nearly equal logits find the bin where it is reached, so that only that one need be sorted.
    """
    bins = (scaled * np.float32(-_BINS_PER_UNIT)).astype(np.intp)
    sums = np.cumsum(np.bincount(bins, weights))
    last = min(int(np.searchsorted(sums, wanted)), len(sums) - 1)
    return np.flatnonzero(bins < last), np.flatnonzero(bins == last)
