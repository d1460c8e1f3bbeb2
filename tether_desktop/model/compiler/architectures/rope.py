"""Frequencies of rotary positions and how models stretch them; float64 throughout.

A frequency is radians per position, one for each pair of rotated columns. The formulas are those by which models are
trained and published:

- linear: Chen et al., https://arxiv.org/abs/2306.15595
- llama3: https://github.com/meta-llama/llama-models (``apply_scaling``)
- YaRN: Peng et al., https://arxiv.org/abs/2309.00071
- LongRoPE: Ding et al., https://arxiv.org/abs/2402.13753
"""

from __future__ import annotations

from math import ceil, floor, log, pi, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

Frequencies = NDArray[np.float64]

_LEAST_RAMP = 0.001
"""Keeps the ramp of YaRN from dividing by zero where it begins and ends at the same pair."""


def frequencies(theta: float, rotary_dim: int) -> Frequencies:
    """``theta ** (-2i / rotary_dim)`` for the rotary_dim / 2 pairs i."""
    return np.asarray(theta ** (-np.arange(0, rotary_dim, 2, dtype=np.float64) / rotary_dim))


def divided(plain: Frequencies, factors: ArrayLike) -> Frequencies:
    """Frequencies divided by one factor for all pairs (linear) or by one for each (LongRoPE, GGUF's rope_freqs)."""
    return np.asarray(plain / np.asarray(factors, np.float64))


def llama3(
    plain: Frequencies, *, factor: float, low_freq_factor: float, high_freq_factor: float, original_context: int
) -> Frequencies:
    """Llama 3.1's: slow pairs are divided by ``factor``, fast ones kept, and those between are blended.

    Slow and fast are told by the turns of a pair within the original context: fewer than ``low_freq_factor`` is slow,
    more than ``high_freq_factor`` fast.
    """
    turns = original_context * plain / (2 * pi)
    kept = np.clip((turns - low_freq_factor) / (high_freq_factor - low_freq_factor), 0, 1)
    return np.asarray(plain * (kept + (1 - kept) / factor))


def yarn(
    theta: float,
    rotary_dim: int,
    *,
    factor: float,
    original_context: int,
    beta_fast: float = 32.0,
    beta_slow: float = 1.0,
) -> Frequencies:
    """YaRN's: pairs of more than ``beta_fast`` turns are kept, those below ``beta_slow`` divided by ``factor``."""

    def pair_of(turns: float) -> float:
        return rotary_dim * log(original_context / (turns * 2 * pi)) / (2 * log(theta))

    first = max(floor(pair_of(beta_fast)), 0)
    last = min(ceil(pair_of(beta_slow)), rotary_dim - 1)
    pairs = np.arange(rotary_dim // 2, dtype=np.float64)
    divided_part = np.clip((pairs - first) / max(last - first, _LEAST_RAMP), 0, 1)
    return frequencies(theta, rotary_dim) * (1 - divided_part + divided_part / factor)


def yarn_scale(factor: float) -> float:
    """What YaRN multiplies cosines and sines by."""
    return 0.1 * log(factor) + 1.0 if factor > 1 else 1.0


def longrope_scale(factor: float, original_context: int) -> float:
    """What LongRoPE multiplies cosines and sines by; ``factor`` is context over original context."""
    return sqrt(1 + log(factor) / log(original_context)) if factor > 1 and original_context > 1 else 1.0
