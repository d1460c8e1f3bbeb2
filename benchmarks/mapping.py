"""What packing changes about the weights of each GGML type, beside what quantizing to that type had changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType
from numpy.typing import NDArray

from benchmarks.report import Cell, Report, Table, machine
from tests.helpers.ggml_encoders import encode
from tests.helpers.tiles import dequantize
from tether_desktop.model.compiler.formats import choose_format
from tether_desktop.model.compiler.ggml_blocks import FLOAT_ENCODINGS, LEVEL_FORMS, read_floats
from tether_desktop.model.compiler.packing import pack_rows
from tether_desktop.model.decoder_shape import GROUP, TILE_FORMATS, TILE_ROWS, TileFormat

SEED = 20
COLUMNS = 2048
OUTLIERS = 1 / 500
OUTLIER_SIZE = 6.0
COLUMN_NAMES = ("type", "bits", "packed as", "bits here", "exact", "mapping %", "type itself %", "both %")
NOTES = (
    "Relative RMS: root of the squared differences by the squared weights. The mapping is compared with what the type",
    "stands for; the type itself, and both together, with the weights it was made of.",
    f"The weights are normally distributed, one in {1 / OUTLIERS:.0f} is {OUTLIER_SIZE:.0f} times as large.",
    "K-quants are written by a plain encoder; the search in llama.cpp makes them somewhat better.",
)


def run(*, quick: bool = False) -> Report:
    """Map each type; fewer weights with ``quick``."""
    weights = random_weights(256 if quick else 4096)
    kinds = sorted((*LEVEL_FORMS, *FLOAT_ENCODINGS), key=lambda kind: (_bits_of_type(kind), kind.name))
    eight = TILE_FORMATS["q8_0"]
    tables = (
        _table("Packed by itself", weights, kinds, choose_format),
        _table("Where other layers of the kind have 8 bits", weights, kinds, lambda _: eight),
        _table("Where 4 bits are asked for", weights, kinds, lambda kind: choose_format(kind, 4)),
    )
    return Report("mapping", tables, {**machine(), "weights": weights.size}, NOTES)


def random_weights(rows: int) -> NDArray[np.float32]:
    """float32[rows, 2048], always the same."""
    random = np.random.default_rng(SEED)
    weights = random.standard_normal((rows, COLUMNS)) / np.sqrt(COLUMNS)
    weights[random.random(weights.shape) < OUTLIERS] *= OUTLIER_SIZE
    return np.asarray(weights, np.float32)


def _table(
    title: str,
    weights: NDArray[np.float32],
    kinds: Sequence[GGMLQuantizationType],
    form_for: Callable[[Sequence[GGMLQuantizationType]], TileFormat],
) -> Table:
    """All types in the first table, and in the others those that the circumstance changes."""
    changed = [kind for kind in kinds if form_for is choose_format or form_for([kind]) != choose_format([kind])]
    return Table(title, COLUMN_NAMES, tuple(_row(weights, kind, form_for([kind])) for kind in changed))


def _row(weights: NDArray[np.float32], kind: GGMLQuantizationType, form: TileFormat) -> tuple[Cell, ...]:
    rows = encode(weights, kind)
    source = read_floats(rows, kind)
    tiles, mapping = pack_rows(rows, kind, form, measured=True)
    return (
        kind.name,
        _bits_of_type(kind),
        form.name,
        form.tile_bytes * 8 / (TILE_ROWS * GROUP),
        "yes" if mapping.relative_rms == 0 else "no",
        mapping.relative_rms * 100,
        _relative_rms(source, weights) * 100,
        _relative_rms(dequantize(tiles), weights) * 100,
    )


def _bits_of_type(kind: GGMLQuantizationType) -> float:
    block, size = GGML_QUANT_SIZES[kind]
    return float(size * 8 / block)


def _relative_rms(kept: NDArray[np.float32], weights: NDArray[np.float32]) -> float:
    return float(np.linalg.norm(kept - weights) / np.linalg.norm(weights))
