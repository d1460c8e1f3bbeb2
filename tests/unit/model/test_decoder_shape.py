"""The description of a decoder: what it says of tensors, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.helpers.decoder_shapes import SMALL, with_formats
from tether_desktop.errors import ModelBroken
from tether_desktop.model.decoder_shape import TILE_FORMATS, parse_shape, shape_json, shape_of

FULL = replace(
    SMALL,
    qkv_bias=True,
    qk_norm=True,
    post_norms=True,
    windowed=True,
    rope_tables=2,
    tied=False,
    formats=SMALL.formats | {"lm_head": "q8_0"},
)


@pytest.mark.parametrize("shape", [SMALL, FULL], ids=["small", "full"])
def test_a_shape_survives_json(shape: Any) -> None:
    assert parse_shape(json.loads(json.dumps(shape_json(shape)))) == shape


def test_each_tile_format_has_a_size_of_its_own() -> None:
    assert {form.tile_bytes for form in TILE_FORMATS.values()} == {288, 320, 352, 384, 544}


def test_a_plain_decoder_has_only_the_tensors_it_needs() -> None:
    assert set(SMALL.stored_tensors()) == {
        *("embed.tiles", "layers.attn_norm", "layers.qkv.tiles", "layers.o.tiles", "layers.ffn_norm"),
        *("layers.gate_up.tiles", "layers.down.tiles", "final_norm", "rope.inv_freq"),
    }


def test_every_variant_brings_its_tensors() -> None:
    tensors = FULL.stored_tensors()
    assert tensors["layers.qkv.bias"] == ((2, 256), "float32")
    assert tensors["layers.q_norm"] == tensors["layers.k_norm"] == ((2, 32), "float32")
    assert tensors["layers.post_attn_norm"] == tensors["layers.post_ffn_norm"] == ((2, 64), "float32")
    assert tensors["layers.window"] == tensors["layers.rope"] == ((2,), "int32")
    assert tensors["lm_head.tiles"] == ((32, 2, 544), "uint8")
    assert tensors["rope.inv_freq"] == ((2, 16), "float32")


def test_tiles_are_as_large_as_their_format_says() -> None:
    for name, form in TILE_FORMATS.items():
        assert with_formats(SMALL, name).parameters()["layers.down.tiles"] == ((2, 4, 4, form.tile_bytes), "uint8")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"hidden": 60}, "hidden is not a multiple of 32"),
        ({"intermediate": 100}, "intermediate is not a multiple of 32"),
        ({"head_dim": 48}, "head_dim is not a multiple of 32"),
        ({"rotary_dim": 64}, "rotary_dim does not fit"),
        ({"vocab": 500}, "vocab is not a multiple of 16"),
        ({"kv_heads": 3}, "not a multiple of kv_heads"),
        ({"layers": 0}, "not positive"),
        ({"rope_tables": 0}, "not positive"),
        ({"activation": "relu"}, "activation is unknown"),
        ({"norm_eps": "small"}, "no number"),
        ({"layers": True}, "no whole number"),
        ({"formats": {"embed": "q8_0"}}, "tile format is missing"),
        ({"formats": {**SMALL.formats, "o": "q2_0"}}, "tile format is missing or unknown"),
        ({"formats": [1]}, "cannot be used"),
    ],
)
def test_what_no_kernel_is_made_for_is_named(change: dict[str, object], words: str) -> None:
    with pytest.raises(ModelBroken, match=words):
        shape_of({"decoder": shape_json(SMALL) | change})


@pytest.mark.parametrize("config", [{}, {"decoder": {}}, {"decoder": None}, {"decoder": []}])
def test_a_missing_description_is_told(config: dict[str, Any]) -> None:
    with pytest.raises(ModelBroken, match=r"mlc-chat-config\.json"):
        shape_of(config)
