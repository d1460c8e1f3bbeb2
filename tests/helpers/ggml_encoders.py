"""Plain encoders for all GGML encodings we read; those of the K-quants are simpler than llama.cpp's."""

from __future__ import annotations

import numpy as np
from gguf import GGMLQuantizationType
from gguf.quants import quantize
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]


def encode(values: Floats, encoding: GGMLQuantizationType) -> Bytes:
    """Rows of floats ``[N, K]`` as ``uint8[N, bytes per row]``."""
    own = {"Q4_K": _encode_q4_k, "Q5_K": _encode_q5_k, "Q6_K": _encode_q6_k}
    if encoding.name in own:
        blocks = values.reshape(len(values), -1, 256)
        return own[encoding.name](blocks).reshape(len(values), -1)
    rows: Bytes = np.ascontiguousarray(quantize(values, encoding)).view(np.uint8).reshape(len(values), -1)
    return rows


def _encode_q4_k(blocks: Floats) -> Bytes:
    levels, header = _superblocks(blocks, 15)
    return np.concatenate([header, _pairs(levels)], axis=-1)


def _encode_q5_k(blocks: Floats) -> Bytes:
    levels, header = _superblocks(blocks, 31)
    fifth = np.packbits(levels >> 4, axis=-2, bitorder="little")[..., 0, :]
    return np.concatenate([header, fifth, _pairs(levels & np.uint8(15))], axis=-1)


def _superblocks(blocks: Floats, top: int) -> tuple[Bytes, Bytes]:
    """Levels ``[N, S, 8, 32]``, and the 16 bytes that hold two float16 and six bits of scale and minimum per group."""
    groups = blocks.reshape(*blocks.shape[:2], 8, 32)
    low = np.minimum(groups.min(axis=-1), 0)
    scale, minimum = (groups.max(axis=-1) - low) / top, -low
    halves = [(part.max(axis=-1) / 63).astype(np.float16) for part in (scale, minimum)]
    wide = [half.astype(np.float32)[..., None] for half in halves]
    scales, minimums = (
        np.clip(np.rint(_ratio(part, half)), 0, 63).astype(np.uint8)
        for part, half in zip((scale, minimum), wide, strict=True)
    )
    shifted = groups + (wide[1] * minimums)[..., None]
    levels = np.clip(np.rint(_ratio(shifted, (wide[0] * scales)[..., None])), 0, top).astype(np.uint8)
    words = [half[..., None].view(np.uint8) for half in halves]
    return levels, np.concatenate([*words, _six_bits(scales, minimums)], axis=-1)


def _six_bits(scales: Bytes, minimums: Bytes) -> Bytes:
    first, later = (scales[..., :4], minimums[..., :4]), (scales[..., 4:], minimums[..., 4:])
    tops = [low | ((high >> 4) << 6) for low, high in zip(first, later, strict=True)]
    return np.concatenate([*tops, (later[0] & np.uint8(15)) | ((later[1] & np.uint8(15)) << np.uint8(4))], axis=-1)


def _pairs(levels: Bytes) -> Bytes:
    """Groups 2i and 2i + 1 share 32 bytes."""
    halves = levels.reshape(*levels.shape[:2], 4, 2, 32)
    return (halves[..., 0, :] | (halves[..., 1, :] << np.uint8(4))).reshape(*levels.shape[:2], 128)


def _encode_q6_k(blocks: Floats) -> Bytes:
    groups = blocks.reshape(*blocks.shape[:2], 16, 16)
    outermost = np.take_along_axis(groups, np.abs(groups).argmax(axis=-1)[..., None], axis=-1)[..., 0]
    scale = outermost / np.float32(-32)
    half = (np.abs(scale).max(axis=-1) / 127).astype(np.float16)
    wide = half.astype(np.float32)[..., None]
    scales = np.clip(np.rint(_ratio(scale, wide)), -128, 127).astype(np.int8)
    levels = np.clip(np.rint(_ratio(groups, (wide * scales)[..., None])) + 32, 0, 63).astype(np.uint8)
    parts = levels.reshape(*blocks.shape[:2], 2, 4, 32)
    low = (parts[..., :2, :] & 15) | ((parts[..., 2:, :] & 15) << 4)
    high = np.bitwise_or.reduce((parts >> 4) << np.arange(0, 8, 2, dtype=np.uint8)[:, None], axis=-2)
    count = blocks.shape[:2]
    return np.concatenate(
        [low.reshape(*count, 128), high.reshape(*count, 64), scales.view(np.uint8), half[..., None].view(np.uint8)],
        axis=-1,
    )


def _ratio(values: Floats, by: Floats) -> Floats:
    return np.divide(values, by, out=np.zeros(np.broadcast_shapes(values.shape, by.shape), np.float32), where=by != 0)
