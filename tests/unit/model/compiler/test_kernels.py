"""Every kernel against numpy with the same inputs, on every instruction set this processor runs."""

from __future__ import annotations

import mmap
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tvm.tirx.script import builder as T  # noqa: N812

from tests.helpers.kernels import aligned, compile_kernel, runnable_isas
from tests.helpers.random_decoder import random_tiles
from tests.helpers.tiles import dequantize_tiles
from tether_desktop.model.compiler import kernels
from tether_desktop.model.compiler import vector_ir as v
from tether_desktop.model.compiler.isa import Isa
from tether_desktop.model.compiler.kernels import Matrix, Norm, Quantized
from tether_desktop.model.decoder_shape import TILE_FORMATS, Activation, TileFormat

pytestmark = pytest.mark.parametrize("isa", runnable_isas())
every_format = pytest.mark.parametrize("form", [pytest.param(form, id=name) for name, form in TILE_FORMATS.items()])


def buffer(name: str, *shape: int, dtype: str = "float32") -> Any:
    return T.arg(name, T.buffer(shape, dtype))


def quantized_buffers(tokens: int, columns: int) -> Quantized:
    groups = columns // 32
    return Quantized(
        buffer("levels", tokens, columns, dtype="int8"),
        buffer("scales", tokens, groups),
        buffer("sums", tokens, groups),
    )


def quantized_arrays(tokens: int, columns: int) -> list[NDArray[Any]]:
    groups = columns // 32
    return [
        aligned(np.zeros((tokens, columns)), np.int8),
        aligned(np.zeros((tokens, groups)), np.float32),
        aligned(np.zeros((tokens, groups)), np.float32),
    ]


def random(*shape: int, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def test_exp_is_exact_to_two_parts_in_ten_million(isa: Isa) -> None:
    x = aligned(np.linspace(-87, 88, 1024, dtype=np.float32))
    out = aligned(np.zeros_like(x))

    def body() -> None:
        source, result = buffer("x", 1024), buffer("y", 1024)
        with T.serial(0, 64) as i:
            v.store(result, v.exp(source[v.lanes(i * 16)]), v.lanes(i * 16))

    compile_kernel(body, isa)(x, out)
    np.testing.assert_allclose(out, np.exp(x.astype(np.float64)), rtol=3e-7)


def test_exp_of_a_very_small_number_is_as_good_as_nothing(isa: Isa) -> None:
    x, out = aligned(np.full(16, -1e30, np.float32)), aligned(np.ones(16, np.float32))

    def body() -> None:
        source, result = buffer("x", 16), buffer("y", 16)
        v.store(result, v.exp(source[v.lanes(0)]), v.lanes(0))

    compile_kernel(body, isa)(x, out)
    assert (out < 1e-37).all()
    assert (out >= 0).all()


def silu(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(x / (1 + np.exp(-x)))


def gelu_tanh(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))))


@pytest.mark.parametrize(("name", "expected"), [("silu", silu), ("gelu_tanh", gelu_tanh)])
def test_an_activation_is_what_its_formula_says(isa: Isa, name: Activation, expected: Any) -> None:
    x, out = aligned(np.linspace(-30, 30, 64, dtype=np.float32)), aligned(np.zeros(64, np.float32))

    def body() -> None:
        source, result = buffer("x", 64), buffer("y", 64)
        for i in range(4):
            v.store(result, kernels.ACTIVATIONS[name](source[v.lanes(i * 16)]), v.lanes(i * 16))

    compile_kernel(body, isa)(x, out)
    np.testing.assert_allclose(out, expected(x.astype(np.float64)), rtol=3e-6, atol=1e-9)


def test_a_normalized_row_is_added_to_what_is_there(isa: Isa) -> None:
    x, weight, sums = random(1, 96), random(96, seed=1), random(1, 96, seed=2)
    out = aligned(sums)

    def body() -> None:
        source, norm, total = buffer("x", 1, 96), buffer("w", 96), buffer("sums", 1, 96)
        Norm(norm, 96, 1e-5).add(source, 0, total)

    compile_kernel(body, isa)(aligned(x), aligned(weight), out)
    expected = sums + x / np.sqrt((x.astype(np.float64) ** 2).mean() + 1e-5) * weight
    np.testing.assert_allclose(out, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("scale", [1.0, 1e-3, 0.0])
def test_a_normalized_row_is_quantized_by_groups_of_32(isa: Isa, scale: float) -> None:
    columns, eps = 96, 1e-5
    x, weight = random(2, columns) * np.float32(scale), random(columns, seed=1)
    levels, scales, sums = quantized_arrays(2, columns)

    def body() -> None:
        source, norm = buffer("x", 2, columns), buffer("w", columns)
        out = quantized_buffers(2, columns)
        with T.serial(0, 2) as token:
            Norm(norm, columns, eps).quantize(source, token, out)

    compile_kernel(body, isa)(aligned(x), aligned(weight), levels, scales, sums)
    expected = x / np.sqrt((x.astype(np.float64) ** 2).mean(-1, keepdims=True) + eps) * weight
    groups = expected.reshape(2, -1, 32)
    np.testing.assert_allclose(scales, np.abs(groups).max(-1) / 127, rtol=1e-5, atol=1e-30)
    np.testing.assert_allclose(levels.reshape(2, -1, 32) * scales[..., None], groups, atol=np.abs(groups).max() / 200)
    np.testing.assert_allclose(sums, (levels.reshape(2, -1, 32) * scales[..., None]).sum(-1), rtol=1e-5, atol=1e-6)


@every_format
@pytest.mark.parametrize("tokens", [1, 4])
def test_a_product_equals_numpy_with_the_same_int8_inputs(isa: Isa, form: TileFormat, tokens: int) -> None:
    rows, columns = 48, 160
    packed, weights = random_matrix(rows, columns, form)
    levels, scales, sums = random_activations(tokens, columns)
    out = aligned(np.zeros((tokens, rows)), np.float32)
    multiply(isa, packed, form, tokens)(packed, levels, scales, sums, out)
    activations = levels.reshape(tokens, -1, 32) * scales[..., None].astype(np.float64)
    expected = activations.reshape(tokens, columns) @ weights.T.astype(np.float64)
    assert np.abs(expected).max() > 1
    np.testing.assert_allclose(out, expected, atol=1e-4 * np.abs(expected).max())


@every_format
def test_the_largest_weights_and_activations_do_not_overflow(isa: Isa, form: TileFormat) -> None:
    rows, columns = 16, 64
    packed, _ = random_matrix(rows, columns, form)
    packed[..., : form.level_bytes] = 255
    ones = np.ones((form.tile_bytes - form.level_bytes) // 2, np.float16)
    packed[..., form.level_bytes :] = ones.view(np.uint8)
    weights = dequantize_tiles({"w.tiles": packed}, "w")
    levels, scales, sums = quantized_arrays(1, columns)
    levels[:], scales[:], sums[:] = -127, 1, -127 * 32
    out = aligned(np.zeros((1, rows)), np.float32)
    multiply(isa, packed, form, 1)(packed, levels, scales, sums, out)
    np.testing.assert_array_equal(out[0], weights.astype(np.float64).sum(-1) * -127)


def test_the_smallest_8_bit_weight_keeps_its_sign(isa: Isa) -> None:
    form = TILE_FORMATS["q8_0"]
    packed, _ = random_matrix(16, 32, form)
    packed[..., :512] = 0
    levels, scales, sums = quantized_arrays(1, 32)
    levels[:], scales[:], sums[:] = 127, 1, 127 * 32
    out = aligned(np.zeros((1, 16)), np.float32)
    multiply(isa, packed, form, 1)(packed, levels, scales, sums, out)
    np.testing.assert_allclose(out[0], dequantize_tiles({"w.tiles": packed}, "w").sum(-1) * 127, rtol=1e-6)


@every_format
def test_an_embedding_is_the_dequantized_row_times_its_scale(isa: Isa, form: TileFormat) -> None:
    packed, weights = random_matrix(64, 96, form)
    out = aligned(np.zeros((2, 96)), np.float32)

    def body() -> None:
        table = Matrix(buffer("table", *packed.shape, dtype="uint8"), form)
        token = T.arg("token", T.int32())
        kernels.embed(table, token, 4.0, buffer("out", 2, 96), 1)

    kernel = compile_kernel(body, isa)
    for token in (0, 15, 16, 63):
        kernel(packed, token, out)
        np.testing.assert_allclose(out[1], weights[token] * 4, rtol=1e-6, atol=1e-6)
    assert not out[0].any()


def random_matrix(rows: int, columns: int, form: TileFormat) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """A packed random matrix, and its floats."""
    shape = (rows // 16, columns // 32, form.tile_bytes)
    packed = aligned(random_tiles(np.random.default_rng(2), shape, form))
    return packed, dequantize_tiles({"w.tiles": packed}, "w")


def random_activations(tokens: int, columns: int) -> list[NDArray[Any]]:
    levels, scales, sums = quantized_arrays(tokens, columns)
    generator = np.random.default_rng(3)
    levels[:] = generator.integers(-127, 128, levels.shape)
    scales[:] = generator.uniform(0.01, 0.03, scales.shape)
    sums[:] = levels.reshape(tokens, -1, 32).sum(-1) * scales
    return [levels, scales, sums]


def multiply(isa: Isa, packed: NDArray[np.uint8], form: TileFormat, tokens: int) -> Any:
    tile_rows, groups, _ = packed.shape

    def body() -> None:
        matrix = Matrix(buffer("w", *packed.shape, dtype="uint8"), form)
        x = quantized_buffers(tokens, groups * 32)
        out = buffer("out", tokens, tile_rows * 16)
        with T.parallel(0, tile_rows) as tile:

            def write(token: int, row: int, result: Any) -> None:
                v.store(out, result, token, v.lanes(tile * 16 + row, isa.rows))

            kernels.multiply_tile_row(isa, matrix, tile, x, 0, tokens, write)

    return compile_kernel(body, isa)


def test_weights_beyond_two_gigabytes_are_found(isa: Isa) -> None:
    """Only the last layer is written to, so that the others take no memory."""
    form = TILE_FORMATS["q8_0"]
    packed, weights = random_matrix(1024, 1024, form)
    layers = 2**31 // packed.nbytes + 2
    memory = mmap.mmap(-1, layers * packed.nbytes)
    stacked = np.frombuffer(memory, np.uint8).reshape(layers, *packed.shape)
    stacked[-1] = packed
    levels, scales, sums = random_activations(1, 1024)
    out = aligned(np.zeros(1024), np.float32)

    def body() -> None:
        layer = T.arg("layer", T.int64())
        matrix = Matrix(buffer("w", *stacked.shape, dtype="uint8"), form, (layer,))
        x, y = quantized_buffers(1, 1024), buffer("out", 1024)
        with T.parallel(0, matrix.tile_rows) as tile:

            def write(_token: int, row: int, result: Any) -> None:
                v.store(y, result, v.lanes(tile * 16 + row, isa.rows))

            kernels.multiply_tile_row(isa, matrix, tile, x, 0, 1, write)

    compile_kernel(body, isa)(layers - 1, stacked, levels, scales, sums, out)
    expected = weights @ (levels.reshape(1, -1, 32) * scales[..., None]).reshape(-1)
    np.testing.assert_allclose(out, expected, atol=1e-4 * np.abs(expected).max())
