"""How likely tokens were, for those who ask: log-probabilities from the model's logits."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tether_desktop.model.engine import TokenLogprob

_LEAST = -9999.0
"""Stands for impossible tokens: JSON has no infinity."""


def token_logprob(logits: NDArray[np.float32], token: int, count: int, text_of: Callable[[int], str]) -> TokenLogprob:
    """How likely a token was, and the ``count`` likeliest ones.

    Args:
        logits: ``float32[vocab]`` as the model gave them; not changed.
        token: the chosen one.
        count: alternatives to tell, best first; of equal ones the lower number first.
        text_of: the text of a token.
    """
    best = logits.max()
    total = best + np.log(np.exp(logits - best).sum(dtype=np.float64))

    def logprob(each: int) -> float:
        return max(float(logits[each] - total), _LEAST)

    return TokenLogprob(
        text_of(token), logprob(token), tuple((text_of(each), logprob(each)) for each in _likeliest(logits, count))
    )


def _likeliest(logits: NDArray[np.float32], count: int) -> list[int]:
    count = min(count, len(logits))
    if count <= 0:
        return []
    least = np.partition(logits, len(logits) - count)[len(logits) - count]
    candidates = np.flatnonzero(logits >= least)
    order: list[int] = candidates[np.argsort(-logits[candidates], kind="stable")][:count].tolist()
    return order
