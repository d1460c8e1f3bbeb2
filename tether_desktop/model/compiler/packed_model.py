"""What a model becomes when packed: its dimensions, and its tensors in the order they are stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from gguf import GGMLQuantizationType
from numpy.typing import NDArray

from tether_desktop.model.compiler import packing
from tether_desktop.model.compiler.shape import GROUP, Q4_TILE_BYTES, Q8_TILE_BYTES, TILE_ROWS

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
        parameters: model parameters that it stands for.
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    chunks: Callable[[], Iterator[NDArray[Any]]]
    parameters: int = 0


def plain_tensor(name: str, shape: tuple[int, ...], rows: Sequence[Callable[[], NDArray[np.float32]]]) -> PackedTensor:
    """A float32 tensor made of ``rows``."""
    return PackedTensor(name, shape, np.dtype(np.float32), lambda: (row() for row in rows), int(np.prod(shape)))


def q4_matrix(name: str, shape: tuple[int, ...], parts: Sequence[Rows]) -> PackedTensor:
    """A 4-bit matrix ``[..., N, K]`` as tiles ``[..., N/16, K/32, 320]``.

    Args:
        name: the tensor's name without ``.tiles``.
        shape: of the matrix, leading dimensions (layers) included.
        parts: its rows in order, cut anywhere at a multiple of 16.
    """
    return _matrix(name, shape, parts, Q4_TILE_BYTES, packing.pack_q4, GGMLQuantizationType.Q4_1)


def q8_matrix(name: str, shape: tuple[int, ...], parts: Sequence[Rows]) -> PackedTensor:
    """An 8-bit matrix ``[..., N, K]`` as tiles ``[..., N/16, K/32, 544]``.

    The last part is padded with zero rows to a multiple of 16; the arguments are as in :func:`q4_matrix`.
    """
    return _matrix(name, shape, parts, Q8_TILE_BYTES, packing.pack_q8, GGMLQuantizationType.Q8_0)


def _matrix(
    name: str,
    shape: tuple[int, ...],
    parts: Sequence[Rows],
    tile_bytes: int,
    pack: Callable[[packing.Blocks], packing.Tiles],
    source: GGMLQuantizationType,
) -> PackedTensor:
    *leading, rows, columns = shape
    tile_shape = (*leading, -(-rows // TILE_ROWS), columns // GROUP, tile_bytes)
    return PackedTensor(
        f"{name}.tiles",
        tile_shape,
        np.dtype(np.uint8),
        lambda: (pack(packing.pad_rows(part(source))) for part in parts),
        int(np.prod(shape)),
    )
