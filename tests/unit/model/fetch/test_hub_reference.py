"""How a model on the hub is named."""

from __future__ import annotations

import pytest

from tether_desktop.errors import InstallError
from tether_desktop.model.fetch.hub_reference import HubReference, find_reference, parse_reference


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("hf:acme/Tiny", HubReference("acme/Tiny")),
        (" hf:acme/Tiny \n", HubReference("acme/Tiny")),
        ("hf://acme/Tiny", HubReference("acme/Tiny")),
        ("hf:acme/Tiny:Q4_K_M", HubReference("acme/Tiny", None, "Q4_K_M")),
        ("hf:acme/Tiny:sub/a b.gguf", HubReference("acme/Tiny", None, "sub/a b.gguf")),
        ("hf:acme/Tiny@refs/pr/1", HubReference("acme/Tiny", "refs/pr/1")),
        ("hf:acme/Tiny-1.5_b@v1.0:a@b:c.gguf", HubReference("acme/Tiny-1.5_b", "v1.0", "a@b:c.gguf")),
        ("https://huggingface.co/acme/Tiny", HubReference("acme/Tiny")),
        ("https://huggingface.co/acme/Tiny/?not-for-all-audiences=true", HubReference("acme/Tiny")),
        ("https://hf.co/acme/Tiny/tree/main", HubReference("acme/Tiny", "main")),
        ("https://huggingface.co/acme/Tiny/blob/main/a%20b.gguf", HubReference("acme/Tiny", "main", "a b.gguf")),
        (
            "https://huggingface.co/acme/Tiny/resolve/refs%2Fpr%2F1/a.gguf?download=true",
            HubReference("acme/Tiny", "refs/pr/1", "a.gguf"),
        ),
    ],
)
def test_a_reference_or_the_address_of_a_page_names_a_model(text: str, reference: HubReference) -> None:
    assert parse_reference(text) == reference
    assert parse_reference(str(reference)) == reference


@pytest.mark.parametrize(
    "text",
    [
        *("", "hf:", "hf:acme", "hf:acme/", "hf:/Tiny", "hf:acme/Tiny/more", "hf:acme/Tiny@", "hf:acme/Tiny:"),
        *("hf:../Tiny", "hf:acme/..", "hf:acme/a..b", "hf:acme/a--b", "hf:ac me/Tiny", "hf:acme/Tiny\nhf:acme/B"),
        *("hf:acme/Tiny@a b", f"hf:acme/{'a' * 97}", "acme/Tiny", "https://example.org/acme/Tiny"),
        *("https://huggingface.co/datasets/acme", "https://huggingface.co/api/models", "https://huggingface.co/acme"),
        *("http://huggingface.co/acme/Tiny", "https://huggingface.co.example.org/acme/Tiny", "hf:acme/Tiny-"),
    ],
)
def test_what_names_no_model_is_told(text: str) -> None:
    assert find_reference(text) is None
    with pytest.raises(InstallError, match="names no model"):
        parse_reference(text)


def test_the_name_of_a_model_is_the_last_part() -> None:
    assert parse_reference("hf:acme/Tiny:Q4_0").name == "Tiny"
