"""The compiled decoder against the same model in plain floats, and against itself."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.helpers.decoder_shapes import SMALL, with_formats
from tests.helpers.random_decoder import RandomDecoder, make_random_decoder
from tests.helpers.reference_decoder import ReferenceDecoder
from tether_desktop.errors import LibraryMismatch
from tether_desktop.model.cpu import supported_isas
from tether_desktop.model.decoder_shape import TILE_FORMATS, DecoderShape
from tether_desktop.model.tvm.decoder import Decoder
from tether_desktop.model.tvm.kv_cache import KvCache
from tether_desktop.model.tvm.runtime import Runtime

TOKENS = [(i * 79) % 480 + 8 for i in range(150)]
WINDOW = 256

VARIANTS = {
    **{f"{name} everywhere": with_formats(SMALL, name) for name in TILE_FORMATS},
    "untied": replace(SMALL, tied=False, formats=SMALL.formats | {"lm_head": "q8_0"}),
    "six heads to one, wide heads": replace(SMALL, heads=6, kv_heads=1, head_dim=64, rotary_dim=64),
    "fourteen heads to one": replace(SMALL, heads=14, kv_heads=1),
    "one head to one": replace(SMALL, heads=3, kv_heads=3, layers=1),
    "odd sizes": replace(SMALL, vocab=496, hidden=96, intermediate=160),
    "biases and head norms": replace(SMALL, qkv_bias=True, qk_norm=True),
    "wide layers among narrow ones": replace(
        SMALL,
        layers=3,
        wide_formats={"qkv": "q8_0", "gate_up": "q5_1", "o": "q8_0", "down": "q8_0"},
        wide_layers={"qkv": 1, "gate_up": 1, "o": 2, "down": 2},
    ),
    "rotated in part": replace(SMALL, head_dim=96, rotary_dim=64, attention_scale=96**-0.5),
    "local and global layers, norms behind": replace(
        SMALL,
        head_dim=256,
        rotary_dim=256,
        kv_heads=1,
        qk_norm=True,
        post_norms=True,
        windowed=True,
        rope_tables=2,
        activation="gelu_tanh",
        attention_scale=1 / 16,
        embedding_scale=8.0,
    ),
}


@dataclass
class Conversation:
    """A decoder with a cache of its own."""

    decoder: Decoder
    cache: KvCache

    def prefill(self, tokens: Sequence[int], position: int = 0) -> NDArray[np.float32]:
        for _ in self.decoder.prefill(self.cache, tokens, position):
            pass
        return self.decoder.logits.copy()

    def decode_all(self, tokens: Sequence[int], position: int = 0) -> NDArray[np.float32]:
        logits = []
        for at, token in enumerate(tokens, start=position):
            self.decoder.decode(self.cache, token, at)
            logits.append(self.decoder.logits.copy())
        return np.stack(logits)


def talk(model: RandomDecoder, window: int = WINDOW) -> Conversation:
    decoder = Decoder(Runtime(2), model.folder, model.library, window)
    return Conversation(decoder, decoder.new_cache())


MakeDecoder = Callable[..., RandomDecoder]


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> MakeDecoder:
    """Makes and compiles a random decoder, by default for the best instruction set of this processor."""

    def make_one(shape: DecoderShape, isa: str = supported_isas()[0]) -> RandomDecoder:
        windows, tables = (20, 0), (1, 0)
        return make_random_decoder(
            tmp_path_factory.mktemp("random"), shape, isa, windows=windows, rope_of_layer=tables, rope_scale=1.1
        )

    return make_one


@pytest.fixture(scope="module")
def small(make: MakeDecoder) -> RandomDecoder:
    return make(SMALL)


def assert_like(actual: NDArray[np.float32], expected: NDArray[np.float32]) -> None:
    """Equal but for the rounding of activations to int8."""
    assert np.abs(actual - expected).mean() < 0.04 * expected.std()
    assert np.corrcoef(actual.ravel(), expected.ravel())[0, 1] > 0.999


def variants_by_isa() -> list[Any]:
    """Every variant on the best instruction set; on the others, those that differ most."""
    best, *others = supported_isas()
    chosen = [(best, name) for name in VARIANTS]
    chosen += [(isa, name) for isa in others for name in ("odd sizes", "local and global layers, norms behind")]
    return [pytest.param(isa, VARIANTS[name], id=f"{isa}, {name}") for isa, name in chosen]


@pytest.mark.parametrize(("isa", "shape"), variants_by_isa())
def test_logits_are_those_of_the_float_model_but_for_int8_activations(
    make: MakeDecoder, isa: str, shape: DecoderShape
) -> None:
    model = make(shape, isa)
    expected = ReferenceDecoder(shape, model.tensors, model.rope_scale).logits(TOKENS[:100])
    assert_like(talk(model).decode_all(TOKENS[:100]), expected)
    for count in (5, 100):
        assert_like(talk(model).prefill(TOKENS[:count]), expected[count - 1])


def test_prefill_and_decode_agree(small: RandomDecoder) -> None:
    one_by_one = talk(small).decode_all(TOKENS)[-1]
    np.testing.assert_allclose(talk(small).prefill(TOKENS), one_by_one, atol=0.05 * one_by_one.std())


@pytest.mark.parametrize("cut", [1, 15, 16, 17, 100])
def test_a_prompt_read_in_two_parts_gives_the_same_bits(small: RandomDecoder, cut: int) -> None:
    whole = talk(small).prefill(TOKENS)
    conversation = talk(small)
    conversation.prefill(TOKENS[:cut])
    np.testing.assert_array_equal(conversation.prefill(TOKENS[cut:], cut), whole)


def test_going_back_and_reading_other_tokens_leaves_no_trace(small: RandomDecoder) -> None:
    clean = talk(small).prefill(TOKENS)
    conversation = talk(small)
    conversation.prefill(TOKENS[:60] + [7] * 90)
    conversation.decode_all([9] * 20, 150)
    np.testing.assert_array_equal(conversation.prefill(TOKENS[60:], 60), clean)


def test_two_conversations_of_a_decoder_do_not_mix(small: RandomDecoder) -> None:
    first = talk(small)
    second = Conversation(first.decoder, first.decoder.new_cache())
    alone = [talk(small).prefill(TOKENS), talk(small).prefill(TOKENS[::-1])]
    first.prefill(TOKENS[:80])
    second.prefill(TOKENS[::-1][:50])
    np.testing.assert_array_equal(first.prefill(TOKENS[80:], 80), alone[0])
    np.testing.assert_array_equal(second.prefill(TOKENS[::-1][50:], 50), alone[1])


def test_the_number_of_threads_changes_no_bit(small: RandomDecoder) -> None:
    conversation = talk(small)
    results = []
    for threads in (1, 2):
        conversation.decoder.use_threads(threads)
        results.append((conversation.prefill(TOKENS[:100]), conversation.decode_all(TOKENS[100:], 100)))
    np.testing.assert_array_equal(results[0][0], results[1][0])
    np.testing.assert_array_equal(results[0][1], results[1][1])


def test_the_last_position_of_the_window_works(small: RandomDecoder) -> None:
    np.testing.assert_array_equal(talk(small, window=150).prefill(TOKENS), talk(small).prefill(TOKENS))


def test_a_library_for_another_model_is_refused(small: RandomDecoder, make: MakeDecoder) -> None:
    other = make(replace(SMALL, layers=1))
    with pytest.raises(LibraryMismatch, match="other names or shapes"):
        Decoder(Runtime(2), small.folder, other.library, WINDOW)


def test_a_library_for_another_processor_is_refused_before_it_runs(small: RandomDecoder, tmp_path: Path) -> None:
    path = tmp_path / "other.so"
    shutil.copy(small.library, path)
    isa = supported_isas()[0].encode()
    path.write_bytes(path.read_bytes().replace(b'"isa": "' + isa, b'"isa": "' + b"z" * len(isa)))
    with pytest.raises(LibraryMismatch, match="does not have"):
        Decoder(Runtime(2), small.folder, path, WINDOW)


def test_weights_are_touched_completely(small: RandomDecoder) -> None:
    fractions = list(talk(small).decoder.touch_weights())
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
