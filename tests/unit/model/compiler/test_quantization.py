"""Numbers become the levels that stand for them best."""

from __future__ import annotations

import numpy as np
import pytest
from gguf import GGMLQuantizationType
from gguf.quants import dequantize
from gguf.quants import quantize as quantize_plainly
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.ggml_encoders import encode
from tether_desktop.model.compiler.ggml_blocks import BadWeights, Levels, read_q6
from tether_desktop.model.compiler.quantization import quantize, quantize_q6
from tether_desktop.model.decoder_shape import TILE_FORMATS, TileFormat

FORMATS = tuple(TILE_FORMATS.values())
SHORT = [form for form in FORMATS if form.bits < 8]


def random_weights(seed: int = 0, rows: int = 64) -> np.ndarray:
    return np.random.default_rng(seed).standard_t(5, (rows, 4, 32)).astype(np.float32)


def squared_error(levels: Levels, weights: np.ndarray) -> np.ndarray:
    return np.square(levels.floats() - weights).sum(axis=-1)


def by_name(form: TileFormat) -> str:
    return form.name


@pytest.mark.parametrize("form", FORMATS, ids=by_name)
@pytest.mark.parametrize("exponent", [-30, -7, 0, 9])
def test_no_group_is_worse_than_ggmls_own_rounding(form: TileFormat, exponent: int) -> None:
    weights = random_weights() * np.float32(2.0**exponent)
    kind = GGMLQuantizationType[form.name.upper()]
    plain = dequantize(quantize_plainly(weights.reshape(64, -1), kind), kind).reshape(weights.shape)
    ours, theirs = squared_error(quantize(weights, form), weights), np.square(plain - weights).sum(axis=-1)
    assert (ours <= theirs * 1.02).mean() > 0.98
    assert ours.sum() <= theirs.sum()


@pytest.mark.parametrize("form", SHORT, ids=by_name)
def test_searching_takes_some_percent_off_the_error(form: TileFormat) -> None:
    weights = random_weights(rows=512)
    kind = GGMLQuantizationType[form.name.upper()]
    plain = dequantize(quantize_plainly(weights.reshape(512, -1), kind), kind).reshape(weights.shape)
    gain = squared_error(quantize(weights, form), weights).sum() / np.square(plain - weights).sum()
    assert gain < 0.95


@pytest.mark.parametrize("form", FORMATS, ids=by_name)
def test_scales_and_minimums_are_float16_and_levels_within_their_bits(form: TileFormat) -> None:
    levels = quantize(random_weights(), form)
    for values in (levels.scale, levels.minimum):
        if values is not None:
            np.testing.assert_array_equal(values, values.astype(np.float16))
    assert levels.levels.max() < 2**form.bits
    assert (levels.minimum is not None, levels.zero_point) == (form.has_minimum, form.zero_point)


@pytest.mark.parametrize("form", FORMATS, ids=by_name)
@pytest.mark.parametrize("value", [0.0, 0.5, -0.25, 2.0**-20])
def test_equal_weights_stay_what_they_are(form: TileFormat, value: float) -> None:
    weights = np.full((16, 2, 32), value, np.float32)
    np.testing.assert_allclose(quantize(weights, form).floats(), weights, rtol=2e-3)


@pytest.mark.parametrize("form", FORMATS, ids=by_name)
def test_weights_too_small_for_a_float16_scale_do_not_all_become_zero(form: TileFormat) -> None:
    weights = random_weights() * np.float32(2e-7)
    kept = quantize(weights, form).floats()
    assert np.square(kept - weights).sum() < 0.1 * np.square(weights).sum()


@pytest.mark.parametrize("form", FORMATS, ids=by_name)
@settings(derandomize=True, max_examples=25, deadline=None)
@given(values=st.lists(st.floats(-1e4, 1e4, width=32), min_size=32, max_size=32))
def test_any_weights_are_off_by_at_most_a_step(form: TileFormat, values: list[float]) -> None:
    weights = np.array(values, np.float32).reshape(1, 1, 32)
    spread = float(np.ptp(weights)) if form.has_minimum else 2 * float(np.abs(weights).max())
    largest = float(np.abs(weights).max())
    error = np.sqrt(squared_error(quantize(weights, form), weights).max())
    plain = spread / (2**form.bits - 2) / 2 + largest * 2.0**-10 + 2.0**-24 * 2**form.bits
    assert error <= plain * np.sqrt(32)


@pytest.mark.parametrize("form", FORMATS, ids=by_name)
@pytest.mark.parametrize("value", [1e9, 3e38])
def test_weights_beyond_every_float16_scale_are_refused(form: TileFormat, value: float) -> None:
    weights = random_weights()
    weights[3, 1, 7] = -value
    with pytest.raises(BadWeights, match="too large"):
        quantize(weights, form)


def test_a_part_of_q6_k_that_has_the_larger_scale_is_kept_as_it_is() -> None:
    values = random_weights(rows=64).reshape(16, 512)
    rows = encode(values, GGMLQuantizationType.Q6_K)
    signed, scale = read_q6(rows)
    weights = signed * scale[..., None]
    kept = quantize_q6(signed, scale, 128).floats().reshape(weights.shape)
    larger = np.arange(2) == np.abs(scale).argmax(axis=-1)[..., None]
    np.testing.assert_allclose(kept[larger], weights[larger], rtol=2.0**-10, atol=1e-6)
    by_number = quantize(weights.reshape(16, 16, 32), TILE_FORMATS["q8_0"]).floats().reshape(weights.shape)
    assert np.square(kept - weights).sum() < 0.7 * np.square(by_number - weights).sum()
