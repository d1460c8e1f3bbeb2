"""The decoders of the catalogue, known without its files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from gguf import GGML_QUANT_SIZES

from tests.helpers.tiny_model import TinyConfig, write_tiny_gguf
from tether_desktop.model.compiler.formats import choose_formats, decoder_shape
from tether_desktop.model.compiler.sources import open_source
from tether_desktop.model.install.offers import load_offers


def test_every_offer_is_known() -> None:
    from artefacts.known_models import KNOWN

    assert {model.offer for model in KNOWN} == {offer.id for offer in load_offers()}


def test_what_is_known_weighs_what_is_downloaded() -> None:
    """Dimensions and encodings together give the size of the file, but for its table of tokens of some megabytes."""
    from artefacts.known_models import KNOWN, QuantizedFile

    offers = {offer.id: offer for offer in load_offers()}
    for model in KNOWN:
        offer = offers[model.offer]
        name = offer.source.rpartition(":")[2]
        source = QuantizedFile(model.config(), name, joins=model.architecture == "phi3", with_matrix=True)
        size = 0.0
        heads, keys = (count * model.head_dim * model.hidden for count in (model.heads, model.kv_heads))
        matrices = {"q": heads, "k": keys, "v": keys, "o": heads}
        matrices |= dict.fromkeys(("gate", "up", "down"), model.hidden * model.intermediate)
        for name, weights in matrices.items():
            size += sum(weights * bytes_per_weight(source.tensor(name, layer)) for layer in range(model.layers))
        for name in ("embed",) if model.tied else ("embed", "lm_head"):
            size += model.vocab * model.hidden * bytes_per_weight(source.tensor(name))
        assert -5e6 < offer.download_bytes - size < 12e6, model.offer


def bytes_per_weight(tensor: object) -> float:
    weights, size = GGML_QUANT_SIZES[tensor.encoding]  # type: ignore[attr-defined]
    return size / weights


def test_every_decoder_can_be_compiled_for_and_is_listed_once() -> None:
    from artefacts.known_models import known_decoders

    found = list(known_decoders())
    assert len(found) > len(load_offers())
    for number, (_, shape) in enumerate(found):
        assert shape.formats["embed"]
        assert all(shape != other for _, other in found[:number])


@pytest.mark.parametrize("tied", [True, False])
def test_a_model_is_known_as_its_file_is_read(tmp_path: Path, *, tied: bool) -> None:
    from artefacts.known_models import KnownModel, QuantizedFile

    write_tiny_gguf(tmp_path / "tiny.gguf", TinyConfig(tied=tied))
    source = open_source(tmp_path / "tiny.gguf")
    read = source.config
    model = KnownModel(
        "tiny", "llama", read.layers, read.hidden, read.intermediate, read.heads, read.kv_heads, read.head_dim,
        read.vocab, read.norm_eps, read.context_window, tied=read.tied,
    )  # fmt: skip
    as_read = decoder_shape(read, choose_formats(source))
    config = model.config()
    as_known = decoder_shape(config, choose_formats(QuantizedFile(config, "Q8_0", joins=False, with_matrix=True)))
    same = {name: getattr(as_read, name) for name in ("formats", "wide_formats", "wide_layers")}
    assert replace(as_known, **same) == as_read
