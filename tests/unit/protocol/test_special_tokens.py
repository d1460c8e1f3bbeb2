"""Which texts a tokenizer takes for special tokens."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tether_desktop.protocol.special_tokens import any_of, read_special_tokens


def write_tokenizer(folder: Path, text: str) -> Path:
    (folder / "tokenizer.json").write_text(text, encoding="utf-8")
    return folder


def test_they_come_from_the_tokenizer_and_from_its_configuration(tmp_path: Path) -> None:
    added = [
        {"id": 1, "content": "<|im_end|>", "special": True},
        {"id": 2, "content": "<think>", "special": False},
    ]
    write_tokenizer(tmp_path, json.dumps({"added_tokens": added}))
    config: dict[str, Any] = {
        "bos_token": "<s>",
        "eos_token": {"content": "</s>", "special": True},
        "pad_token": None,
        "additional_special_tokens": ["<a>", {"content": "<b>"}],
        "added_tokens_decoder": {"7": {"content": "<c>", "special": True}, "8": {"content": "<d>", "special": False}},
    }
    special = read_special_tokens(tmp_path, config)
    assert special.texts == {"<|im_end|>", "<s>", "</s>", "<a>", "<b>", "<c>"}
    assert special.by_id == {1: "<|im_end|>", 2: "<think>", 7: "<c>", 8: "<d>"}
    assert special.named == {"bos_token": "<s>", "eos_token": "</s>"}


def test_a_vocabulary_entry_of_that_name_is_not_mistaken_for_the_list(tmp_path: Path) -> None:
    vocab = {'"added_tokens"': 1, "added_tokens": 2}
    text = json.dumps({"model": {"vocab": vocab}, "added_tokens": [{"id": 3, "content": "<x>", "special": True}]})
    assert read_special_tokens(write_tokenizer(tmp_path, text), {}).texts == {"<x>"}


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"added_tokens": [', '{"added_tokens": {}}', '{"added_tokens": [1, {"id": "x"}, null]}']
)
def test_a_broken_tokenizer_file_has_none(tmp_path: Path, text: str) -> None:
    assert read_special_tokens(write_tokenizer(tmp_path, text), {}).texts == frozenset()


def test_a_missing_tokenizer_file_has_none(tmp_path: Path) -> None:
    assert read_special_tokens(tmp_path, {}).texts == frozenset()


@pytest.mark.parametrize("broken", [{"bos_token": 3}, {"added_tokens_decoder": []}, {"additional_special_tokens": "x"}])
def test_odd_configurations_are_ignored(tmp_path: Path, broken: dict[str, Any]) -> None:
    assert read_special_tokens(tmp_path, broken).texts == frozenset()


@given(st.lists(st.text("ab<|.", min_size=1, max_size=6), min_size=1, max_size=30), st.text("ab<|.", max_size=40))
@settings(deadline=None, derandomize=True)
def test_the_longest_of_many_texts_is_found_as_if_each_were_tried(texts: list[str], text: str) -> None:
    plain = "|".join(map(re.escape, sorted(texts, key=len, reverse=True)))
    assert re.findall(any_of(texts), text) == re.findall(plain, text)


def test_texts_that_begin_alike_share_their_beginning() -> None:
    assert any_of(["<unused1>", "<unused12>", "<pad>"]) == "<(?:unused1(?:2>|>)|pad>)"


def test_texts_of_any_length_make_an_expression() -> None:
    texts = ["a" * count for count in range(1, 1500)]
    assert re.fullmatch(any_of(texts), "a" * 1499)
