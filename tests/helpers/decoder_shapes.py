"""Decoders that tests describe, from the smallest that exercises every part of a llama."""

from __future__ import annotations

from dataclasses import replace

from tether_desktop.model.decoder_shape import MATRICES, DecoderShape

SMALL = DecoderShape(
    layers=2,
    hidden=64,
    intermediate=128,
    heads=4,
    kv_heads=2,
    head_dim=32,
    rotary_dim=32,
    vocab=512,
    norm_eps=1e-5,
    activation="silu",
    attention_scale=32**-0.5,
    embedding_scale=1.0,
    qkv_bias=False,
    qk_norm=False,
    post_norms=False,
    windowed=False,
    rope_tables=1,
    tied=True,
    formats={"embed": "q8_0", "qkv": "q4_1", "o": "q4_1", "gate_up": "q4_1", "down": "q4_1"},
)
"""The smallest shape that exercises every part of a llama."""


def with_formats(shape: DecoderShape, name: str) -> DecoderShape:
    """The same shape with all matrices in one tile format."""
    return replace(shape, formats={matrix: name for matrix in MATRICES if matrix != "lm_head" or not shape.tied})
