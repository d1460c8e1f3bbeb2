"""What a model becomes when packed: its dimensions, and its tensors in the order they are stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from gguf import GGMLQuantizationType
from numpy.typing import DTypeLike, NDArray

from tether_desktop.model.compiler import packing

Rows = Callable[[GGMLQuantizationType], packing.Blocks]
"""Gives rows of a matrix as GGML blocks of the type asked for."""


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """Dimensions of a decoder-only transformer; fields have the names of ``model_config`` in MLC's config."""

    hidden_size: int
    intermediate_size: int
    num_attention_heads: int
    num_key_value_heads: int
    head_dim: int
    num_hidden_layers: int
    rms_norm_eps: float
    rope_theta: float
    vocab_size: int
    context_window_size: int
    tie_word_embeddings: bool


@dataclass(frozen=True, slots=True)
class PackedTensor:
    """A tensor ready to be stored.

    Attributes:
        name: unique in the model.
        shape: of the whole tensor.
        dtype: as stored.
        chunks: gives its parts along the leading dimension, in order, made when asked for.
        parameters: model parameters that it stands for; 0 for scales, which belong to their weight.
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    chunks: Callable[[], Iterator[NDArray[Any]]]
    parameters: int = 0


def plain_tensor(name: str, shape: tuple[int, ...], rows: Sequence[Callable[[], NDArray[np.float32]]]) -> PackedTensor:
    """A float32 tensor made of ``rows``."""
    return PackedTensor(name, shape, np.dtype(np.float32), lambda: (row() for row in rows), int(np.prod(shape)))


def q4_matrix(name: str, shape: tuple[int, ...], parts: Sequence[Rows]) -> list[PackedTensor]:
    """A 4-bit matrix ``[..., N, K]``: weight ``[..., N/16, K/32, 256]``, scale and minimum ``[..., N/16, K/32, 16]``.

    Args:
        name: common part of the tensors' names.
        shape: of the matrix, leading dimensions (layers) included.
        parts: its rows in order, cut anywhere at a multiple of 16.
    """
    make = partial(_part_tensor, shape=shape, parts=parts, source=GGMLQuantizationType.Q4_1)
    return [
        make(f"{name}.weight", 256, np.uint8, packing.pack_q4_weight, parameters=int(np.prod(shape))),
        make(f"{name}.scale", 16, np.float16, packing.pack_q4_scale),
        make(f"{name}.minimum", 16, np.float16, packing.pack_q4_minimum),
    ]


def q8_matrix(name: str, shape: tuple[int, ...], parts: Sequence[Rows]) -> list[PackedTensor]:
    """An 8-bit matrix ``[..., N, K]``: weight ``[..., N/16, K/32, 512]`` and scale ``[..., N/16, K/32, 16]``.

    The last part is padded with zero rows to a multiple of 16; the other arguments are as in :func:`q4_matrix`.
    """
    make = partial(_part_tensor, shape=shape, parts=parts, source=GGMLQuantizationType.Q8_0)
    return [
        make(f"{name}.weight", 512, np.uint8, packing.pack_q8_weight, parameters=int(np.prod(shape))),
        make(f"{name}.scale", 16, np.float16, packing.pack_q8_scale),
    ]


def _part_tensor(
    name: str,
    width: int,
    dtype: DTypeLike,
    pack: Callable[[packing.Blocks], NDArray[Any]],
    *,
    shape: tuple[int, ...],
    parts: Sequence[Rows],
    source: GGMLQuantizationType,
    parameters: int = 0,
) -> PackedTensor:
    *leading, rows, columns = shape
    tiles = -(-rows // packing.TILE_ROWS)
    packed_shape = (*leading, tiles, columns // packing.GROUP, width)
    return PackedTensor(
        name,
        packed_shape,
        np.dtype(dtype),
        lambda: (pack(packing.pad_rows(part(source))) for part in parts),
        parameters,
    )
