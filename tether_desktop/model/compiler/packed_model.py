"""What a model becomes when packed: its tensors in the order they are stored, made piece by piece."""

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any, TypeVar

import numpy as np
from gguf import GGMLQuantizationType
from numpy.typing import NDArray

from tether_desktop.errors import ModelBroken
from tether_desktop.model.compiler.formats import (
    LAYERLESS,
    PARTS,
    Formats,
    check_encoding,
    decoder_shape,
    encodings_of,
)
from tether_desktop.model.compiler.ggml_blocks import BadWeights, Floats, read_floats
from tether_desktop.model.compiler.mapping import Deviation, Mapping, is_exact
from tether_desktop.model.compiler.packing import Tiles, interleave_tiles, pack_rows
from tether_desktop.model.compiler.source import ModelSource, SourceTensor
from tether_desktop.model.decoder_shape import (
    TILE_FORMATS,
    TILE_ROWS,
    DecoderShape,
    Params,
    TileFormat,
    parse_shape,
    shape_json,
)

_WEIGHTS_AT_ONCE = 1 << 20
"""In a piece of a matrix; what is made of them on the way takes some 30 bytes each."""

_MOST_WORKERS = 8
"""More would take memory that the disk does not repay."""

_Piece = tuple[SourceTensor, NDArray[np.uint8]]
_Result = TypeVar("_Result")

_VECTORS = {
    "layers.attn_norm": ("attn_norm",),
    "layers.qkv.bias": ("q_bias", "k_bias", "v_bias"),
    "layers.q_norm": ("q_norm",),
    "layers.k_norm": ("k_norm",),
    "layers.post_attn_norm": ("post_attn_norm",),
    "layers.ffn_norm": ("ffn_norm",),
    "layers.post_ffn_norm": ("post_ffn_norm",),
    "final_norm": ("final_norm",),
}
"""Which vectors of the source make up each tensor; of every layer, where the tensor is of the layers."""


@dataclass(frozen=True, slots=True)
class PackedTensor:
    """A tensor ready to be stored.

    Attributes:
        name: unique in the model.
        shape: of the whole tensor.
        dtype: as stored.
        chunks: gives its parts along the leading dimensions, in order, made when asked for.
        parameters: model parameters that it stands for.
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    chunks: Callable[[], Iterator[NDArray[Any]]]
    parameters: int = 0


@dataclass(slots=True)
class _Stack:
    """Layers of a matrix that go into one tensor, and what that has changed about them so far.

    Attributes:
        layers: their numbers; None alone outside the layers.
    """

    matrix: str
    form: TileFormat
    layers: tuple[int | None, ...]
    deviation: Deviation = field(default_factory=Deviation)


class PackedModel:
    """A source model in tiles.

    Attributes:
        shape: what is compiled of it.
    """

    def __init__(self, source: ModelSource, formats: Formats) -> None:
        """Prepare for packing into these tile formats; nothing is read yet.

        Raises:
            ModelBroken: kernels cannot be made for its dimensions.
        """
        self._source = source
        self._check_rope()
        self.shape = _checked(decoder_shape(source.config, formats), source)
        self._formats = formats
        self._stacks = self._make_stacks()

    def tensors(self) -> Iterator[PackedTensor]:
        """All tensors in the order they are stored.

        Asking for chunks raises:
            ModelBroken: weights are damaged, or of a kind that cannot be packed.
        """
        for name, (shape, dtype) in self._stored().items():
            if name in self._stacks:
                stack = self._stacks[name]
                yield PackedTensor(name, shape, np.dtype(dtype), partial(self._tiles, stack), self._weights_in(stack))
            elif name in _VECTORS:
                yield PackedTensor(name, shape, np.dtype(dtype), partial(self._vectors, name), math.prod(shape))
            else:
                yield PackedTensor(name, shape, np.dtype(dtype), partial(self._table, name))

    def mappings(self) -> tuple[Mapping, ...]:
        """What packing has changed about each kind of matrix, once all chunks have been made."""
        return tuple(map(self._mapping, self._stacks.values()))

    def _make_stacks(self) -> dict[str, _Stack]:
        """What the tensors of tiles hold, by their names."""
        stacks = {}
        for matrix, name in self._formats.names.items():
            if matrix in LAYERLESS:
                stacks[f"{matrix}.tiles"] = _Stack(matrix, TILE_FORMATS[name], (None,))
                continue
            wide = self._wide_layers(matrix)
            narrow = tuple(layer for layer in range(self.shape.layers) if layer not in wide)
            for stack, layers in zip(self.shape.stacks(matrix), (narrow, wide), strict=False):
                stacks[stack.tensor] = _Stack(matrix, TILE_FORMATS[stack.form], layers)
        return stacks

    def _wide_layers(self, matrix: str) -> tuple[int, ...]:
        return self._formats.wide[matrix].layers if matrix in self._formats.wide else ()

    def _stored(self) -> Params:
        stored = self.shape.stored_tensors()
        if self._source.config.rope.original_context:
            stored["rope.long_inv_freq"] = stored["rope.inv_freq"]
        return stored

    def _weights_in(self, stack: _Stack) -> int:
        parts = (self._source.tensor(part, stack.layers[0]) for part in PARTS[stack.matrix])
        return len(stack.layers) * sum(math.prod(part.shape) for part in parts)

    def _encodings(self, stack: _Stack) -> list[GGMLQuantizationType]:
        return sorted(set().union(*(encodings_of(self._source, stack.matrix, layer) for layer in stack.layers)))

    def _tiles(self, stack: _Stack) -> Iterator[Tiles]:
        """The tiles of a stack, some rows at a time; the deviation adds up on the way."""
        measured = not all(is_exact(encoding, stack.form) for encoding in self._encodings(stack))
        jobs = (partial(self._pack, pieces, stack.form, measured) for pieces in self._pieces(stack))
        for tiles, deviation in _side_by_side(jobs):
            stack.deviation += deviation
            yield tiles

    def _pieces(self, stack: _Stack) -> Iterator[list[_Piece]]:
        """Rows of the source in order; those of gate and up together, as their tiles alternate."""
        for layer in stack.layers:
            parts = [_rows_of(self._source.tensor(part, layer)) for part in PARTS[stack.matrix]]
            if stack.matrix == "gate_up":
                yield from map(list, zip(*parts, strict=True))
            else:
                yield from ([piece] for part in parts for piece in part)

    def _pack(self, pieces: list[_Piece], form: TileFormat, measured: bool) -> tuple[Tiles, Deviation]:
        packed = []
        for tensor, rows in pieces:
            with self._blaming(tensor):
                packed.append(pack_rows(rows, tensor.encoding, form, measured=measured))
        tiles, deviations = zip(*packed, strict=True)
        return interleave_tiles(*tiles) if len(tiles) == 2 else tiles[0], sum(deviations, Deviation())

    def _vectors(self, name: str) -> Iterator[Floats]:
        offset = np.float32(self._source.config.norm_offset if name.endswith("norm") else 0)
        for layer in range(self.shape.layers) if name.startswith("layers.") else [None]:
            for part in _VECTORS[name]:
                yield self._vector(self._source.tensor(part, layer)) + offset

    def _vector(self, tensor: SourceTensor) -> Floats:
        check_encoding(tensor.encoding)
        with self._blaming(tensor):
            return read_floats(tensor.read(), tensor.encoding).reshape(-1)

    @contextmanager
    def _blaming(self, tensor: SourceTensor) -> Iterator[None]:
        """Say whose weights are bad."""
        try:
            yield
        except BadWeights as error:
            raise _refused(
                self._source, f"its tensor {tensor.name!r} {error}.", "Fetch the model again, or choose another one."
            ) from error

    def _table(self, name: str) -> Iterator[NDArray[Any]]:
        config = self._source.config
        if name == "layers.window":
            yield np.array(config.windows, np.int32)
        elif name == "layers.rope":
            yield np.array(config.rope.of_layer, np.int32)
        elif name.endswith(".place"):
            yield self._places(name.removeprefix("layers.").removesuffix(".place"))
        else:
            yield self._frequencies(long=name == "rope.long_inv_freq")

    def _places(self, matrix: str) -> NDArray[np.int32]:
        """Where each layer lies, as :meth:`DecoderShape.stacks` says."""
        is_wide = np.isin(np.arange(self.shape.layers), self._wide_layers(matrix)).astype(np.int32)
        return np.where(is_wide, -np.cumsum(is_wide), np.cumsum(1 - is_wide) - 1).astype(np.int32)

    def _check_rope(self) -> None:
        tables = self._source.config.rope.tables
        frequencies = [frequency for table in tables for frequency in (*table.inv_freq, *table.long_inv_freq)]
        if not all(0 < frequency < math.inf for frequency in frequencies):
            raise _refused(self._source, "its positions rotate by frequencies that cannot be.", "Fetch it again.")

    def _frequencies(self, *, long: bool) -> Floats:
        """Radians per position, float32[tables, pairs]; the long ones where a table has them."""
        tables = self._source.config.rope.tables
        return np.array([(long and table.long_inv_freq) or table.inv_freq for table in tables], np.float32)

    def _mapping(self, stack: _Stack) -> Mapping:
        names = tuple(encoding.name for encoding in self._encodings(stack))
        deviation = stack.deviation.relative_rms
        return Mapping(stack.matrix, names, stack.form.name, deviation == 0, deviation)


def _rows_of(tensor: SourceTensor) -> Iterator[_Piece]:
    rows, columns = tensor.shape
    step = max(_WEIGHTS_AT_ONCE // columns // TILE_ROWS, 1) * TILE_ROWS
    for start in range(0, rows, step):
        yield tensor, tensor.read(slice(start, min(start + step, rows)))


def _side_by_side(jobs: Iterator[Callable[[], _Result]]) -> Iterator[_Result]:
    """What the jobs give, in their order; a few run at once, as numpy lets go of the interpreter while it computes."""
    workers = min(os.cpu_count() or 1, _MOST_WORKERS)
    with ThreadPoolExecutor(workers) as pool:
        running = deque(pool.submit(job) for job in islice(jobs, workers + 1))
        while running:
            result = running.popleft().result()
            running.extend(pool.submit(job) for job in islice(jobs, 1))
            yield result


def _checked(shape: DecoderShape, source: ModelSource) -> DecoderShape:
    try:
        return parse_shape(shape_json(shape))
    except ValueError as error:
        raise _refused(source, f"our kernels cannot run it, as {error}.", "Choose another model.") from error


def _refused(source: ModelSource, reason: str, hint: str) -> ModelBroken:
    return ModelBroken("The model cannot be packed", f"{source.path.name}: {reason}", hint)
