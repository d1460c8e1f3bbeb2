"""Which tile format weights go into."""

from __future__ import annotations

from dataclasses import replace

import pytest
from gguf import GGMLQuantizationType

from tests.helpers.memory_source import PLAIN, RICH, MemorySource
from tether_desktop.errors import ModelBroken
from tether_desktop.model.compiler.formats import Formats, WideLayers, choose_format, choose_formats


@pytest.mark.parametrize(
    ("encodings", "bits", "expected"),
    [
        ("Q4_0", None, "q4_0"),
        ("Q4_1", None, "q4_1"),
        ("Q4_K", None, "q4_1"),
        ("Q5_0", None, "q5_0"),
        ("Q5_1", None, "q5_1"),
        ("Q5_K", None, "q5_1"),
        ("Q8_0", None, "q8_0"),
        ("Q6_K", None, "q8_0"),
        ("F16", None, "q8_0"),
        ("BF16", None, "q8_0"),
        ("F32", None, "q8_0"),
        ("Q4_0 Q4_1", None, "q4_1"),
        ("Q4_0 Q4_K", None, "q4_1"),
        ("Q4_0 Q5_0", None, "q5_0"),
        ("Q4_1 Q5_0", None, "q5_1"),
        ("Q4_1 Q5_1", None, "q5_1"),
        ("Q4_K Q6_K", None, "q8_0"),
        ("Q4_0 Q8_0", None, "q8_0"),
        ("F16", 4, "q4_1"),
        ("Q8_0", 4, "q4_1"),
        ("Q4_K Q6_K", 4, "q4_1"),
        ("Q4_0", 4, "q4_0"),
        ("Q4_0 Q8_0", 4, "q4_1"),
        ("F16", 5, "q5_1"),
        ("Q4_0 F16", 5, "q5_1"),
        ("F16", 8, "q8_0"),
        ("Q4_1", 8, "q4_1"),
    ],
)
def test_the_smallest_format_is_chosen_that_loses_least(encodings: str, bits: int | None, expected: str) -> None:
    kinds = [GGMLQuantizationType[name] for name in encodings.split()]
    assert choose_format(kinds, bits).name == expected


@pytest.mark.parametrize("name", ["Q2_K", "IQ4_XS", "MXFP4", "I8", "F64"])
def test_an_encoding_that_cannot_be_packed_is_refused_by_its_name(name: str) -> None:
    with pytest.raises(ModelBroken, match=f"type {name}; only Q4_0, "):
        choose_format([GGMLQuantizationType.Q4_0, GGMLQuantizationType[name]])


def test_a_number_of_bits_that_there_is_not_is_refused() -> None:
    with pytest.raises(ModelBroken, match="not 3"):
        choose_format([GGMLQuantizationType.F16], 3)


def test_a_matrix_has_one_format_for_all_its_parts_and_another_where_some_layers_need_it() -> None:
    source = MemorySource(PLAIN, {"q": "Q4_0", "k": "Q4_0", ("v", 0): "Q4_0", ("v", 1): "Q5_0", "down": "Q4_K"})
    formats = choose_formats(source)
    assert formats.names == {"embed": "q8_0", "qkv": "q4_0", "o": "q8_0", "gate_up": "q8_0", "down": "q4_1"}
    assert formats.wide == {"qkv": WideLayers("q5_0", (1,))}


def test_layers_with_fewer_bits_are_joined_beside_the_widest() -> None:
    config = replace(PLAIN, layers=3)
    source = MemorySource(config, {("down", 0): "Q8_0", ("down", 1): "Q4_0", ("down", 2): "Q5_1"})
    formats = choose_formats(source)
    assert (formats.names["down"], formats.wide["down"]) == ("q5_1", WideLayers("q8_0", (0,)))


def test_fewer_bits_that_are_asked_for_hold_for_all_layers() -> None:
    formats = choose_formats(MemorySource(PLAIN, {("down", 0): "Q6_K", ("down", 1): "Q4_K"}), bits=4)
    assert (formats.names["down"], formats.wide) == ("q4_1", {})


def test_embedding_and_head_keep_8_bits_where_layers_shall_have_fewer() -> None:
    names = choose_formats(MemorySource(RICH, {"embed": "Q4_1"}), bits=4).names
    assert (names.pop("embed"), names.pop("lm_head")) == ("q4_1", "q8_0")
    assert set(names.values()) == {"q4_1"}


def test_a_quantization_is_named_by_the_format_that_all_layers_have() -> None:
    assert Formats({"embed": "q8_0", "qkv": "q4_1", "o": "q4_1"}).quantization == "q4_1t16"
    assert Formats({"embed": "q8_0", "qkv": "q4_1", "o": "q5_1"}).quantization == "mixed_t16"
    assert Formats({"qkv": "q4_1", "o": "q4_1"}, {"o": WideLayers("q8_0", (0,))}).quantization == "mixed_t16"
