"""The catalogue of models to add: complete, plausible, and with a licence for each."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest

from tether_desktop import paths
from tether_desktop.errors import ModelNotFound
from tether_desktop.model.fetch.gguf_files import GgufFile
from tether_desktop.model.fetch.hub_reference import parse_reference
from tether_desktop.model.install.offers import Offer, find_offer, load_offers

FREE_LICENCES = {"Apache-2.0", "MIT"}
KEYS = {
    *("id", "title", "description", "source", "licence", "licence_url", "must_accept", "context_window"),
    "about",
}
ABOUT = {"parameters_millions", "download_megabytes", "memory_megabytes_at_4k"}
OFFERS = load_offers()
each_offer = pytest.mark.parametrize("offer", OFFERS, ids=[offer.id for offer in OFFERS])


def entries() -> list[Mapping[str, Any]]:
    entries: list[Mapping[str, Any]] = json.loads((paths.resources_dir() / "models.json").read_bytes())["models"]
    return entries


def test_there_are_a_dozen_models_from_small_to_large() -> None:
    sizes = [offer.download_bytes for offer in OFFERS]
    assert len(sizes) >= 12
    assert sizes == sorted(sizes)
    assert sizes[0] < 200e6
    assert sizes[-1] > 4e9


def test_every_entry_has_every_key_and_no_other() -> None:
    assert all(set(entry) == KEYS and set(entry["about"]) == ABOUT for entry in entries())


def test_ids_titles_and_sources_are_unique() -> None:
    for field in ("id", "title", "source"):
        assert len({getattr(offer, field) for offer in OFFERS}) == len(OFFERS)


@each_offer
def test_an_id_is_easy_to_type(offer: Offer) -> None:
    assert re.fullmatch(r"[a-z0-9]+([.-][a-z0-9]+)*", offer.id)
    assert offer.id not in {"starter", "demo"}


@each_offer
def test_a_source_is_a_gguf_on_the_hub_in_a_quantization_that_we_read(offer: Offer) -> None:
    reference = parse_reference(offer.source)
    assert str(reference) == offer.source
    assert reference.file is not None
    assert GgufFile(("x",), reference.file).readable


@each_offer
def test_a_licence_is_named_linked_and_asked_for_where_it_is_not_free(offer: Offer) -> None:
    assert offer.licence in FREE_LICENCES or offer.licence.startswith("LicenseRef-")
    assert offer.must_accept == (offer.licence not in FREE_LICENCES)
    assert urlsplit(offer.licence_url).scheme == "https"


@each_offer
def test_a_description_is_one_short_sentence(offer: Offer) -> None:
    assert 20 <= len(offer.description) <= 90
    assert offer.description.isprintable()
    assert offer.description.endswith(".")
    assert offer.title.strip() == offer.title != ""


@each_offer
def test_the_numbers_are_those_of_a_language_model(offer: Offer) -> None:
    bits = 8 * offer.download_bytes / offer.parameters
    low, high = (8, 9.5) if offer.source.endswith(":Q8_0") else (4.2, 7)
    assert low < bits < high
    assert offer.download_bytes < offer.memory_bytes < offer.download_bytes + 3e9
    assert 4096 <= offer.context_window <= 1 << 20
    assert offer.context_window % 1024 == 0


def test_an_offer_is_found_by_its_id_whatever_the_case() -> None:
    assert find_offer(" Qwen2.5-0.5B-Instruct ").id == "qwen2.5-0.5b-instruct"


def test_what_is_not_offered_is_told_with_what_is() -> None:
    with pytest.raises(ModelNotFound, match="is not in the catalogue") as failure:
        find_offer("gpt-9")
    assert OFFERS[0].id in failure.value.hint
