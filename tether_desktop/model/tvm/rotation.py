"""The tables of cosines and sines that rotate positions, from what a model folder says of its RoPE."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tether_desktop.errors import ModelBroken
from tether_desktop.model.discovery.model_folder import CONFIG_NAME
from tether_desktop.model.tvm.kv_cache import BLOCK, SharedArray, blocks_for


@dataclass(frozen=True, slots=True)
class RopeScaling:
    """What the tables depend on besides the frequencies.

    Attributes:
        scale: cosines and sines are multiplied by it.
        original_context: in longer context windows the long frequencies count; 0 where there are none.
    """

    scale: float = 1.0
    original_context: int = 0


def read_rope(model_dir: Path) -> RopeScaling:
    """What a packed model folder says under ``rope``.

    Raises:
        ModelBroken: it cannot be read.
    """
    try:
        values = json.loads((model_dir / CONFIG_NAME).read_text(encoding="utf-8"))["rope"]
        return RopeScaling(float(values["scale"]), int(values["original_context"]))
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise ModelBroken(
            "The model cannot be loaded", f"{CONFIG_NAME} does not describe its positions.", "Add the model again."
        ) from error


def rotation_tables(tensors: Mapping[str, NDArray[Any]], rope: RopeScaling, context_window: int) -> list[Any]:
    """Cosines and sines as tensors float32[tables, positions, rotary_dim / 2], for a cache of that window."""
    is_long = 0 < rope.original_context < context_window
    frequencies = tensors["rope.long_inv_freq" if is_long else "rope.inv_freq"].astype(np.float64)
    positions = blocks_for(context_window) * BLOCK
    angles = np.arange(positions)[None, :, None] * frequencies[:, None]
    tables = [SharedArray(angles.shape, np.float32) for _ in range(2)]
    for table, function in zip(tables, (np.cos, np.sin), strict=True):
        table.array[:] = function(angles) * rope.scale
    return [table.tensor for table in tables]
