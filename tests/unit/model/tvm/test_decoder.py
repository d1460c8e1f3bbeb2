"""The compiled decoder against the same model in plain floats, and against itself."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.helpers.reference_decoder import ReferenceDecoder
from tests.helpers.tiny_model import TinyConfig
from tests.unit.model.tvm.conftest import CompiledModel, CompileTiny
from tether_desktop.errors import LibraryMismatch
from tether_desktop.model.compiler.shape import shape_of
from tether_desktop.model.cpu import supported_isas
from tether_desktop.model.tvm.decoder import Decoder
from tether_desktop.model.tvm.runtime import Runtime
from tether_desktop.model.tvm.weights import open_weights

TOKENS = [(i * 79) % 480 + 8 for i in range(150)]
WINDOW = 256


def make_decoder(compiled: CompiledModel, isa: str | None = None, window: int = WINDOW) -> Decoder:
    library = compiled.libraries[isa] if isa else compiled.library
    return Decoder(Runtime(2), compiled.model.folder, library, window)


def prefill(decoder: Decoder, tokens: Sequence[int], position: int = 0) -> NDArray[np.float32]:
    for _ in decoder.prefill(tokens, position):
        pass
    return decoder.logits.copy()


def decode_all(decoder: Decoder, tokens: Sequence[int], position: int = 0) -> NDArray[np.float32]:
    logits = []
    for at, token in enumerate(tokens, start=position):
        decoder.decode(token, at)
        logits.append(decoder.logits.copy())
    return np.stack(logits)


def reference(compiled: CompiledModel, tokens: Sequence[int]) -> NDArray[np.float32]:
    folder = compiled.model.folder
    shape = shape_of(json.loads((folder / "mlc-chat-config.json").read_text()))
    return ReferenceDecoder(shape, open_weights(folder)).logits(tokens)


@pytest.mark.parametrize("isa", supported_isas())
def test_logits_are_those_of_the_float_model_but_for_int8_activations(tiny: CompiledModel, isa: str) -> None:
    expected = reference(tiny, TOKENS)
    actual = decode_all(make_decoder(tiny, isa), TOKENS)[:, : expected.shape[1]]
    assert np.abs(actual - expected).mean() < 0.05 * expected.std()
    assert np.corrcoef(actual.ravel(), expected.ravel())[0, 1] > 0.998


@pytest.mark.parametrize(
    "config",
    [
        TinyConfig(matrices="Q8_0"),
        TinyConfig(tied=False),
        TinyConfig(num_attention_heads=6, num_key_value_heads=1, head_dim=64),
        TinyConfig(num_attention_heads=3, num_key_value_heads=3, num_hidden_layers=1),
        replace(TinyConfig(), vocab_size=500, hidden_size=96, intermediate_size=160),
    ],
    ids=["8-bit", "untied", "six heads to one", "one head to one", "odd sizes"],
)
def test_other_shapes_are_right_too(compile_tiny: CompileTiny, config: TinyConfig) -> None:
    compiled = compile_tiny(config)
    expected = reference(compiled, TOKENS[:40])
    actual = decode_all(make_decoder(compiled), TOKENS[:40])
    assert np.corrcoef(actual.ravel(), expected.ravel())[0, 1] > 0.998
    assert np.abs(prefill(make_decoder(compiled), TOKENS[:40]) - expected[-1]).mean() < 0.06 * expected.std()


def test_prefill_and_decode_agree(tiny: CompiledModel) -> None:
    one_by_one = decode_all(make_decoder(tiny), TOKENS)[-1]
    at_once = prefill(make_decoder(tiny), TOKENS)
    np.testing.assert_allclose(at_once, one_by_one, atol=0.05 * one_by_one.std())


@pytest.mark.parametrize("cut", [1, 15, 16, 17, 100])
def test_a_prompt_read_in_two_parts_gives_the_same_bits(tiny: CompiledModel, cut: int) -> None:
    whole = prefill(make_decoder(tiny), TOKENS)
    decoder = make_decoder(tiny)
    prefill(decoder, TOKENS[:cut])
    np.testing.assert_array_equal(prefill(decoder, TOKENS[cut:], cut), whole)


def test_going_back_and_reading_other_tokens_leaves_no_trace(tiny: CompiledModel) -> None:
    clean = prefill(make_decoder(tiny), TOKENS)
    decoder = make_decoder(tiny)
    prefill(decoder, TOKENS[:60] + [7] * 90)
    decode_all(decoder, [9] * 20, 150)
    np.testing.assert_array_equal(prefill(decoder, TOKENS[60:], 60), clean)


def test_the_number_of_threads_changes_no_bit(tiny: CompiledModel) -> None:
    runtime = Runtime(2)
    decoder = Decoder(runtime, tiny.model.folder, tiny.library, WINDOW)
    results = []
    for threads in (1, 2):
        decoder.use_threads(threads)
        results.append((prefill(decoder, TOKENS[:100]), decode_all(decoder, TOKENS[100:], 100)))
    np.testing.assert_array_equal(results[0][0], results[1][0])
    np.testing.assert_array_equal(results[0][1], results[1][1])


def test_the_last_position_of_the_window_works(tiny: CompiledModel) -> None:
    decoder = make_decoder(tiny, window=150)
    np.testing.assert_array_equal(prefill(decoder, TOKENS), prefill(make_decoder(tiny), TOKENS))


def test_a_library_for_another_model_is_refused(tiny: CompiledModel, compile_tiny: CompileTiny) -> None:
    other = compile_tiny(TinyConfig(num_hidden_layers=1))
    with pytest.raises(LibraryMismatch, match="other names or shapes"):
        Decoder(Runtime(2), tiny.model.folder, other.library, WINDOW)


def test_a_library_for_another_processor_is_refused_before_it_runs(tiny: CompiledModel, tmp_path: Path) -> None:
    path = tmp_path / "other.so"
    shutil.copy(tiny.library, path)
    isa = supported_isas()[0].encode()
    path.write_bytes(path.read_bytes().replace(b'"isa": "' + isa, b'"isa": "' + b"z" * len(isa)))
    with pytest.raises(LibraryMismatch, match="does not have"):
        Decoder(Runtime(2), tiny.model.folder, path, WINDOW)


def test_weights_are_touched_completely(tiny: CompiledModel) -> None:
    fractions = list(make_decoder(tiny).touch_weights())
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
