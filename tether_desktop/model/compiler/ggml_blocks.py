"""GGML's blocks of quantized weights, taken apart into levels, scales and minimums.

Layouts: ``block_*`` in https://github.com/ggml-org/ggml/blob/master/src/ggml-common.h; checked in the tests
against what ``gguf.quants`` makes of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType
from numpy.typing import NDArray

from tether_desktop.model.decoder_shape import GROUP

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

_SUPERBLOCK = 256
_Q6_GROUP = 16


class BadWeights(ValueError):
    """Weights that no tile can hold; the text goes on after the name of their tensor."""


@dataclass(frozen=True, slots=True)
class Levels:
    """Quantized weights: ``(level - zero_point) * scale``, or ``level * scale + minimum``.

    Attributes:
        levels: uint8[rows, groups, 32].
        scale: float32[rows, groups].
        minimum: float32[rows, groups], if there is one.
        zero_point: the level that stands for 0 where there is no minimum.
    """

    levels: Bytes
    scale: Floats
    minimum: Floats | None = None
    zero_point: int = 0

    def floats(self) -> Floats:
        """The weights, float32[rows, groups, 32]."""
        if self.minimum is not None:
            return self.levels * self.scale[..., None] + self.minimum[..., None]
        return (self.levels.astype(np.float32) - np.float32(self.zero_point)) * self.scale[..., None]


@dataclass(frozen=True, slots=True)
class LevelForm:
    """What the levels of an encoding are like; the fields mean what those of a tile format do."""

    bits: int
    has_minimum: bool


LEVEL_FORMS = {
    GGMLQuantizationType.Q4_0: LevelForm(4, has_minimum=False),
    GGMLQuantizationType.Q4_1: LevelForm(4, has_minimum=True),
    GGMLQuantizationType.Q5_0: LevelForm(5, has_minimum=False),
    GGMLQuantizationType.Q5_1: LevelForm(5, has_minimum=True),
    GGMLQuantizationType.Q8_0: LevelForm(8, has_minimum=False),
    GGMLQuantizationType.Q4_K: LevelForm(4, has_minimum=True),
    GGMLQuantizationType.Q5_K: LevelForm(5, has_minimum=True),
}
"""Encodings whose groups of 32 weights share a scale, as those of a tile do."""

FLOAT_ENCODINGS = tuple(GGMLQuantizationType[name] for name in ("Q6_K", "F16", "BF16", "F32"))
"""Encodings that no tile has the like of."""

SUPERBLOCKS = (GGMLQuantizationType.Q4_K, GGMLQuantizationType.Q5_K)
"""Those of LEVEL_FORMS whose scales and minimums are products, which float16 may not hold exactly."""


def read_levels(rows: Bytes, encoding: GGMLQuantizationType) -> Levels:
    """The levels of rows in one of LEVEL_FORMS.

    Args:
        rows: uint8[rows, bytes per row].
        encoding: of the rows.

    Raises:
        BadWeights: a scale or a minimum is not finite.
    """
    blocks = rows.reshape(len(rows), -1, GGML_QUANT_SIZES[encoding][1])
    kind = GGMLQuantizationType
    match encoding:
        case kind.Q4_0:
            return Levels(_nibbles(blocks[..., 2:]), _half(blocks, 0), zero_point=8)
        case kind.Q4_1:
            return Levels(_nibbles(blocks[..., 4:]), _half(blocks, 0), _half(blocks, 1))
        case kind.Q5_0:
            levels = _nibbles(blocks[..., 6:]) | _fifth_bits(blocks[..., 2:6])
            return Levels(levels, _half(blocks, 0), zero_point=16)
        case kind.Q5_1:
            levels = _nibbles(blocks[..., 8:]) | _fifth_bits(blocks[..., 4:8])
            return Levels(levels, _half(blocks, 0), _half(blocks, 1))
        case kind.Q8_0:
            return Levels(blocks[..., 2:] ^ np.uint8(0x80), _half(blocks, 0), zero_point=128)
    return _superblock_levels(blocks, encoding)


def read_floats(rows: Bytes, encoding: GGMLQuantizationType) -> Floats:
    """The weights of rows in any of LEVEL_FORMS or FLOAT_ENCODINGS, float32[rows, columns].

    Raises:
        BadWeights: some are not finite.
    """
    if encoding in LEVEL_FORMS:
        return read_levels(rows, encoding).floats().reshape(len(rows), -1)
    rows = np.ascontiguousarray(rows)
    match encoding:
        case GGMLQuantizationType.Q6_K:
            signed, scale = read_q6(rows)
            return np.asarray(signed * scale[..., None]).reshape(len(rows), -1)
        case GGMLQuantizationType.F16:
            return check_finite(rows.view("<f2").astype(np.float32))
        case GGMLQuantizationType.BF16:
            return check_finite((rows.view("<u2").astype(np.uint32) << np.uint32(16)).view(np.float32))
    return check_finite(rows.view("<f4").astype(np.float32, copy=False))


def read_q6(rows: Bytes) -> tuple[NDArray[np.int8], Floats]:
    """Q6_K rows as ``signed * scale``: int8[rows, groups, 2, 16] of -32..31, and float32[rows, groups, 2].

    Raises:
        BadWeights: a scale is not finite.
    """
    blocks = rows.reshape(len(rows), -1, 210)
    low = blocks[..., :128].reshape(*blocks.shape[:2], 2, 1, 64)
    low = np.concatenate([low & np.uint8(15), low >> np.uint8(4)], axis=-2).reshape(*blocks.shape[:2], 2, 4, 32)
    high = blocks[..., 128:192].reshape(*blocks.shape[:2], 2, 1, 32) >> np.arange(0, 8, 2, dtype=np.uint8)[:, None]
    levels = low | ((high & np.uint8(3)) << np.uint8(4))
    signed = levels.view(np.int8) - np.int8(32)
    scale = blocks[..., 192:208].view(np.int8) * _half(blocks, 104)[..., None]
    return signed.reshape(len(rows), -1, 2, _Q6_GROUP), scale.reshape(len(rows), -1, 2)


def check_finite(values: Floats) -> Floats:
    """The values themselves.

    Raises:
        BadWeights: some are not finite.
    """
    if not np.isfinite(values).all():
        raise BadWeights("holds values that are infinite or no numbers")
    return values


def _superblock_levels(blocks: Bytes, encoding: GGMLQuantizationType) -> Levels:
    """Eight groups share two float16, by which the six bits of each group's scale and minimum are multiplied."""
    count = blocks.shape[:2]
    factors, offsets = _six_bits(blocks[..., 4:16])
    pairs = blocks[..., -128:].reshape(*count, 4, 1, GROUP)
    levels = np.concatenate([pairs & np.uint8(15), pairs >> np.uint8(4)], axis=-2).reshape(*count, 8, GROUP)
    if encoding is GGMLQuantizationType.Q5_K:
        high = blocks[..., None, 16:48] >> np.arange(8, dtype=np.uint8)[:, None]
        levels |= (high & np.uint8(1)) << np.uint8(4)
    scale = factors * _half(blocks, 0)[..., None]
    minimum = offsets * -_half(blocks, 1)[..., None]
    return Levels(levels.reshape(count[0], -1, GROUP), scale.reshape(count[0], -1), minimum.reshape(count[0], -1))


def _six_bits(packed: Bytes) -> tuple[Bytes, Bytes]:
    """Eight scales and eight minimums of six bits, from twelve bytes.

    The first four of each lie in bytes 0-3 and 4-7. The others have their low four bits in the halves of bytes 8-11,
    and their high two at the top of bytes 0-7.
    """
    scales, minimums, rest = packed[..., :4], packed[..., 4:8], packed[..., 8:]
    later_scales = (rest & np.uint8(15)) | ((scales >> np.uint8(6)) << np.uint8(4))
    later_minimums = (rest >> np.uint8(4)) | ((minimums >> np.uint8(6)) << np.uint8(4))
    six = np.uint8(63)
    return (
        np.concatenate([scales & six, later_scales], axis=-1),
        np.concatenate([minimums & six, later_minimums], axis=-1),
    )


def _half(blocks: Bytes, index: int) -> Floats:
    """The float16 at an index, counted in float16, of each block; checked, as the weights are its multiples."""
    pair = np.ascontiguousarray(blocks[..., 2 * index : 2 * index + 2])
    return check_finite(pair.view("<f2")[..., 0].astype(np.float32))


def _nibbles(packed: Bytes) -> Bytes:
    """Byte i holds column i in its low half and column 16 + i in its high one."""
    return np.concatenate([packed & np.uint8(15), packed >> np.uint8(4)], axis=-1)


def _fifth_bits(packed: Bytes) -> Bytes:
    """Bit i of four bytes is the fifth of column i; each in its place."""
    return np.unpackbits(packed, axis=-1, bitorder="little") << np.uint8(4)
