"""The arithmetic of the engine's benchmark."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence


def median_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of the ratios round by round, which a noise that lasts longer than a round leaves alone.

    Raises:
        ValueError: they are not of the same rounds.
    """
    return statistics.median(mine / other for mine, other in zip(ours, theirs, strict=True))


def median_difference(after: Sequence[float], before: Sequence[float]) -> float:
    """The median of the differences round by round.

    Raises:
        ValueError: they are not of the same rounds.
    """
    return statistics.median(later - earlier for later, earlier in zip(after, before, strict=True))


def bytes_per_token(tensors: Mapping[str, int], *, per_position: int, depth: int) -> int:
    """What has to be read from memory for one token.

    Args:
        tensors: bytes of every tensor by name.
        per_position: bytes of the keys and values of a position in all layers.
        depth: positions that are cached.
    """
    # Of an embedding that is not the head too, only one row is read.
    tied = not any(name.startswith("lm_head.") for name in tensors)
    weights = sum(size for name, size in tensors.items() if tied or not name.startswith("embed."))
    return weights + per_position * depth


def bound(bytes_per_s: Sequence[float], size: int) -> list[float]:
    """Tokens per second that reading ``size`` bytes for each allows, round by round."""
    return [rate / size for rate in bytes_per_s]
