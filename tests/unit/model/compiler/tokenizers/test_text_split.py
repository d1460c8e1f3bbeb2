"""Text is cut into words as each family of byte-level tokenizers was trained to."""

from __future__ import annotations

import pytest
from tokenizers import Regex, pre_tokenizers

from tether_desktop.model.compiler.tokenizers.text_split import text_split

TEXT = "I'LL pay 12345 €/km,\n\n  she's  gone… naïveCase"


def words(name: str, text: str = TEXT) -> list[str]:
    """The words, without the step that writes bytes as characters."""
    split = text_split(name)
    assert split is not None
    steps = [pre_tokenizers.Split(Regex(expression), "isolated") for expression in split.expressions]
    return [word for word, _ in pre_tokenizers.Sequence(steps).pre_tokenize_str(text)]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "gpt-2",
            "I|'|LL| pay| 12345| €/|km|,|\n\n | she|'s| | gone|…| naïveCase",
        ),
        (
            "smollm",
            "I|'|LL| pay| |1|2|3|4|5| €/|km|,|\n\n | she|'s| | gone|…| naïveCase",
        ),
        (
            "llama-bpe",
            "I|'LL| pay| |123|45| €/|km|,\n\n| | she|'s| | gone|…| naïveCase",
        ),
        (
            "qwen2",
            "I|'LL| pay| |1|2|3|4|5| €/|km|,\n\n| | she|'s| | gone|…| naïveCase",
        ),
        (
            "gpt-4o",
            "I'LL| pay| |123|45| €/|km|,\n\n| | she's| | gone|…| naïve|Case",
        ),
        (
            "tekken",
            "I|'LL| pay| |1|2|3|4|5| €/|km|,\n\n| | she|'s| | gone|…| naïve|Case",
        ),
        (
            "deepseek-v3",
            "I|'LL| pay| |123|45| €/|km|,\n\n| | she|'s| | gone|…| naïveCase",
        ),
        (
            "deepseek-coder",
            "I|'|LL| pay| |1|2|3|4|5| |€|/|km|,|\n|\n| | she|'|s| | gone|…| naïveCase",
        ),
        (
            "default",
            "I|'|LL| pay| |123|45| €|/|km|,|\n\n | she|'|s| | gone|…| naïveCase",
        ),
    ],
)
def test_each_family_has_its_words(name: str, expected: str) -> None:
    assert words(name) == expected.split("|")


@pytest.mark.parametrize(("name", "found"), [("qwen2", ["नमस", "्त", "े"]), ("qwen35", ["नमस्ते"])])
def test_marks_belong_to_letters_where_the_model_says_so(name: str, found: list[str]) -> None:
    assert words(name, "नमस्ते") == found


@pytest.mark.parametrize("name", ["llama3", "llama-v3", "llama-bpe", "falcon3", "tekken"])
def test_these_take_a_word_that_is_a_token_whole(name: str) -> None:
    split = text_split(name)
    assert split is not None
    assert split.ignores_merges


def test_qwen_composes_characters_first() -> None:
    split = text_split("qwen2")
    assert split is not None
    normalizer = split.normalizer()
    assert normalizer is not None
    assert normalizer.normalize_str("e\u0301") == "é"


@pytest.mark.parametrize("name", ["", "kimi-k2", "llama-bpe "])
def test_an_unknown_name_is_not_guessed(name: str) -> None:
    assert text_split(name) is None
