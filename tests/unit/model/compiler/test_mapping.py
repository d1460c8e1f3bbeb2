"""What mapping changes about weights is measured, and only where it can change something."""

from __future__ import annotations

import numpy as np
import pytest
from gguf import GGMLQuantizationType

from tests.helpers.ggml_encoders import encode
from tether_desktop.model.compiler.ggml_blocks import FLOAT_ENCODINGS, LEVEL_FORMS, BadWeights
from tether_desktop.model.compiler.mapping import Deviation, is_exact, keeps_levels, map_rows
from tether_desktop.model.decoder_shape import TILE_FORMATS

ENCODINGS = (*LEVEL_FORMS, *FLOAT_ENCODINGS)


@pytest.mark.parametrize("form", TILE_FORMATS.values(), ids=lambda form: form.name)
@pytest.mark.parametrize("encoding", ENCODINGS, ids=lambda encoding: encoding.name)
def test_a_mapping_called_exact_has_no_deviation(encoding: GGMLQuantizationType, form: object) -> None:
    values = np.random.default_rng(1).standard_normal((16, 256)).astype(np.float32)
    _, deviation = map_rows(encode(values, encoding), encoding, form, measured=True)  # type: ignore[arg-type]
    assert (deviation.relative_rms == 0) == is_exact(encoding, form)  # type: ignore[arg-type]


def test_superblocks_keep_their_levels_but_not_every_bit_of_their_scales() -> None:
    form = TILE_FORMATS["q4_1"]
    assert keeps_levels(GGMLQuantizationType.Q4_K, form)
    assert not is_exact(GGMLQuantizationType.Q4_K, form)


def test_nothing_is_measured_unless_asked_for() -> None:
    rows = encode(np.ones((16, 32), np.float32), GGMLQuantizationType.Q4_0)
    _, deviation = map_rows(rows, GGMLQuantizationType.Q4_0, TILE_FORMATS["q4_0"], measured=False)
    assert deviation == Deviation()


def test_deviations_of_parts_add_up_to_that_of_the_whole() -> None:
    values = np.random.default_rng(2).standard_normal((64, 256)).astype(np.float32)
    values[32:] *= 100
    form, kind = TILE_FORMATS["q8_0"], GGMLQuantizationType.F32
    whole, first, second = (
        map_rows(encode(part, kind), kind, form, measured=True)[1] for part in (values, values[:32], values[32:])
    )
    assert (first + second).relative_rms == pytest.approx(whole.relative_rms, rel=1e-12)
    assert whole.relative_rms == pytest.approx(second.relative_rms, rel=0.05)


def test_weights_of_zero_deviate_by_nothing() -> None:
    rows = encode(np.zeros((16, 256), np.float32), GGMLQuantizationType.F32)
    _, deviation = map_rows(rows, GGMLQuantizationType.F32, TILE_FORMATS["q8_0"], measured=True)
    assert deviation.relative_rms == 0


def test_weights_too_small_to_be_squared_as_floats_are_still_found_lost() -> None:
    rows = np.full((16, 32), 1e-30, np.float32).view(np.uint8)
    _, deviation = map_rows(rows, GGMLQuantizationType.F32, TILE_FORMATS["q8_0"], measured=True)
    assert deviation.relative_rms == pytest.approx(1.0)


def test_a_minimum_that_float16_cannot_hold_is_refused() -> None:
    rows = encode(np.ones((16, 32), np.float32), GGMLQuantizationType.Q4_0)
    rows[:, :2] = np.array([60_000], np.float16).view(np.uint8)
    kept, _ = map_rows(rows, GGMLQuantizationType.Q4_0, TILE_FORMATS["q4_0"], measured=False)
    assert kept.scale.max() == 60_000
    with pytest.raises(BadWeights, match="too large"):
        map_rows(rows, GGMLQuantizationType.Q4_0, TILE_FORMATS["q4_1"], measured=False)


def test_products_of_superblocks_that_float16_cannot_hold_are_refused() -> None:
    rows = encode(np.ones((16, 256), np.float32), GGMLQuantizationType.Q4_K)
    rows[:, :2] = np.array([60_000], np.float16).view(np.uint8)
    with pytest.raises(BadWeights, match="too large"):
        map_rows(rows, GGMLQuantizationType.Q4_K, TILE_FORMATS["q4_1"], measured=False)
