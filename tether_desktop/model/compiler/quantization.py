"""Numbers to the levels of a tile format, by a short search for the least squared error."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tether_desktop.model.compiler.ggml_blocks import BadWeights, Floats, Levels
from tether_desktop.model.decoder_shape import GROUP, TileFormat

_WIDENED = (0.0, 1.0, 2.0, 3.0, 4.0)
"""By how many levels the range of a group is taken to be wider than its outermost weights need: what is cut off
there costs less than finer steps bring."""

_REFITS = 2
"""How often each of these is improved by least squares: 8 % less error than from the outermost weights alone."""

_AT_ONCE = 1 << 18
"""Weights that are searched together; what is made of them stays near the processor."""

_LARGEST_HALF = float(np.finfo(np.float16).max)
_SMALLEST_HALF = np.float32(np.finfo(np.float16).smallest_subnormal)


def quantize(weights: Floats, form: TileFormat) -> Levels:
    """The levels of ``form`` that stand for these weights best.

    Args:
        weights: float32[rows, groups, 32], all finite.
        form: of the tiles they go into.

    Raises:
        BadWeights: a scale or minimum would be beyond float16.
    """
    _check_range(weights, _LARGEST_HALF * 127)
    if form.bits == 8:
        return _eight_bits(weights, form.zero_point)
    step = max(_AT_ONCE // weights[0].size, 1)
    parts = [_search(weights[start : start + step], form) for start in range(0, len(weights), step)]
    levels, scale, minimum = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return Levels(levels, scale, minimum if form.has_minimum else None, form.zero_point)


def quantize_q6(signed: NDArray[np.int8], scale: Floats, zero_point: int) -> Levels:
    """Q6_K weights as 8-bit levels.

    A group has two halves with a scale of their own. Four levels to the step of the larger one hold that half as it
    is, which leaves less error than taking all weights for any numbers.

    Args:
        signed: int8[rows, groups, 2, 16] of -32..31.
        scale: float32[rows, groups, 2].
        zero_point: of the 8-bit format.

    Raises:
        BadWeights: a scale would be beyond float16.
    """
    larger = np.abs(scale).argmax(axis=-1)[..., None]
    step = _nonzero_half(np.take_along_axis(scale, larger, axis=-1)[..., 0] / np.float32(4))
    levels = _rounded(signed * scale[..., None], step[..., None, None])
    shifted = np.clip(levels, -zero_point, zero_point - 1) + zero_point
    return Levels(shifted.astype(np.uint8).reshape(*step.shape, GROUP), step, zero_point=zero_point)


def as_half(values: Floats) -> Floats:
    """The nearest float16 values, as float32.

    Raises:
        BadWeights: some are larger than float16 can be.
    """
    _check_range(values, _LARGEST_HALF)
    return values.astype(np.float16).astype(np.float32)


def _eight_bits(weights: Floats, zero_point: int) -> Levels:
    scale = _nonzero_half(np.abs(weights).max(axis=-1) / np.float32(127))
    levels = np.clip(_rounded(weights, scale[..., None]), -127, 127) + zero_point
    return Levels(levels.astype(np.uint8), scale, zero_point=zero_point)


def _search(weights: Floats, form: TileFormat) -> tuple[NDArray[np.uint8], Floats, Floats]:
    """Levels, scale and minimum of the best of all candidates, group by group."""
    top = np.float32(2**form.bits - 1)
    levels = np.zeros_like(weights)
    scale, minimum = np.zeros(weights.shape[:-1], np.float32), np.zeros(weights.shape[:-1], np.float32)
    error = np.full(weights.shape[:-1], np.inf, np.float32)
    for new_scale, new_minimum, new_levels in _candidates(weights, form, top):
        off = new_levels * new_scale[..., None] + new_minimum[..., None] - weights
        new_error = np.einsum("ngc,ngc->ng", off, off)
        better = new_error < error
        np.copyto(error, new_error, where=better)
        np.copyto(scale, new_scale, where=better)
        np.copyto(minimum, new_minimum, where=better)
        np.copyto(levels, new_levels, where=better[..., None])
    return levels.astype(np.uint8), scale, minimum


def _candidates(weights: Floats, form: TileFormat, top: np.float32) -> Iterator[tuple[Floats, Floats, Floats]]:
    """Scales, minimums and levels to try; those of the outermost weights come first."""
    zero = None if form.has_minimum else np.float32(form.zero_point)
    for widened in _WIDENED:
        scale, minimum = _start(weights, top, np.float32(widened), zero)
        for _ in range(1 + _REFITS):
            scale = _nonzero_half(scale)
            minimum = as_half(minimum) if zero is None else -zero * scale
            levels = np.clip(_rounded(weights - minimum[..., None], scale[..., None]), 0, top)
            yield scale, minimum, levels
            scale, minimum = _refit(weights, levels, zero)


def _start(weights: Floats, top: np.float32, widened: np.float32, zero: np.float32 | None) -> tuple[Floats, Floats]:
    """Scale and minimum by which the levels reach the outermost weights, or not quite where widened."""
    if zero is not None:
        outermost = np.abs(weights).argmax(axis=-1)[..., None]
        scale = np.take_along_axis(weights, outermost, axis=-1)[..., 0] / -(zero + widened)
        return scale, -zero * scale
    low, high = weights.min(axis=-1), weights.max(axis=-1)
    scale = (high - low) / (top + widened)
    return scale, low + scale * (widened / 2)


def _refit(weights: Floats, levels: Floats, zero: np.float32 | None) -> tuple[Floats, Floats]:
    """Scale and minimum with the least squared error for these levels."""
    if zero is not None:
        levels = levels - zero
    squares, products = (np.einsum("ngc,ngc->ng", levels, other) for other in (levels, weights))
    if zero is not None:
        scale = _divided(products, squares)
        return scale, -zero * scale
    count, total, weight = np.float32(GROUP), levels.sum(axis=-1), weights.sum(axis=-1)
    scale = _divided(count * products - total * weight, count * squares - total * total)
    return scale, (weight - scale * total) / count


def _rounded(weights: Floats, scale: Floats) -> Floats:
    return np.rint(_divided(weights, scale))


def _divided(values: Floats, by: Floats) -> Floats:
    """Quotients; 0 where the divisor is."""
    divisor = np.where(by == 0, np.float32(np.inf), by)
    return np.asarray(values / divisor, np.float32)


def _nonzero_half(values: Floats) -> Floats:
    """Like :func:`as_half`, but what would become 0 becomes the smallest number there is, which loses less."""
    half = as_half(values)
    return np.where((half == 0) & (values != 0), np.copysign(_SMALLEST_HALF, values), half)


def _check_range(values: Floats, largest: float) -> None:
    if np.abs(values).max(initial=0.0) > largest:
        raise BadWeights("holds weights that are too large for scales of 16 bits")
