"""Blocks are taken apart into the very numbers that they stand for."""

from __future__ import annotations

import numpy as np
import pytest
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType
from gguf.quants import dequantize
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.ggml_encoders import encode
from tether_desktop.model.compiler.ggml_blocks import (
    FLOAT_ENCODINGS,
    LEVEL_FORMS,
    SUPERBLOCKS,
    BadWeights,
    read_floats,
    read_levels,
)

ENCODINGS = (*LEVEL_FORMS, *FLOAT_ENCODINGS)


def finite_blocks(seed: int, encoding: GGMLQuantizationType, rows: int = 16, columns: int = 512) -> np.ndarray:
    """Rows of random bytes; those that hold float16 or wider have an exponent that is not all ones."""
    block, size = GGML_QUANT_SIZES[encoding]
    data = np.random.default_rng(seed).integers(0, 256, (rows, columns // block, size), np.uint8)
    halves = {"Q4_1": (0, 2), "Q5_1": (0, 2), "Q4_K": (0, 2), "Q5_K": (0, 2), "Q6_K": (208,)}.get(encoding.name, (0,))
    for first in halves:
        data[..., first + 1] &= 0xBF
    if encoding.name in {"F16", "BF16", "F32"}:
        data[..., -1] &= 0xBF
    return data.reshape(rows, -1)


@pytest.mark.parametrize("encoding", ENCODINGS, ids=lambda encoding: encoding.name)
@settings(derandomize=True, max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_rows_of_any_bytes_become_the_floats_that_gguf_reads(encoding: GGMLQuantizationType, seed: int) -> None:
    rows = finite_blocks(seed, encoding)
    np.testing.assert_array_equal(read_floats(rows, encoding), dequantize(rows, encoding))


@pytest.mark.parametrize("encoding", LEVEL_FORMS, ids=lambda encoding: encoding.name)
def test_levels_are_within_their_bits_and_a_minimum_is_there_where_it_should_be(encoding: GGMLQuantizationType) -> None:
    levels = read_levels(finite_blocks(1, encoding), encoding)
    form = LEVEL_FORMS[encoding]
    assert levels.levels.max() == 2**form.bits - 1
    assert (levels.minimum is not None) == form.has_minimum
    assert levels.zero_point == (0 if form.has_minimum else 2 ** (form.bits - 1))


@pytest.mark.parametrize("encoding", ENCODINGS, ids=lambda encoding: encoding.name)
def test_rows_that_are_a_slice_of_wider_ones_are_read_alike(encoding: GGMLQuantizationType) -> None:
    rows = finite_blocks(2, encoding)
    wider = np.concatenate([rows, rows], axis=1)
    np.testing.assert_array_equal(read_floats(wider[:, : rows.shape[1]], encoding), read_floats(rows, encoding))


@pytest.mark.parametrize("encoding", ENCODINGS, ids=lambda encoding: encoding.name)
@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
def test_weights_that_are_not_finite_are_refused(encoding: GGMLQuantizationType, bad: float) -> None:
    rows = finite_blocks(3, encoding)
    kind, at = {"F32": ("<f4", 0), "Q6_K": ("<f2", 208)}.get(encoding.name, ("<f2", 0))
    value = np.array([bad], kind).view(np.uint8)
    if encoding.name == "BF16":
        value = np.array([bad], "<f4").view(np.uint8)[2:]
    rows[5, at : at + len(value)] = value
    with pytest.raises(BadWeights, match="infinite or no numbers"):
        read_floats(rows, encoding)


@pytest.mark.parametrize("encoding", [*SUPERBLOCKS, GGMLQuantizationType.Q6_K], ids=lambda encoding: encoding.name)
def test_the_encoders_of_the_tests_write_what_gguf_reads(encoding: GGMLQuantizationType) -> None:
    values = np.random.default_rng(4).standard_normal((8, 512)).astype(np.float32)
    error = dequantize(encode(values, encoding), encoding) - values
    bits = {"Q4_K": 4, "Q5_K": 5, "Q6_K": 6}[encoding.name]
    assert np.sqrt(np.square(error).mean()) < 1.5 / 2**bits
