"""The model card says where a model comes from and what packing changed about it."""

from __future__ import annotations

from pathlib import Path

from tether_desktop.model.compiler.mapping import Mapping
from tether_desktop.model.compiler.model_card import Card, model_card
from tether_desktop.model.compiler.source_card import read_card

MAPPINGS = (
    Mapping("embed", ("Q8_0",), "q8_0", exact=True, relative_rms=0.0),
    Mapping("qkv", ("Q4_K", "Q6_K"), "q8_0", exact=False, relative_rms=0.00378),
)


def test_the_card_tells_name_origin_licence_weights_and_notes() -> None:
    text = model_card(Card("Tiny", "https://example.org/tiny", "apache-2.0", "## Thanks\n\nTo all."), MAPPINGS)
    assert "\n# Tiny\n" in text
    assert "\n## Origin\n\nhttps://example.org/tiny\n" in text
    assert "\n## Licence\n\napache-2.0\n" in text
    assert "| embedding | Q8_0 | q8_0 | none |\n| query, key and value | Q4_K, Q6_K | q8_0 | 0.38 % |\n" in text
    assert text.endswith("\n\n## Thanks\n\nTo all.\n")


def test_what_is_not_known_is_said_to_be_unknown() -> None:
    text = model_card(Card("Tiny", ""), ())
    assert text.startswith("# Tiny\n")
    assert "It is not known where the source weights come from." in text
    assert "look where the model comes from before you pass it on" in text


def test_the_licence_is_found_again_when_the_packed_folder_is_added_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(model_card(Card("Tiny", "a test", "llama3.2"), MAPPINGS))
    assert read_card(tmp_path).licence == "llama3.2"


def test_text_from_the_source_stays_on_its_line() -> None:
    text = model_card(Card("a\n# b", "c\n\n## d", "e\n---\nf"), ())
    assert [line for line in text.splitlines() if line.startswith("#")] == [
        *("# a # b", "## Origin", "## Licence", "## Weights")
    ]
    assert "\ne --- f\n" in text
