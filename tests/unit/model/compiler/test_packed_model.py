"""Packing streams: what it takes of memory does not grow with the model."""

from __future__ import annotations

import tracemalloc
from dataclasses import dataclass, replace

import numpy as np
import pytest
from gguf import GGMLQuantizationType
from numpy.typing import NDArray

from tests.helpers.memory_source import PLAIN, MemorySource, MemoryTensor
from tether_desktop.model.compiler import packed_model
from tether_desktop.model.compiler.formats import choose_formats
from tether_desktop.model.compiler.packed_model import PackedModel

ROWS, COLUMNS = 65_536, 1_152
PIECE_BYTES = 30 << 20
"""What one piece takes on the way; one more than there are workers may be there at once."""


@dataclass(frozen=True)
class EndlessTensor:
    """A matrix of 75 million weights that is made when it is read."""

    name: str = "endless"
    encoding: GGMLQuantizationType = GGMLQuantizationType.F32
    shape: tuple[int, ...] = (ROWS, COLUMNS)

    def read(self, rows: slice = slice(None)) -> NDArray[np.uint8]:
        """Some rows: all of a row are its number."""
        numbers = np.arange(*rows.indices(ROWS), dtype=np.float32)
        return np.repeat(numbers[:, None], COLUMNS, axis=1).view(np.uint8)


@pytest.mark.parametrize("workers", [1, 8])
def test_a_matrix_of_any_size_takes_bounded_memory(monkeypatch: pytest.MonkeyPatch, workers: int) -> None:
    monkeypatch.setattr(packed_model.os, "cpu_count", lambda: workers)
    source = MemorySource(replace(PLAIN, vocab=ROWS, hidden=COLUMNS))
    source.tensors["embed", None] = EndlessTensor()  # type: ignore[assignment]
    model = PackedModel(source, choose_formats(source))
    embedding = next(tensor for tensor in model.tensors() if tensor.name == "embed.tiles")
    tracemalloc.start()
    try:
        rows = sum(len(chunk) for chunk in embedding.chunks())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (rows, embedding.parameters) == (ROWS // 16, ROWS * COLUMNS)
    assert peak < (workers + 1) * PIECE_BYTES < ROWS * COLUMNS * 4


def test_pieces_come_in_order_however_many_are_made_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed_model.os, "cpu_count", lambda: 4)
    monkeypatch.setattr(packed_model, "_WEIGHTS_AT_ONCE", 16 * 256)
    source = MemorySource(PLAIN)
    numbers = np.repeat(np.arange(512, dtype=np.float32)[:, None], 256, axis=1)
    kind = GGMLQuantizationType.F32
    for layer, sign in enumerate((1, -1)):
        rows = (sign * numbers).view(np.uint8)
        source.tensors["gate", layer] = MemoryTensor("gate", kind, (512, 256), rows)
    model = PackedModel(source, choose_formats(source))
    tiles = next(tensor for tensor in model.tensors() if tensor.name == "layers.gate_up.tiles")
    packed = np.concatenate(list(tiles.chunks()))[::2, 0]
    scales = packed[:, 512:].copy().view(np.float16).astype(np.float32).reshape(2, 512)
    np.testing.assert_allclose(scales * 127, np.abs(numbers[None, :, 0]).repeat(2, axis=0), rtol=1e-3)
    assert (packed[32:, :4] <= 128).all()
