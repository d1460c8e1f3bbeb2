"""A decoder of any shape with random weights, as a packed folder without a tokenizer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tether_desktop.model.compiler.build import compile_library
from tether_desktop.model.compiler.shards import ShardWriter, write_json
from tether_desktop.model.decoder_shape import TILE_FORMATS, TILE_ROWS, DecoderShape, TileFormat, shape_json


@dataclass(frozen=True)
class RandomDecoder:
    """A packed folder, its library, and what is in it.

    Attributes:
        windows: positions that each layer sees back; empty where the shape is not windowed.
        rope_of_layer: the table of each layer.
        rope_scale: of cosines and sines.
    """

    folder: Path
    library: Path
    shape: DecoderShape
    tensors: dict[str, NDArray[Any]]
    rope_scale: float = 1.0


def make_random_decoder(
    parent: Path,
    shape: DecoderShape,
    isa: str,
    *,
    windows: tuple[int, ...] = (),
    rope_of_layer: tuple[int, ...] = (),
    rope_scale: float = 1.0,
    compiled: bool = True,
) -> RandomDecoder:
    """Write a random decoder as ``parent/model`` and compile its library."""
    folder, library = parent / "model", parent / f"{isa}.so"
    folder.mkdir(parents=True)
    tensors = random_tensors(shape)
    if shape.windowed:
        tensors["layers.window"] = np.array(windows, np.int32)
    if shape.rope_tables > 1:
        tensors["layers.rope"] = np.array(rope_of_layer, np.int32)
    with ShardWriter(folder) as writer:
        for name, tensor in tensors.items():
            writer.add(name, tensor.shape, tensor.dtype, [tensor])
    config = {
        "model_type": "random",
        "quantization": "random",
        "context_window_size": 4096,
        "vocab_size": shape.vocab,
        "prefill_chunk_size": 64,
        "model_config": {},
        "decoder": shape_json(shape),
        "rope": {"scale": rope_scale, "original_context": 0},
    }
    write_json(folder / "mlc-chat-config.json", config)
    if compiled:
        compile_library(folder, isa, library, lambda _: None)
    return RandomDecoder(folder, library, shape, tensors, rope_scale)


def random_tensors(shape: DecoderShape, seed: int = 0) -> dict[str, NDArray[Any]]:
    """A tensor for every name of :meth:`DecoderShape.stored_tensors`; integers are zero."""
    random = np.random.default_rng(seed)
    forms = {form.tile_bytes: form for form in TILE_FORMATS.values()}
    tensors: dict[str, NDArray[Any]] = {}
    for name, (dimensions, dtype) in shape.stored_tensors().items():
        if dtype == "uint8":
            tensors[name] = random_tiles(random, dimensions, forms[dimensions[-1]])
        elif name == "rope.inv_freq":
            bases = 10_000.0 * 100.0 ** np.arange(dimensions[0])[:, None]
            tensors[name] = (bases ** -(np.arange(dimensions[1]) / dimensions[1])).astype(np.float32)
        elif dtype == "float32":
            tensors[name] = random.uniform(0.5, 1.5, dimensions).astype(np.float32)
        elif name.endswith(".place"):
            tensors[name] = alternating_places(shape.layers, shape.wide_layers[name.split(".")[1]])
        else:
            tensors[name] = np.zeros(dimensions, dtype)
    return tensors


def alternating_places(layers: int, wide: int) -> NDArray[np.int32]:
    """Where each layer lies when the first, the third and so on are wide."""
    narrow_layers = [layer for layer in range(layers) if layer % 2 == 1 or layer // 2 >= wide]
    places = np.array([narrow_layers.index(at) if at in narrow_layers else -1 - at // 2 for at in range(layers)])
    return places.astype(np.int32)


def random_tiles(random: np.random.Generator, shape: tuple[int, ...], form: TileFormat) -> NDArray[np.uint8]:
    """Tiles of which each row of a matrix has values around 0 with a variance of 1 / its columns."""
    tiles = random.integers(0, 256, shape, np.uint8)
    step = (12 / (shape[-2] * 32)) ** 0.5 / 2**form.bits
    scales = random.uniform(0.5, 1.5, (*shape[:-1], TILE_ROWS)) * step
    halves = [scales.astype(np.float16)]
    if form.has_minimum:
        halves.append((scales * -(2 ** (form.bits - 1) - 0.5)).astype(np.float16))
    tiles[..., form.level_bytes :] = np.concatenate(halves, axis=-1).view(np.uint8)
    return tiles
